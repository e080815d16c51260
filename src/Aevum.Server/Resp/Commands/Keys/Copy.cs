// Copy: COPY and MOVE, which are one act: what a key holds goes under a key of this database or of another, whole and with its expiry; MOVE then
// takes it from where it was.
//
// Databases are made when they are first used, and making one is a change of the catalog, which the sequencer cannot do for a command that it is
// running: so Prepare, which runs before the sequencer, makes the database that the arguments name, and Run finds it there.
//
// A large object is copied beside the loop (CopyBeside), and this writes its head when that is done. Within a transaction, which is one commit, it is copied
// here, as far as a commit reaches.
//
// Always true: the call is back in the keyspace it came with when Run ends, whatever it answers.
//
// Not here: how elements are copied (StructureCopy, CopyBeside); the same act within a database by another name (Rename).

using Aevum.Core.Errors;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>COPY and MOVE: what a key holds goes under another key, or into another database, whole and with its expiry.</summary>
sealed class Copy(RespDatabases databases, bool isMove) : DataCommand
{
    public override CommandInfo Info { get; } = new(isMove ? "move" : "copy", CommandGroup.Generic)
    {
        Arity = isMove ? 3 : -3,
        Flags = CommandFlags.Write | (isMove ? CommandFlags.Fast : CommandFlags.DenyOom),
        Keys = isMove ? KeyPlaces.One : KeyPlaces.Two,
        Since = isMove ? "1.0.0" : "6.2.0",
        Summary = isMove ? "Moves a key to another database, if that does not have it." : "Copies what a key holds to another key.",
        Complexity = "O(1), or O(N) with N the elements of a large structure",
    };

    public override void Prepare(CommandArguments args)
    {
        // A database that nothing has used yet cannot be made from within the sequencer.
        if (isMove) MakeIfInRange(args[2]);
        for (var i = 3; !isMove && i + 1 < args.Count; i++)
            if (args.Is(i, "db"u8)) MakeIfInRange(args[i + 1]);
    }

    void MakeIfInRange(ReadOnlySpan<byte> number)
    {
        if (Numbers.TryInteger(number, out var index) && index >= 0 && index < databases.Count) databases.IdOf((int)index);
    }

    public override bool MayTakeSeveralCommits => true;

    public override bool PreparesBeside => true;

    public override WriteForecast Forecast(DataCall call, CommandArguments args)
    {
        var isLarge = call.Rows.TryRead(call.HeadKey(args[1]), out var row) && StructureHead.Read(row.Bytes).IsLarge;
        return isLarge && TryTarget(call.Keyspace, args, out _) ? WriteForecast.Large : default;
    }

    public override byte[]? Begin(KeyspaceId keyspace, CommandArguments args)
    {
        if (!TryTarget(keyspace, args, out var target)) return null;
        return CopyBeside.Run(databases.Session, HeadOf(keyspace, args[1]), HeadOf(target, args[isMove ? 1 : 2]));
    }

    static byte[] HeadOf(KeyspaceId keyspace, ReadOnlySpan<byte> userKey) => new KeyBuffer().HeadOf(keyspace, userKey).ToArray();

    // Where it goes, of arguments that Run will not refuse.
    bool TryTarget(KeyspaceId keyspace, CommandArguments args, out KeyspaceId target)
    {
        target = keyspace;
        for (var i = isMove ? 2 : 3; i < args.Count; i++)
        {
            if (!isMove && args.Is(i, "replace"u8)) continue;
            if (!isMove && (!args.Is(i, "db"u8) || ++i == args.Count)) return false;
            if (!Numbers.TryInteger(args[i], out var index) || index < 0 || index >= databases.Count) return false;
            target = databases.IdOf((int)index);
        }
        return target != keyspace || (!isMove && !args[1].SequenceEqual(args[2]));
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        var (target, replaces) = (call.Keyspace, false);
        if (isMove && !TryDatabase(call, args[2], out target)) return;
        for (var i = 3; !isMove && i < args.Count; i++)
        {
            if (args.Is(i, "replace"u8))
            {
                replaces = true;
            }
            else if (args.Is(i, "db"u8) && i + 1 < args.Count)
            {
                if (!TryDatabase(call, args[++i], out target)) return;
            }
            else
            {
                call.SyntaxError();
                return;
            }
        }
        var from = args[1].ToArray();
        var to = isMove ? from : args[2].ToArray();
        if (target == call.Keyspace && from.AsSpan().SequenceEqual(to))
        {
            call.Reply.Error("ERR source and destination objects are the same"u8);
            return;
        }
        var copied = 0ul;
        if (call.HasWaited && !CopyBeside.TryTake(call, call.Kept, HeadOf(call.Keyspace, from), HeadOf(target, to), out copied))
        {
            call.Block();
            return;
        }
        var isDone = TryCopy(call, from, to, target, replaces, copied);
        if (copied != 0 && !isDone) Elements.PutDown(call, HeadOf(target, to), copied);
        if (!call.IsBlocked) call.Reply.Integer(isDone ? 1 : 0);
    }

    bool TryCopy(DataCall call, byte[] from, byte[] to, KeyspaceId target, bool replaces, ulong copied)
    {
        if (!call.TryReadHead(from, out var head, out _)) return false;
        var isLarge = head.IsLarge;
        var source = call.Enter(target);
        var exists = call.TryReadHead(to, out _, out _);
        if (isLarge && copied == 0 && call.MayBlock && (replaces || !exists))
        {
            call.Block();   // it became large just now
            call.Enter(source);
            return false;
        }
        if (exists && replaces) Delete.TryDelete(call, to);
        call.Enter(source);
        if (exists && !replaces) return false;
        StructureCopy.Run(call, from, to, target, copied);
        if (isMove)
        {
            Delete.TryDelete(call, from);
            call.Signal(from, "move_from", NotificationClass.Generic);
        }
        call.Enter(target);
        call.Signal(to, isMove ? "move_to" : "copy_to", NotificationClass.Generic, isReady: true);
        call.Enter(source);
        return true;
    }

    bool TryDatabase(DataCall call, ReadOnlySpan<byte> number, out KeyspaceId keyspace)
    {
        keyspace = default;
        if (!call.TryInteger(number, out var index)) return false;
        if (index < 0 || index >= databases.Count)
        {
            call.Reply.Error("ERR DB index is out of range"u8);
            return false;
        }
        // Prepare has made it.
        if (!databases.TryIdOf((int)index, out keyspace)) throw new AevumException(ErrorCode.NotFound, $"database {index} is not there");
        return true;
    }
}
