// RankIndexes: the indexes of those large sorted sets that somebody asked for ranks. Who writes a set tells its index, if it has one; a server that is never
// asked for a rank of a large set has none, and pays a look at a flag.
//
// Made on a worker, which walks over the whole set once. It is in the table before that begins, so that whoever writes meanwhile tells it already; a batch
// that looked before and commits after leaves a gap in the chain of versions, which the index finds out by itself (RankIndex).

using System.Collections.Concurrent;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.SortedSets.Ranks;

sealed class RankIndexes(IShardRouter? router)
{
    // Those that were asked for longest ago go.
    const int Max = 32;

    readonly ConcurrentDictionary<ulong, RankIndex> _indexes = new();
    volatile bool _isInUse;
    long _asked;

    /// <summary>False: nobody has to be told anything.</summary>
    public bool IsInUse => _isInUse;

    /// <summary>Null: the set has none.</summary>
    public RankIndex? Find(ReadOnlySpan<byte> home, ulong incarnation)
    {
        if (!_isInUse || !_indexes.TryGetValue(NumberOf(home, incarnation), out var index)) return null;
        if (index.Incarnation != incarnation || !home.SequenceEqual(index.Home)) return null;
        if (!index.IsWorn) return index;
        Drop(index);
        return null;
    }

    /// <summary>The same for who asks it something.</summary>
    public RankIndex? Ask(ReadOnlySpan<byte> home, ulong incarnation)
    {
        var index = Find(home, incarnation);
        if (index is not null) index.LastAsked = Interlocked.Increment(ref _asked);
        return index;
    }

    /// <summary>Tells of a batch that writes nothing but the head of a set, if it is one that has an index.</summary>
    public void TellOfHead(ReadOnlySpan<byte> headKey, in StructureHead head, SystemTime from, SystemTime to)
    {
        if (!_isInUse || !head.IsLarge || head.Kind != StructureKind.SortedSet) return;
        Find(head.Home.IsEmpty ? headKey : head.Home, head.Incarnation)?.Tell(from, to, default, 0);
    }

    /// <summary>A step of the batch of a time failed.</summary>
    public void Untell(SystemTime to)
    {
        if (!_isInUse) return;
        foreach (var index in _indexes.Values) index.Untell(to);
    }

    /// <summary>Makes the index of a set; walks over all of it.</summary>
    /// <returns>Null: somebody else is making it, or the set is another one by now.</returns>
    public RankIndex? Build(byte[] headKey, byte[] home, ulong incarnation)
    {
        if (router is null) return null;
        var index = new RankIndex(home, incarnation) { LastAsked = Interlocked.Increment(ref _asked) };
        var number = NumberOf(home, incarnation);
        if (_indexes.TryGetValue(number, out var other))
        {
            if (!other.IsBuilt && !other.IsWorn) return null;
            Drop(other);
        }
        if (!_indexes.TryAdd(number, index)) return null;
        _isInUse = true;
        try
        {
            if (TryFill(index, headKey))
            {
                Shrink();
                return index;
            }
        }
        catch
        {
            Drop(index);
            throw;
        }
        Drop(index);
        return null;
    }

    bool TryFill(RankIndex index, byte[] headKey)
    {
        using var moment = router!.HoldNow();
        var reader = new ViewReader(router) { View = ReadView.AsOf(moment.At), Time = moment.At };
        if (!reader.TryRead(headKey, out var row)) return false;
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge || head.Incarnation != index.Incarnation || !(head.Home.IsEmpty ? headKey : head.Home).SequenceEqual(index.Home)) return false;
        var version = row.Version;
        var (start, end) = SortedSetRows.OrderRange(index.Home, index.Incarnation);
        var pieces = new RankPieces(start.Length, RankIndex.BlockOf(head.Count));
        reader.Scan(start, end, pieces);
        index.Build(version, pieces.Firsts, pieces.Counts);
        return true;
    }

    void Drop(RankIndex index)
    {
        _indexes.TryRemove(new KeyValuePair<ulong, RankIndex>(NumberOf(index.Home, index.Incarnation), index));
        // One that is added meanwhile and is not told of some batch finds that out.
        if (_indexes.IsEmpty) _isInUse = false;
    }

    void Shrink()
    {
        while (_indexes.Count > Max && _indexes.Values.MinBy(i => i.LastAsked) is { } oldest) Drop(oldest);
    }

    static ulong NumberOf(ReadOnlySpan<byte> home, ulong incarnation) => XxHash3.Compute(home) ^ incarnation;
}

/// <summary>Cuts rows into pieces of some size.</summary>
sealed class RankPieces(int prefixBytes, int size) : IRowVisitor
{
    public List<byte[]> Firsts { get; } = [];

    public List<int> Counts { get; } = [];

    public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
    {
        if (Counts.Count == 0 || Counts[^1] == size)
        {
            Firsts.Add(key[prefixBytes..].ToArray());
            Counts.Add(0);
        }
        Counts[^1]++;
        return true;
    }
}
