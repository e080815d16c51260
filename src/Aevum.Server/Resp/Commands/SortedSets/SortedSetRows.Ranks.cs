// SortedSetRows, ranks: how many elements come before one, and which is the n-th. Counted, as long as there is little to count; else a block is found by the
// set's index (Ranks/RankIndex), and only what lies in it is counted.
//
// A view of the present is not one moment: others may commit between its reads. What is said of a rank is of one head all the same: it is looked at again when
// the rows have been counted, and if it is another one all is done anew. So it is where the set has gone meanwhile (DEL): nobody counts what the collector
// has left of it.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.SortedSets.Ranks;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed partial class SortedSetRows
{
    const int CountedMax = SlowElements / 2;   // so many are counted sooner than an index is asked
    const int AttemptsMax = 8;

    /// <summary>The rows of a large set in the order of scores: from the first key to before the last. Behind the first one stands what is ordered.</summary>
    public static (byte[] Start, byte[] End) OrderRange(ReadOnlySpan<byte> home, ulong incarnation)
    {
        var (start, end) = (new byte[home.Length + StructureKey.ElementPrefixBytes], new byte[home.Length + StructureKey.ElementPrefixBytes]);
        home.CopyTo(start);
        home.CopyTo(end);
        StructureKey.WriteElementPrefix(start.AsSpan(home.Length), incarnation, OrderFamily);
        StructureKey.WriteElementPrefix(end.AsSpan(home.Length), incarnation, OrderFamily + 1);
        return (start, end);
    }

    /// <summary>True if a rank in what a key holds would have to be counted, or an index made for it.</summary>
    public static bool IsSlowToRank(DataCall call, ReadOnlySpan<byte> userKey)
    {
        if (!call.TryReadHead(userKey, out var head, out var row) || !head.IsLarge || head.Count <= SlowElements) return false;
        var index = call.Surroundings.Ranks.Find(head.Home.IsEmpty ? call.HeadKey(userKey) : head.Home, head.Incarnation);
        return index?.Knows(row.Version) != true;
    }

    /// <summary>How many elements come before a member.</summary>
    /// <returns>False: it is not there.</returns>
    public bool TryRank(ReadOnlySpan<byte> member, bool descending, out long rank)
    {
        rank = 0;
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var version = Version;
            if (!TryGetScore(member, out var score)) return false;
            rank = RankOf(member, score, descending);
            if (Version == version) break;
        }
        return true;
    }

    long RankOf(ReadOnlySpan<byte> member, double score, bool descending)
    {
        var own = OrderOf(member, score);
        if (!descending) return CountBefore(own);
        byte[] behind = [.. own, 0];
        return TryCountBefore(behind, out var before) ? Count - before : CountAll(behind, default);
    }

    /// <summary>How many elements have scores of a range.</summary>
    public long CountScores(in ScoreRange range)
    {
        if (range.IsEmpty) return 0;
        Span<byte> start = stackalloc byte[ScoreBytes], end = stackalloc byte[ScoreBytes];
        BinaryPrimitives.WriteUInt64BigEndian(start, range.StartOrder);
        BinaryPrimitives.WriteUInt64BigEndian(end, range.EndOrder);
        return CountFrom(start, end);
    }

    /// <summary>How many elements lie in a range of members; the scores are meant to be all the same.</summary>
    public long CountMembers(LexRange range)
    {
        if (range.IsEmpty) return 0;
        if (IsLarge && Count > SlowElements && End(descending: false) is { } low && End(descending: true) is { } high && low == high)
        {
            var start = range.Min is { } min ? OrderOf(min, low) : OrderOf(default, low);
            var end = range.Max is { } max ? [.. OrderOf(max, low), 0] : OrderBehind(low);
            if (range.Min is not null && !range.IsAboveMin(range.Min)) start = [.. start, 0];
            if (range.Max is not null && !range.IsBelowMax(range.Max)) end = end[..^1];
            return CountFrom(start, end);
        }
        var count = 0L;
        WalkMembers(range, descending: false, (_, _) => ++count > 0);
        return count;
    }

    // Where the order goes on behind all elements of a score; there may be no greater score.
    static byte[] OrderBehind(double score)
    {
        var order = new byte[ScoreBytes];
        BinaryPrimitives.WriteUInt64BigEndian(order, OrderedKey.FromDouble(score) + 1);
        return order;
    }

    /// <summary>Hands the elements between two ranks to a visitor; both inclusive, and there.</summary>
    /// <param name="descending">True: ranks count from the highest score down, and so are the elements handed out.</param>
    public void WalkRanks(long start, long stop, bool descending, ScoreVisitor visit)
    {
        if (IsLarge && Math.Min(start, Count - 1 - stop) > CountedMax)
        {
            if (TryWalkRanks(start, stop, descending, visit)) return;
            stop = Math.Min(stop, Count - 1);   // there may be fewer by now, or none
            if (start > stop) return;
        }
        var before = Count - 1 - stop;
        if (!IsLarge || start <= before)
        {
            var skip = start;
            var left = stop - start + 1;
            WalkOrdered(default, default, descending, (member, score) => skip-- > 0 || (left-- > 0 && visit(member, score) && left > 0));
            return;
        }
        var found = CollectOrdered(default, default, before, stop - start + 1, !descending);
        for (var i = found.Count - 1; i >= 0; i--)
            if (!visit(found[i].Member, found[i].Score)) return;
    }

    // So many elements of a range, after some that are passed over.
    List<Scored> CollectOrdered(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, long skip, long count, bool descending)
    {
        var found = new List<Scored>();
        WalkOrdered(from, to, descending, (member, score) =>
        {
            if (skip-- > 0) return true;
            found.Add(new Scored(member.ToArray(), score));
            return found.Count < count;
        });
        return found;
    }

    // ------------------------------------------------------------------------------------------------ counting

    long CountFrom(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        for (var attempt = 0; attempt < AttemptsMax && IsLarge && Count > SlowElements; attempt++)
        {
            var version = Version;
            if (!TryCountBefore(end, out var to) || !TryCountBefore(start, out var from)) break;
            if (Version == version) return to - from;
        }
        return CountAll(start, end);
    }

    long CountBefore(ReadOnlySpan<byte> order) => TryCountBefore(order, out var count) ? count : CountAll(default, order);

    // One by one; anew only where the set has gone meanwhile: one that is written all the time would be walked over again and again.
    long CountAll(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        for (var attempt = 0; ; attempt++)
        {
            var count = CountBetween(start, end);
            if (!IsLarge || attempt == AttemptsMax || IsThereStill()) return count;
        }
    }

    long CountBetween(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var count = 0L;
        WalkOrdered(start, end, descending: false, (_, _) => ++count > 0);
        return count;
    }

    // By the index. False: there is none, and none can be made here.
    bool TryCountBefore(ReadOnlySpan<byte> order, out long count)
    {
        count = 0;
        if (Count <= SlowElements) return false;
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (!IsLarge || FindIndex() is not { } index) return false;
            var version = Version;
            if (!index.TryFind(version, order, out var block)) continue;
            if (block.Count > RankIndex.BlockMaxOf(Count) && (Split(index, block) || Version != version)) continue;
            count = block.Before + CountBetween(block.First, order);
            if (IsCurrent()) return true;
        }
        return false;
    }

    bool TryWalkRanks(long start, long stop, bool descending, ScoreVisitor visit)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (!IsLarge || FindIndex() is not { } index) return false;
            var version = Version;
            // Ranks from the lowest score up.
            var first = descending ? Count - 1 - stop : start;
            var last = descending ? Count - 1 - start : stop;
            if (first < 0 || last >= Count || !index.TryFind(version, descending ? last : first, out var block)) continue;
            if (block.Count > RankIndex.BlockMaxOf(Count) && (Split(index, block) || Version != version)) continue;
            var found = descending
                ? CollectOrdered(default, block.Next, block.Before + block.Count - 1 - last, last - first + 1, descending: true)
                : CollectOrdered(block.First, default, first - block.Before, last - first + 1, descending: false);
            if (!IsCurrent()) continue;
            foreach (var element in found)
                if (!visit(element.Member, element.Score)) break;
            return true;
        }
        return false;
    }

    // ------------------------------------------------------------------------------------------------ the index

    // One that knows the head's version; made, where it may be.
    RankIndex? FindIndex()
    {
        var ranks = Call.Surroundings.Ranks;
        if (ranks.Ask(HomeKey, Incarnation) is { } index && index.Knows(Version)) return index;
        // What was held before the index was made it may not know: that is counted.
        if (Call.Rows is MomentReader)
            return ranks.Ask(HomeKey, Incarnation) is null && ranks.Build(HeadKey.ToArray(), HomeKey.ToArray(), Incarnation) is { } made && made.Knows(Version)
                ? made : null;
        if (Call.Rows is not ViewReader { View.IsPresent: true }) return null;
        if (!IsCurrent() && !IsLarge) return null;
        if (ranks.Ask(HomeKey, Incarnation) is { } other && other.Knows(Version)) return other;
        return ranks.Build(HeadKey.ToArray(), HomeKey.ToArray(), Incarnation);
    }

    // False: it could not be, or the set changed meanwhile.
    bool Split(RankIndex index, in RankBlock block)
    {
        var (start, end) = OrderRange(HomeKey, Incarnation);
        var pieces = new RankPieces(start.Length, RankIndex.BlockOf(Count));
        var version = Version;
        Call.Rows.Scan([.. start, .. block.First], block.Next is null ? end : [.. start, .. block.Next], pieces);
        if (!IsCurrent() || pieces.Firsts.Count == 0) return false;
        index.Split(version, block, pieces.Firsts, pieces.Counts);
        return true;
    }

    // An element of a set that is large came or went.
    void Tell(ReadOnlySpan<byte> orderKey, int sign)
    {
        if (Call.Surroundings.Ranks.Find(HomeKey, Incarnation) is { } index)
            index.Tell(Version, Call.Now, orderKey[(HomeKey.Length + StructureKey.ElementPrefixBytes)..], sign);
    }

    protected override void BeforeSave()
    {
        if (IsLarge && Call.Surroundings.Ranks.IsInUse) Call.Surroundings.Ranks.Find(HomeKey, Incarnation)?.Tell(Version, Call.Now, default, 0);
    }
}
