// WriteForecast: what a request says of itself before it runs: how much it will walk over and write, at most. By heads alone, as they are committed by now.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Commands.Keys.Dumps;

namespace Aevum.Server.Resp.Beside;

/// <summary>How many commits a request takes.</summary>
enum CommitsNeeded
{
    One,

    /// <summary>One, if that is enough: it is tried, with nothing behind it.</summary>
    Maybe,

    Several,
}

/// <param name="Elements">That it walks over; the sequencer holds everybody else up meanwhile.</param>
/// <param name="Bytes">Of the rows that it writes.</param>
readonly record struct WriteForecast(long Elements, long Bytes)
{
    /// <summary>More elements than this are walked over beside. (Measured: SUNIONSTORE of so many members of 15 bytes takes 16 ms beside and 17 in the
    /// sequencer; a SET sent meanwhile waits 3.5 and 17 ms. Medians of 40, one loop, 2 cores.)</summary>
    public const int ElementsMax = 20_000;

    /// <summary>A dump of more bytes than this is restored beside.</summary>
    const int DumpBytesMax = 1 << 20;

    // Of a member in a large object: the key of its row, twice where scores are, and the score.
    const long RowsMax = 2 * ((64 << 10) + 64);

    /// <summary>It is more than one commit should hold, whatever the sizes are.</summary>
    public static WriteForecast Large { get; } = new(long.MaxValue, long.MaxValue);

    /// <summary>Nobody can tell what is written.</summary>
    public static WriteForecast Unknown(long elements) => new(elements, long.MaxValue);

    /// <summary>The members that a key holds, written under another key.</summary>
    public static WriteForecast OfMembers(DataCall call, ReadOnlySpan<byte> source, ReadOnlySpan<byte> target)
    {
        if (!call.Rows.TryRead(call.HeadKey(source), out var row)) return default;
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge) return OfPacked(head.Rest.Length, target);
        // Values of a list may be as large as a batch.
        return head.Kind == StructureKind.List ? Unknown(head.Count) : new WriteForecast(head.Count, Times(head.Count, RowsMax));
    }

    static WriteForecast OfPacked(int bytes, ReadOnlySpan<byte> target)
    {
        long elements = Math.Min(bytes, PackedEntries.ElementsMax);
        return new WriteForecast(elements, 2 * (bytes + RowsOf(elements, target)));
    }

    // What rows of elements take beside these.
    static long RowsOf(long elements, ReadOnlySpan<byte> target) => elements * ((2 * target.Length) + 64);

    /// <summary>The object of a dump.</summary>
    public static WriteForecast OfDump(ReadOnlySpan<byte> dump, ReadOnlySpan<byte> target)
    {
        if (dump.Length > DumpBytesMax) return Large;
        if (DumpReader.HoldsStream(dump)) return Unknown(0);
        return DumpReader.TrySize(dump, out var elements, out var bytes) ? new WriteForecast(0, 2 * (bytes + RowsOf(elements, target))) : default;
    }

    /// <summary>The same for all of some keys together.</summary>
    public static WriteForecast OfAll(DataCall call, Protocol.CommandArguments args, List<int> sources, ReadOnlySpan<byte> target)
    {
        var all = default(WriteForecast);
        foreach (var at in sources) all += OfMembers(call, args[at], target);
        return all;
    }

    /// <summary>The same for what all of some keys have in common: the one that is walked over has the fewest.</summary>
    public static WriteForecast OfFewest(DataCall call, Protocol.CommandArguments args, List<int> sources, ReadOnlySpan<byte> target)
    {
        var fewest = Large;
        foreach (var at in sources)
            if (OfMembers(call, args[at], target) is var one && one.Elements < fewest.Elements) fewest = one;
        return fewest;
    }

    /// <summary>At most so many members of it.</summary>
    public WriteForecast AtMost(long count) => this with { Elements = Math.Min(Elements, count), Bytes = Math.Min(Bytes, Times(count, RowsMax)) };

    public static WriteForecast operator +(WriteForecast a, WriteForecast b) => new(Plus(a.Elements, b.Elements), Plus(a.Bytes, b.Bytes));

    static long Plus(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

    static long Times(long a, long b) => a > long.MaxValue / b ? long.MaxValue : a * b;
}
