// Lcs: LCS, the longest common subsequence of two strings: as text, as its length (LEN), or as the places of its runs (IDX), the last run first, as
// the walk back through the table finds them.
//
// The work grows with the product of the lengths: above SlowCells it is done beside the loop, and above what Redis would allow for its table, which
// has CellBytes for a cell, it is refused in Redis' words.
//
// Not here: the table itself, and how little of it is kept (CommonSubsequence).

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class Lcs : DataCommand
{
    const long CellBytes = 4;                  // what Redis takes for a cell, which is how its limit counts
    const long TableBytesMax = 512L << 20;
    const long SlowCells = 1 << 20;

    public override CommandInfo Info { get; } = new("lcs", CommandGroup.String)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.Two,
        Since = "7.0.0",
        Summary = "Finds the longest common subsequence of two strings.",
        Complexity = "O(N*M) with N and M the lengths of the strings",
    };

    public override bool IsSlow(DataCall call, CommandArguments args)
    {
        if (!call.TryReadHead(args[1], out var head, out _) || head.Kind != StructureKind.String) return false;
        long length = head.Rest.Length;
        return call.TryReadHead(args[2], out head, out _) && head.Kind == StructureKind.String && length * head.Rest.Length > SlowCells;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        // The first is kept: reading the second ends it.
        var isString = TryString(call, args[1], out var first);
        var a = first.ToArray();
        if (!TryString(call, args[2], out var b) || !isString)
        {
            call.Reply.Error("ERR The specified keys must contain string values"u8);
            return;
        }
        if (!Options.TryRead(call, args, out var options)) return;
        if ((a.Length + 1L) * (b.Length + 1L) * CellBytes > TableBytesMax)
        {
            call.Reply.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"u8);
            return;
        }
        var found = CommonSubsequence.Of(a, b, keepsRows: !options.OnlyLength);
        if (options.OnlyLength) call.Reply.Integer(found.Length);
        else if (options.WithPlaces) WritePlaces(call, options, found.Length, found.Runs(a, b));
        else WriteText(call, a, found.Length, found.Runs(a, b));
    }

    static bool TryString(DataCall call, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        var exists = call.TryReadHead(key, out var head, out _);
        value = exists ? head.Rest : default;
        return !exists || head.Kind == StructureKind.String;
    }

    static void WriteText(DataCall call, byte[] a, int length, List<CommonRun> runs)
    {
        var text = call.Scratch(length);
        var at = length;
        foreach (var run in runs)
        {
            at -= run.Length;
            a.AsSpan(run.StartA, run.Length).CopyTo(text[at..]);
        }
        call.Reply.Bulk(text);
    }

    static void WritePlaces(DataCall call, in Options options, int length, List<CommonRun> runs)
    {
        var reply = call.Reply;
        reply.Map(2);
        reply.Bulk("matches"u8);
        var matches = reply.BeginArray();
        var count = 0;
        foreach (var run in runs)
        {
            if (run.Length < options.LengthMin) continue;
            count++;
            reply.Array(options.WithLengths ? 3 : 2);
            reply.Array(2);
            reply.Integer(run.StartA);
            reply.Integer(run.EndA);
            reply.Array(2);
            reply.Integer(run.StartB);
            reply.Integer(run.EndB);
            if (options.WithLengths) reply.Integer(run.Length);
        }
        reply.EndArray(matches, count);
        reply.Bulk("len"u8);
        reply.Integer(length);
    }

    readonly record struct Options(bool OnlyLength, bool WithPlaces, bool WithLengths, long LengthMin)
    {
        public static bool TryRead(DataCall call, CommandArguments args, out Options options)
        {
            options = default;
            for (var i = 3; i < args.Count; i++)
            {
                if (args.Is(i, "len"u8))
                {
                    options = options with { OnlyLength = true };
                }
                else if (args.Is(i, "idx"u8))
                {
                    options = options with { WithPlaces = true };
                }
                else if (args.Is(i, "withmatchlen"u8))
                {
                    options = options with { WithLengths = true };
                }
                else if (args.Is(i, "minmatchlen"u8) && i + 1 < args.Count)
                {
                    if (!call.TryInteger(args[++i], out var min)) return false;
                    options = options with { LengthMin = min };
                }
                else
                {
                    call.SyntaxError();
                    return false;
                }
            }
            if (!options.OnlyLength || !options.WithPlaces) return true;
            call.Reply.Error("ERR If you want both the length and indexes, please just use IDX."u8);
            return false;
        }
    }
}
