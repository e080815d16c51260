// RespEngine, admission: what is asked of a request before it is done: whether there is such a command, whether this client may ask for it now.
// And those requests that are held back while clients are paused, or are done without an answer.

using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    /// <summary>Why a request cannot be done, as a whole reply; null: it can.</summary>
    byte[]? Refusal(RespClient client, KnownCommand? command, CommandArguments args)
    {
        if (command is null)
            return Server.Commands.Find(args[0]) is { } group ? RespErrors.UnknownSubcommand(group.Info.Name, args) : RespErrors.UnknownCommand(args);
        if (!command.Info.AcceptsCount(args.Count)) return RespErrors.WrongCount(command.Info.Name);
        if (!client.User.Rules.IsUnlimited || !client.IsAuthenticated)
        {
            if (Denial(client, command, args) is { } denial) return denial;
        }
        if (client.IsMonitor && command.Data is not null) return RespErrors.OfMonitor;
        if (client.Moment is not null && command.Info.Is(CommandFlags.Write | CommandFlags.Blocking)) return RespErrors.PinnedToThePast;
        if (client.Subscriptions is not null && client.Version < 3 && client.IsListening && !IsAllowedWhileListening(command))
            return RespErrors.WhileListening(command.Info.Name);
        if (command.IsNeverQueued && client.Transaction is not null) return RespErrors.NotInTransaction;
        if (command.Info.Is(CommandFlags.Write) && Server.Settings.ReplicasMin.Value > 0) return RespErrors.NoReplicas;
        return null;
    }

    // Who has not shown who it is may do next to nothing; who has, what its rules say.
    byte[]? Denial(RespClient client, KnownCommand command, CommandArguments args)
    {
        if (!client.IsAuthenticated && Server.Access.RequiresPassword) return command.Info.Is(CommandFlags.NoAuth) ? null : RespErrors.NoAuthentication;
        var user = client.User.Rules;
        if (user.IsUnlimited) return null;
        var denial = AclCheck.Find(user, command, args, out var what);
        if (denial == AclDenial.None) return PatternDenial(user, command, args);
        Server.Access.Log.Add(client, denial, System.Text.Encoding.UTF8.GetString(what), user.Name, client.Transaction is not null || _isExecuting);
        return AclCheck.ReplyOf(denial, command);
    }

    // Keys that patterns of SORT name are for those who may read every key.
    static byte[]? PatternDenial(AclUser user, KnownCommand command, CommandArguments args)
    {
        if (command.Info.Name is not ("sort" or "sort_ro") || AclCheck.ReadsEverything(user, command)) return null;
        for (var i = 2; i + 1 < args.Count; i++)
        {
            var isBy = args.Is(i, "by"u8);
            if (isBy && args[i + 1].Contains((byte)'*')) return "-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n"u8.ToArray();
            if (args.Is(i, "get"u8)) return "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n"u8.ToArray();
            if (args.Is(i, "limit"u8)) i += 2;
            else if (isBy || args.Is(i, "store"u8)) i++;
        }
        return null;
    }

    // Rules may have changed since requests were queued: what is denied by now answers so, in its place.
    static void DenyQueued(RespClient client, RespTransaction transaction)
    {
        if (client.User.Rules.IsUnlimited) return;
        var user = client.User.Rules;
        for (var i = 0; i < transaction.Requests.Count; i++)
        {
            var request = transaction.Requests[i];
            var args = CommandProcedure.ArgumentsOf(request.Packed);
            if (AclCheck.Find(user, request.Command, args, out _) == AclDenial.None && PatternDenial(user, request.Command, args) is null) continue;
            transaction.Requests[i] = request with { Command = s_denied };
        }
    }

    static readonly KnownCommand s_denied = KnownCommand.Of(Commands.Server.ServerCommands.Verb("denied", -1, CommandFlags.None, "aevum",
        "Answers that it is denied.",
        static (_, _, reply) => reply.Error("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
            + "This command is no longer allowed for the following reason: no permission to execute the command or subcommand")), DataSurroundings.Alone);

    static bool IsAllowedWhileListening(KnownCommand command) => command.Info.Name is "ping" or "quit" or "reset" or "subscribe" or "ssubscribe"
        or "psubscribe" or "unsubscribe" or "sunsubscribe" or "punsubscribe";

    // A client that wants no reply to this request, or to any.
    void DoMuted(RespClient client, CommandArguments args)
    {
        var skips = client.Replies == ReplyMode.SkipNext;
        client.IsMuted = true;
        Do(client, args);
        FlushFor(client);   // while it is muted: replies of a batch come with its commit
        if (client.PendingSteps > 0) HoldBack(client);
        if (skips && client.Replies == ReplyMode.SkipNext && !client.IsSuspended) client.Replies = ReplyMode.On;
        else if (client.Replies != ReplyMode.Off && !client.IsSuspended) client.IsMuted = false;
    }

    /// <summary>True if a request waits until clients go on (CLIENT PAUSE); it is then taken again.</summary>
    bool IsHeldBack(RespClient client, CommandArguments args)
    {
        if (!Server.Pauses.Holds(client, Server.Commands.Find(args))) return false;
        client.Suspend();
        Server.Pauses.Add(client);
        return true;
    }

    // What a tracking client reads is remembered before it is read; but behind what this turn has taken in so far, or the client would be told at once
    // of a change that came before its read.
    void RememberReads(RespClient client, KnownCommand command, CommandArguments args)
    {
        var tracking = client.Tracking!;
        // Names of collections are no keys: nobody tells when they change.
        if (tracking.Remembers && command.Info.Is(CommandFlags.ReadOnly) && command.Info.Group != CommandGroup.Vector)
        {
            Flush();
            _keys.Clear();
            if (command.Command.FindKeys(args, _keys))
                foreach (var at in _keys) Server.Tracking.Remember(client, args[at]);
        }
        if (!command.Info.Name.StartsWith("client|", StringComparison.Ordinal) && client.Transaction is null) tracking.NextCached = null;
    }

    // ------------------------------------------------------------------------------------------------ time

    static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);
    IDisposable? _watch;

    /// <summary>Looks once a second, as long as a setting asks for it, whether clients have been idle or slow for too long. On the loop.</summary>
    public void WatchClients()
    {
        if (_watch is not null || !NeedsWatch || Clients.Count == 0) return;
        _watch = Loop.After(WatchInterval, () =>
        {
            _watch = null;
            CheckClients();
            WatchClients();
        });
    }

    bool NeedsWatch => Server.Settings.IdleSeconds.Value > 0 || Server.Settings.ClientBytesMax.Value > 0
        || Server.Settings.OutputLimits.Of(Settings.OutputClass.Normal).Soft > 0;

    void CheckClients()
    {
        var idle = Server.Settings.IdleSeconds.Value;
        var now = Server.Timestamp;
        foreach (var client in Clients.Values.ToArray())
        {
            // Who listens or waits has a reason to say nothing.
            var isIdle = idle > 0 && !client.IsListening && !client.IsSuspended && Server.Scheduler.Time.GetElapsedTime(client.LastSeen,
                now).TotalSeconds > idle;
            if (isIdle || client.IsOverLimit()) client.Abort();
        }
        if (Server.Settings.ClientBytesMax.Value is > 0 and var max) EvictClients(max);
    }

    // Each loop sends away its own, the largest first, while all of them together hold too much.
    void EvictClients(long max)
    {
        var held = Server.Clients.Values.Sum(c => c.MemoryBytes);
        if (held <= max) return;
        foreach (var client in Clients.Values.Where(c => !c.NoEvict).OrderByDescending(c => c.MemoryBytes).ToArray())
        {
            if (held <= max) return;
            held -= client.MemoryBytes;
            client.Abort();
            Server.CountEvicted();
        }
    }
}
