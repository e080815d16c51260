// XGROUP: makes and changes consumer groups and their consumers.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

static class XGroup
{
    public static SubcommandGroup Make() => new("xgroup", CommandGroup.Stream, "5.0.0", "Makes and changes consumer groups and their consumers.",
        new XGroupVerb("create", -5, CommandFlags.DenyOom, "5.0.0", "Makes a consumer group, and with MKSTREAM its stream.", "O(1)"),
        new XGroupVerb("setid", -5, CommandFlags.None, "5.0.0", "Says which entry a consumer group was delivered last.", "O(1)"),
        new XGroupVerb("destroy", 4, CommandFlags.None, "5.0.0", "Deletes a consumer group with its consumers and all they have pending.", "O(1)"),
        new XGroupVerb("createconsumer", 5, CommandFlags.DenyOom, "6.2.0", "Makes a consumer of a group.", "O(1)"),
        new XGroupVerb("delconsumer", 5, CommandFlags.None, "5.0.0", "Deletes a consumer with all it has pending.", "O(n), n what it has pending"),
        new HelpVerb("xgroup|help", CommandGroup.Stream, "5.0.0",
            "CREATE <key> <groupname> <id|$> [option]",
            "    Create a new consumer group. Options are:",
            "    * MKSTREAM",
            "      Create the empty stream if it does not exist.",
            "    * ENTRIESREAD entries_read",
            "      Set the group's entries_read counter (internal use).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "    Create a new consumer in the specified group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "    Remove the specified consumer.",
            "DESTROY <key> <groupname>",
            "    Remove the specified group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "    Set the current group ID and entries_read counter."));
}

/// <summary>A subcommand of XGROUP.</summary>
sealed class XGroupVerb(string what, int arity, CommandFlags flags, string since, string summary, string complexity) : DataCommand
{
    public override CommandInfo Info { get; } = new("xgroup|" + what, CommandGroup.Stream)
    {
        Arity = arity,
        Flags = CommandFlags.Write | flags,
        Keys = new(2, 2, 1),
        Since = since,
        Summary = summary,
        Complexity = complexity,
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (TryReadOptions(call, args, out var mayMake, out var read)) Run(call, args, mayMake, read);
    }

    bool TryReadOptions(DataCall call, CommandArguments args, out bool mayMake, out long read)
    {
        (mayMake, read) = (false, StreamState.Unknown);
        for (var i = 5; i < args.Count; i++)
        {
            if (what == "create" && args.Is(i, "mkstream"u8))
            {
                mayMake = true;
                continue;
            }
            if (what is not ("create" or "setid") || !args.Is(i, "entriesread"u8) || i + 1 == args.Count)
            {
                StreamSyntax.Error(call, args);
                return false;
            }
            if (!call.TryInteger(args[++i], out read)) return false;
            if (read >= 0 || read == StreamState.Unknown) continue;
            call.Reply.Error("ERR value for ENTRIESREAD must be positive or -1"u8);
            return false;
        }
        return true;
    }

    void Run(DataCall call, CommandArguments args, bool mayMake, long read)
    {
        var key = args[2];
        var name = args[3];
        if (call.Streams.Open(key) is not { } stream) return;
        if (!stream.IsThere && !mayMake)
        {
            call.Reply.Error(("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
                + "to create an empty stream automatically."));
            return;
        }
        var group = stream.IsThere ? StreamGroup.Find(call, stream, name) : null;
        if (group is null && what is ("setid" or "createconsumer" or "delconsumer"))
        {
            NoGroup.Group(call, key, name);
            return;
        }
        switch (what)
        {
            case "create" when args.Count <= 8:
                Create(call, args, stream, group is not null, read);
                break;
            case "setid" when args.Count is 5 or 7:
                SetId(call, args, stream, group!, read);
                break;
            case "destroy":
                Destroy(call, args, stream, group);
                break;
            case "createconsumer":
                CreateConsumer(call, args, group!);
                break;
            case "delconsumer":
                DeleteConsumer(call, args, group!);
                break;
            default:
                StreamSyntax.Error(call, args);
                break;
        }
    }

    static void Create(DataCall call, CommandArguments args, StreamRows stream, bool exists, long read)
    {
        var id = stream.IsThere ? stream.State.Last : StreamId.Zero;
        if (args[4] is not [(byte)'$'] && !StreamIds.TryRead(call, args[4], 0, out id)) return;
        if (exists)
        {
            call.Reply.Error("BUSYGROUP Consumer Group name already exists"u8);
            return;
        }
        if (!stream.IsThere) stream.Create();
        stream.AddGroup(args[3], id, read);
        stream.Save();
        call.Reply.Ok();
        call.Signal(args[2], "xgroup-create", NotificationClass.Stream);
    }

    static void SetId(DataCall call, CommandArguments args, StreamRows stream, StreamGroup group, long read)
    {
        var id = stream.State.Last;
        if (args[4] is not [(byte)'$'] && !StreamIds.TryReadOrEnd(call, args[4], 0, out id)) return;
        group.SetLast(id, read);
        group.Save();
        call.Reply.Ok();
        call.Signal(args[2], "xgroup-setid", NotificationClass.Stream);
    }

    static void Destroy(DataCall call, CommandArguments args, StreamRows stream, StreamGroup? group)
    {
        call.Reply.Integer(group is null ? 0 : 1);
        if (group is null) return;
        stream.DropGroup(args[3], group.State);
        stream.Save();
        call.Signal(args[2], "xgroup-destroy", NotificationClass.Stream, isReady: true);
    }

    static void CreateConsumer(DataCall call, CommandArguments args, StreamGroup group)
    {
        var exists = group.FindConsumer(args[4]) is not null;
        call.Reply.Integer(exists ? 0 : 1);
        if (exists) return;
        group.AddConsumer(args[4], args[2]);
        group.Save();
    }

    static void DeleteConsumer(DataCall call, CommandArguments args, StreamGroup group)
    {
        var consumer = group.FindConsumer(args[4]);
        call.Reply.Integer(consumer?.State.Pending ?? 0);
        if (consumer is null) return;
        group.DropConsumer(consumer);
        group.Save();
        call.Signal(args[2], "xgroup-delconsumer", NotificationClass.Stream);
    }
}
