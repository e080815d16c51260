// RankIndex: how many elements of one large sorted set lie where in its order: what ranks are found by without counting. In memory, made when it is asked for
// first, and dropped without harm: rows are the truth.
//
//   blocks      the order cut in pieces of some dozens of elements: where each begins, how many there are; sums of them for each hundred and some
//   version     of the head (a system time) at which the blocks were true
//   changes     what came afterwards: for each batch that wrote the set, from which version of the head to which, and the elements that came and went
//
//   asked for version V:   the chain of changes from V back to the blocks' version is what is to be added. No such chain: the answer is not known here
//
// So nothing has to be taken back when a batch comes to nothing: its version is one that no head ever has, and no chain leads through it. And who writes
// without telling (another server of the same database) only breaks the chain. Old changes go into the blocks when there are many; the newest stay outside, for
// those who read a version that is not the newest.
//
// Always true: what is answered for a version of the head is exact for the rows that belong to that head.

using System.Runtime.InteropServices;
using Aevum.Core.Time;

namespace Aevum.Server.Resp.Commands.SortedSets.Ranks;

/// <summary>A piece of a set's order.</summary>
/// <param name="First">Where it begins; empty: at the beginning.</param>
/// <param name="Next">Where the one behind it begins; null: there is none.</param>
/// <param name="Before">Elements before it.</param>
/// <param name="Count">Elements in it.</param>
readonly record struct RankBlock(byte[] First, byte[]? Next, long Before, long Count);

sealed class RankIndex(byte[] home, ulong incarnation)
{
    const int GroupShift = 7;
    const int ChangesKept = 64;       // outside of the blocks
    const int ChangesFolded = 128;    // from so many on the older ones go in
    const int ChangesMax = 16_384;    // with so many nobody asks any more
    const int ChangeBytesMax = 4 << 20;   // the same of the members in them, which are as long as clients make them
    const int BlocksMax = 1 << 16;

    readonly record struct Change(byte[] Order, int Sign);

    sealed class ChangeSet(SystemTime from, SystemTime to)
    {
        public SystemTime From => from;

        public SystemTime To => to;

        public List<Change> Changes { get; } = [];
    }

    readonly Lock _gate = new();
    readonly List<byte[]> _firsts = [];
    readonly List<int> _counts = [];
    readonly List<long> _sums = [];
    readonly Dictionary<SystemTime, ChangeSet> _sets = [];   // by the version they lead to
    readonly List<ChangeSet> _chain = [];
    SystemTime _version;
    int _changes;
    long _changeBytes;

    /// <summary>The head's key that the elements lie behind.</summary>
    public byte[] Home => home;

    public ulong Incarnation => incarnation;

    /// <summary>When it was asked last, by a count of all questions.</summary>
    public long LastAsked { get; set; }

    /// <summary>False: it is being built.</summary>
    public bool IsBuilt { get; private set; }

    /// <summary>True: it is of no use any more.</summary>
    public bool IsWorn { get; private set; }

    /// <summary>How many elements a block is to have at first.</summary>
    public static int BlockOf(long count) => (int)Math.Max(64, count / (BlocksMax / 2));

    /// <summary>A block of more is worth being cut in pieces of that size.</summary>
    public static long BlockMaxOf(long count) => 8L * BlockOf(count);

    /// <summary>Begins with the whole order as it was at a version.</summary>
    /// <param name="firsts">Where blocks begin; the first one anywhere.</param>
    public void Build(SystemTime version, List<byte[]> firsts, List<int> counts)
    {
        lock (_gate)
        {
            _firsts.Clear();
            _counts.Clear();
            _firsts.AddRange(firsts);
            _counts.AddRange(counts);
            if (_firsts.Count == 0)
            {
                _firsts.Add([]);
                _counts.Add(0);
            }
            _firsts[0] = [];
            _version = version;
            SumUp();
            Forget();
            IsBuilt = true;
        }
    }

    // ------------------------------------------------------------------------------------------------ telling

    /// <summary>Tells of a batch that writes the set.</summary>
    /// <param name="from">The head's version before the batch.</param>
    /// <param name="to">The batch's time, which the head has afterwards.</param>
    /// <param name="order">An element: its score as it is ordered, and the member.</param>
    /// <param name="sign">1: it came, -1: it went, 0: only the head was written.</param>
    public void Tell(SystemTime from, SystemTime to, ReadOnlySpan<byte> order, int sign)
    {
        lock (_gate)
        {
            if (!_sets.TryGetValue(to, out var set))
            {
                // The head is of this batch, and what the batch did before was not told: nobody will find a way through.
                if (from == to) return;
                _sets.Add(to, set = new ChangeSet(from, to));
            }
            if (sign != 0)
            {
                set.Changes.Add(new Change(order.ToArray(), sign));
                _changeBytes += order.Length;
            }
            _changes++;
            IsWorn |= _changes > ChangesMax || _changeBytes > ChangeBytesMax;
        }
    }

    /// <summary>A step of a batch failed, and what it had told is not true.</summary>
    public void Untell(SystemTime to)
    {
        lock (_gate) _sets.Remove(to);
    }

    // ------------------------------------------------------------------------------------------------ asking

    /// <summary>True if something is known of a version of the head.</summary>
    public bool Knows(SystemTime version)
    {
        lock (_gate) return TryChain(version);
    }

    /// <summary>The block in which a place of the order lies.</summary>
    public bool TryFind(SystemTime version, ReadOnlySpan<byte> order, out RankBlock block)
    {
        lock (_gate)
        {
            block = default;
            if (!TryChain(version)) return false;
            block = BlockAt(PlaceOf(order));
            Fold();
            return true;
        }
    }

    /// <summary>The block in which the element of a rank lies; there is one.</summary>
    public bool TryFind(SystemTime version, long rank, out RankBlock block)
    {
        lock (_gate)
        {
            block = default;
            if (!TryChain(version)) return false;
            var (low, high) = (0, _firsts.Count - 1);
            while (low < high)
            {
                var middle = (low + high + 1) / 2;
                if (Before(middle) <= rank) low = middle;
                else high = middle - 1;
            }
            block = BlockAt(low);
            Fold();
            return true;
        }
    }

    /// <summary>Cuts a block in pieces, unless somebody else did that meanwhile.</summary>
    /// <param name="version">The head's when the pieces were counted.</param>
    /// <param name="firsts">Where its pieces begin, the first one with it.</param>
    public void Split(SystemTime version, in RankBlock block, List<byte[]> firsts, List<int> counts)
    {
        lock (_gate)
        {
            if (!TryChain(version)) return;
            var place = PlaceOf(block.First);
            var next = place + 1 < _firsts.Count ? _firsts[place + 1] : null;
            // The pieces take the place of all of it: it must be the same one still, at both of its ends.
            if (!_firsts[place].AsSpan().SequenceEqual(block.First) || !next.AsSpan().SequenceEqual(block.Next)) return;
            _firsts.RemoveAt(place);
            _counts.RemoveAt(place);
            _firsts.InsertRange(place, firsts);
            _counts.InsertRange(place, counts);
            _firsts[place] = block.First;
            // The blocks are of an older version: what came since is counted on top of them.
            foreach (var set in _chain)
                foreach (var change in set.Changes)
                {
                    var at = PlaceOf(change.Order);
                    if (at >= place && at < place + firsts.Count) _counts[at] -= change.Sign;
                }
            SumUp();
            // Mostly empty: it would be smaller if it were made anew.
            IsWorn |= _firsts.Count > BlocksMax || (_firsts.Count > 1024 && _sums.Sum() < 8L * _firsts.Count);
        }
    }

    // ------------------------------------------------------------------------------------------------ blocks

    // The block that holds a place of the order.
    int PlaceOf(ReadOnlySpan<byte> order)
    {
        var (low, high) = (0, _firsts.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (order.SequenceCompareTo(_firsts[middle]) >= 0) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    RankBlock BlockAt(int place)
    {
        var before = Before(place);
        var next = place + 1 < _firsts.Count ? _firsts[place + 1] : null;
        return new RankBlock(_firsts[place], next, before, Before(place + 1) - before);
    }

    // Elements before a block, at the end of the chain.
    long Before(int place)
    {
        var group = place >> GroupShift;
        var before = 0L;
        foreach (var sum in CollectionsMarshal.AsSpan(_sums)[..Math.Min(group, _sums.Count)]) before += sum;
        foreach (var count in CollectionsMarshal.AsSpan(_counts)[(group << GroupShift)..place]) before += count;
        var bound = place < _firsts.Count ? _firsts[place] : null;
        if (place == 0) return 0;
        foreach (var set in _chain)
            foreach (var change in CollectionsMarshal.AsSpan(set.Changes))
                if (bound is null || change.Order.AsSpan().SequenceCompareTo(bound) < 0) before += change.Sign;
        return before;
    }

    void SumUp()
    {
        _sums.Clear();
        for (var i = 0; i < _counts.Count; i++)
        {
            if ((i & ((1 << GroupShift) - 1)) == 0) _sums.Add(0);
            _sums[^1] += _counts[i];
        }
    }

    // ------------------------------------------------------------------------------------------------ changes

    // From the blocks' version to one.
    bool TryChain(SystemTime version)
    {
        _chain.Clear();
        if (!IsBuilt || version < _version) return false;
        while (version != _version)
        {
            if (!_sets.TryGetValue(version, out var set)) return false;
            _chain.Add(set);
            version = set.From;
        }
        _chain.Reverse();
        return true;
    }

    // The oldest of the chain go into the blocks; never the last: its batch may still be deciding.
    void Fold()
    {
        var count = 0;
        foreach (var set in _chain) count += set.Changes.Count + 1;
        if (count <= ChangesFolded) return;
        for (var i = 0; i + 1 < _chain.Count && count > ChangesKept; i++)
        {
            var set = _chain[i];
            foreach (var change in set.Changes)
            {
                var place = PlaceOf(change.Order);
                _counts[place] += change.Sign;
                _sums[place >> GroupShift] += change.Sign;
            }
            count -= set.Changes.Count + 1;
            _version = set.To;
        }
        Forget();
    }

    // What lies behind the blocks' version, or led nowhere.
    void Forget()
    {
        foreach (var to in _sets.Keys.Where(k => k <= _version).ToArray()) _sets.Remove(to);
        _changes = _sets.Values.Sum(s => s.Changes.Count + 1);
        _changeBytes = _sets.Values.Sum(s => s.Changes.Sum(c => (long)c.Order.Length));
    }
}
