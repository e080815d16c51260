// TransactionCommands: MULTI, EXEC, DISCARD, WATCH, UNWATCH: short, and about one thing, so they share a file.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Transactions;

static class TransactionCommands
{
    public const CommandFlags Shared = CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.Fast;

    public static IEnumerable<RespCommand> Make() => [new Multi(), new Exec(), new Discard(), new Watch(), new Unwatch()];
}

sealed class Multi : SessionCommand
{
    public override CommandInfo Info { get; } = new("multi", CommandGroup.Transactions)
    {
        Arity = 1,
        Flags = TransactionCommands.Shared | CommandFlags.NotQueued,
        Since = "1.2.0",
        Summary = "Begins a transaction: what follows is queued for EXEC.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Transaction is not null)
        {
            reply.Error("ERR MULTI calls can not be nested"u8);
            return;
        }
        client.BeginTransaction();
        reply.Ok();
    }
}

sealed class Exec : SessionCommand
{
    public override CommandInfo Info { get; } = new("exec", CommandGroup.Transactions)
    {
        Arity = 1,
        Flags = CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NotQueued,
        Since = "1.2.0",
        Summary = "Runs everything that was queued, at one instant.",
        Complexity = "Depends on the commands.",
    };

    public override bool SkipsSlowLog => true;

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Transaction is not { } transaction)
        {
            reply.Error("ERR EXEC without MULTI"u8);
            return;
        }
        client.Transaction = null;
        if (transaction.HasFailed)
        {
            client.Unwatch();
            reply.Error("EXECABORT Transaction discarded because of previous errors."u8);
            return;
        }
        client.Engine.Execute(client, transaction, reply);
    }
}

sealed class Discard : SessionCommand
{
    public override CommandInfo Info { get; } = new("discard", CommandGroup.Transactions)
    {
        Arity = 1,
        Flags = TransactionCommands.Shared | CommandFlags.NotQueued,
        Since = "2.0.0",
        Summary = "Gives up what was queued, and what was watched.",
        Complexity = "O(N) with N the commands queued",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Transaction is null)
        {
            reply.Error("ERR DISCARD without MULTI"u8);
            return;
        }
        client.Transaction = null;
        client.Unwatch();
        reply.Ok();
    }
}

sealed class Watch : SessionCommand
{
    public override CommandInfo Info { get; } = new("watch", CommandGroup.Transactions)
    {
        Arity = -2,
        Flags = TransactionCommands.Shared | CommandFlags.NotQueued,
        Keys = KeyPlaces.All,
        Since = "2.2.0",
        Summary = "Lets EXEC do nothing if one of these keys is changed before it.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Transaction is not null)
        {
            reply.Error("ERR WATCH inside MULTI is not allowed"u8);
            return;
        }
        for (var i = 1; i < args.Count; i++) client.Engine.Watch(client, args[i]);
        reply.Ok();
    }
}

sealed class Unwatch : SessionCommand
{
    public override CommandInfo Info { get; } = new("unwatch", CommandGroup.Transactions)
    {
        Arity = 1,
        Flags = TransactionCommands.Shared,
        Since = "2.2.0",
        Summary = "Watches nothing any more.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Unwatch();
        reply.Ok();
    }
}
