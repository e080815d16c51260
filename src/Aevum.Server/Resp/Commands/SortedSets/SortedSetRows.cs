// SortedSetRows: members with scores, found by member and walked in the order of scores, then of members' bytes.
//
//   ordered      score, 8 bytes as OrderedKey orders doubles | member      a packed entry, and a row's own key in family 2
//   by member    MemberPosition | member -> the 8 bytes of the score       family 1, as in MemberRows
//
// Always true: a large sorted set has each member once in both families, with one score. -0 is kept as 0.
// Ranks in a large one are found by an index in memory, made when somebody asks for one (Ranks/RankIndex): in SortedSetRows.Ranks.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>Sees one element. It must not write rows.</summary>
/// <returns>False to stop.</returns>
delegate bool ScoreVisitor(ReadOnlySpan<byte> member, double score);

/// <summary>An element on its own.</summary>
readonly record struct Scored(byte[] Member, double Score);

sealed partial class SortedSetRows : MemberRows
{
    const byte OrderFamily = 2;
    public const int ScoreBytes = sizeof(ulong);

    protected override StructureKind Kind => StructureKind.SortedSet;

    protected override bool HasValues => true;

    protected override int EntriesPerElement => 1;

    public bool TryGetScore(ReadOnlySpan<byte> member, out double score)
    {
        score = 0;
        if (!TryGet(member, out var bytes)) return false;
        score = ScoreOf(bytes);
        return true;
    }

    /// <summary>Gives a member a score.</summary>
    /// <returns>True: it was not there.</returns>
    public bool Put(ReadOnlySpan<byte> member, double score)
    {
        var exists = TryGetScore(member, out var old);
        Change(member, score, exists, old);
        return !exists;
    }

    /// <summary>The same for one who has just looked.</summary>
    public void Change(ReadOnlySpan<byte> member, double score, bool exists, double old)
    {
        if (exists && score == old) return;
        var count = exists ? Count : Count + 1;
        if (IsLarge)
        {
            if (exists) TakeOrder(member, old);
            PutRows(member, score);
        }
        else
        {
            if (exists && TryFind(member, out _, out var start, out _, out var end)) Packed.Remove(start, end);
            InsertPacked(member, score);
        }
        Count = count;
        Outgrow();
    }

    public override bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value = default) => Put(name, ScoreOf(value));

    public override bool Remove(ReadOnlySpan<byte> name)
    {
        if (!IsLarge) return base.Remove(name);
        if (!TryGetScore(name, out var score)) return false;
        TakeOrder(name, score);
        Call.Writes.Delete(KeyOf(name));
        Count--;
        return true;
    }

    /// <summary>Takes elements away that are there.</summary>
    public void RemoveAll(List<Scored> elements)
    {
        if (elements.Count == Count)
        {
            Clear();
            return;
        }
        foreach (var element in elements) Remove(element.Member);
    }

    // ------------------------------------------------------------------------------------------------ walking

    /// <summary>Hands the elements of a range of scores to a visitor, in order.</summary>
    public void WalkScores(in ScoreRange range, bool descending, ScoreVisitor visit)
    {
        if (range.IsEmpty) return;
        Span<byte> start = stackalloc byte[ScoreBytes], end = stackalloc byte[ScoreBytes];
        BinaryPrimitives.WriteUInt64BigEndian(start, range.StartOrder);
        BinaryPrimitives.WriteUInt64BigEndian(end, range.EndOrder);
        WalkOrdered(start, end, descending, visit);
    }

    /// <summary>Hands the elements to a visitor that lie in a range of members, in order; the scores are meant to be all the same.</summary>
    public void WalkMembers(LexRange range, bool descending, ScoreVisitor visit)
    {
        if (range.IsEmpty) return;
        // One score: begin where the range does. Else from the end of all, as those that come first are passed over.
        var (first, last) = (End(descending: false), End(descending: true));
        var start = Array.Empty<byte>();
        var end = Array.Empty<byte>();
        if (first is { } low && last is { } high && low == high)
        {
            if (range.Min is { } min) start = OrderOf(min, low);
            if (range.Max is { } max) end = [.. OrderOf(max, low), 0];   // the first one behind the maximum
        }
        var hasBegun = false;
        WalkOrdered(start, end, descending, (member, score) =>
        {
            hasBegun |= descending ? range.IsBelowMax(member) : range.IsAboveMin(member);
            if (!hasBegun) return true;
            if (!(descending ? range.IsAboveMin(member) : range.IsBelowMax(member))) return false;
            return visit(member, score);
        });
    }

    double? End(bool descending)
    {
        double? found = null;
        WalkOrdered(default, default, descending, (_, score) =>
        {
            found = score;
            return false;
        });
        return found;
    }

    // Elements with start <= ordered < end; empty bounds are none.
    void WalkOrdered(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, bool descending, ScoreVisitor visit)
    {
        if (!end.IsEmpty && start.SequenceCompareTo(end) >= 0) return;
        if (IsLarge)
        {
            ScanRows(OrderFamily, start, end, (own, _) => visit(MemberOf(own), ScoreOf(own)), descending);
            return;
        }
        var packed = Packed.Entries;
        Span<int> starts = !descending ? default : Count <= 256 ? stackalloc int[(int)Count] : new int[Count];
        var (at, i) = (0, 0);
        for (var from = 0; PackedEntries.TryRead(packed, ref at, out var entry); from = at)
        {
            if (entry.SequenceCompareTo(start) < 0) continue;
            if (!end.IsEmpty && entry.SequenceCompareTo(end) >= 0) break;
            if (descending) starts[i++] = from;
            else if (!visit(MemberOf(entry), ScoreOf(entry))) return;
        }
        while (i-- > 0)
        {
            PackedEntries.TryRead(packed, ref starts[i], out var entry);
            if (!visit(MemberOf(entry), ScoreOf(entry))) return;
        }
    }

    // ------------------------------------------------------------------------------------------------ where it lies

    /// <summary>The score in its first eight bytes, as it is ordered.</summary>
    /// <exception cref="Core.Errors.CorruptionException">It is none.</exception>
    public static double ScoreOf(ReadOnlySpan<byte> ordered)
    {
        if (ordered.Length < ScoreBytes) throw Malformed("a score is too short");
        var score = OrderedKey.ToDouble(BinaryPrimitives.ReadUInt64BigEndian(ordered));
        return double.IsNaN(score) ? throw Malformed("a score is not a number") : score;
    }

    static ReadOnlySpan<byte> MemberOf(ReadOnlySpan<byte> ordered) =>
        ordered.Length >= ScoreBytes ? ordered[ScoreBytes..] : throw Malformed("a score is too short");

    static byte[] OrderOf(ReadOnlySpan<byte> member, double score)
    {
        var own = new byte[ScoreBytes + member.Length];
        BinaryPrimitives.WriteUInt64BigEndian(own, OrderedKey.FromDouble(score));
        member.CopyTo(own.AsSpan(ScoreBytes));
        return own;
    }

    ReadOnlySpan<byte> OrderKeyOf(ReadOnlySpan<byte> member, double score)
    {
        var own = OwnKey(OrderFamily, ScoreBytes + member.Length);
        BinaryPrimitives.WriteUInt64BigEndian(own, OrderedKey.FromDouble(score));
        member.CopyTo(own[ScoreBytes..]);
        return RowKey(own.Length);
    }

    void TakeOrder(ReadOnlySpan<byte> member, double score)
    {
        var key = OrderKeyOf(member, score);
        Call.Writes.Delete(key);
        if (Call.Surroundings.Ranks.IsInUse) Tell(key, -1);
    }

    void PutRows(ReadOnlySpan<byte> member, double score)
    {
        Span<byte> bytes = stackalloc byte[ScoreBytes];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, OrderedKey.FromDouble(score));
        var key = OrderKeyOf(member, score);
        Call.Writes.Put(key, default);
        if (Call.Surroundings.Ranks.IsInUse) Tell(key, 1);
        Call.Writes.Put(KeyOf(member), bytes);
    }

    void InsertPacked(ReadOnlySpan<byte> member, double score)
    {
        var length = ScoreBytes + member.Length;
        Span<byte> entry = length <= 512 ? stackalloc byte[length] : new byte[length];
        BinaryPrimitives.WriteUInt64BigEndian(entry, OrderedKey.FromDouble(score));
        member.CopyTo(entry[ScoreBytes..]);
        var (place, at) = (0, 0);
        while (PackedEntries.TryRead(Packed.Entries, ref at, out var other) && other.SequenceCompareTo(entry) < 0) place = at;
        Packed.Insert(place, entry);
    }

    protected override void WriteRows(ReadOnlySpan<byte> packed)
    {
        var at = 0;
        while (PackedEntries.TryRead(packed, ref at, out var entry)) PutRows(MemberOf(entry), ScoreOf(entry));
    }

    protected override bool TryReadElement(
        ReadOnlySpan<byte> packed, scoped ref int at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out int valueStart)
    {
        valueStart = at;
        name = default;
        value = default;
        if (!PackedEntries.TryRead(packed, ref at, out var entry)) return false;
        name = MemberOf(entry);
        value = entry[..ScoreBytes];
        return true;
    }
}
