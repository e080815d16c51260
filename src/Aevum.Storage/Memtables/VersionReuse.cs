// VersionReuse: versions that were superseded, on their way to being memory for new ones. So a few keys that are written again and again stay in a few
// pages (and in the core's cache), instead of filling the memtable with what no flush will write out.
//
// When a version is pushed over one at or below the safe floor, whatever lies below that one is cut off and retired. It is used again when nobody
// can be standing there any more. Both wait for readers in the same way: epoch-based reclamation (K. Fraser, "Practical lock-freedom", 2004, section
// 5.2.3), with the tree's read state as the epoch.
//
//   a round begins    a floor is fixed below which nobody looks who comes from here on; the retired of the last round are closed; the state is replaced
//   a round ends      everybody who came before has left: the floor is safe, and what was closed is free
//
// Who stays long (a cursor, a value held) delays the round and nothing else: versions then go to the arena as ever.
//
// All this happens where the lines are in the cache anyway: what a version's links say of the one below (its size, whether the chain ends there) is
// enough to retire that one without touching it.
//
// Not cut: below a merge, which needs it; in keyspaces that keep history; first versions, which lie in their keys' records. The single writer calls
// everything here.

namespace Aevum.Storage.Memtables;

/// <summary>Whether the keyspace that a key begins with keeps no history.</summary>
delegate bool KeyPredicate(ReadOnlySpan<byte> key);

sealed unsafe class VersionReuse
{
    const int RetiredMax = 1 << 16;

    // A key that is written so often that its newest version is never old enough is looked into once in so many versions.
    const long DeepEvery = 64;

    const int SizeShift = 48;      // a retired piece is its address, with its size / 8 above
    const int PrefixBytes = 8;     // by which keyspaces differ

    readonly FreeNodes _free = new();
    ulong[] _retired = new ulong[256];
    ulong[] _closed = new ulong[256];
    int _retiredCount, _closedCount;
    long _superseded;
    ulong _next, _safe;            // floors: of the round under way, of the one that ended
    ulong _prefix;                 // of the keyspace asked about last
    bool _prefixIsKnown, _prefixForgets;

    /// <summary>Asked of the keyspaces of keys; null: nothing is used again.</summary>
    public KeyPredicate? Forgets { get; init; }

    /// <summary>A round begins when so much was superseded.</summary>
    public int RoundBytes { get; init; } = MemtableOptions.Default.ReuseRoundBytes;

    /// <summary>True between a round's beginning and its end.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>True if a round can begin or, as soon as readers allow, end.</summary>
    public bool IsDue => IsUnderWay || _superseded >= RoundBytes;

    /// <summary>Versions that went.</summary>
    public long Gone { get; private set; }

    /// <summary>Memory of a version that went; null: there is none of this size.</summary>
    public byte* Take(nint bytes) => _free.Take(bytes);

    /// <param name="floor">At or above which everybody looks who comes from here on, in keyspaces that keep no history.</param>
    public void BeginRound(ulong floor)
    {
        (_retired, _closed) = (_closed, _retired);
        (_retiredCount, _closedCount) = (0, _retiredCount);
        _superseded = 0;
        _next = floor;
        IsUnderWay = true;
        _prefixIsKnown = false;   // what a keyspace keeps may change
    }

    /// <summary>Nobody is left who came before the round began.</summary>
    public void EndRound()
    {
        for (var i = 0; i < _closedCount; i++) _free.Add((nint)(_closed[i] & ((1UL << SizeShift) - 1)), (int)(_closed[i] >> SizeShift) * 8);
        _closedCount = 0;
        _safe = _next;
        IsUnderWay = false;
    }

    /// <summary>Called before a version is pushed over a key's newest one, which is not the first: retires what nobody can ask for.</summary>
    /// <returns>How many versions went.</returns>
    public int Cut(KeyRecord* record, VersionNode* top)
    {
        if (!IsForgetting(record)) return 0;
        _superseded += VersionNode.AllocatedBytes(top);
        if (_retiredCount >= RetiredMax) return 0;
        if (top->Version <= _safe) return CutBelow(top);
        return VersionNode.Depth(top) % DeepEvery == 0 ? CutDeep(top) : 0;
    }

    bool IsForgetting(KeyRecord* record)
    {
        if (Forgets is null) return false;
        var key = KeyRecord.KeySpan(record);
        if (key.Length < PrefixBytes) return Forgets(key);
        var prefix = *(ulong*)KeyRecord.Key(record);
        if (!_prefixIsKnown || prefix != _prefix) (_prefixIsKnown, _prefix, _prefixForgets) = (true, prefix, Forgets(key));
        return _prefixForgets;
    }

    int CutBelow(VersionNode* last)
    {
        if (last->Kind == Core.Batches.EffectKind.Merge) return 0;
        var links = VersionNode.Links(last);
        var below = links->Previous;
        if (below == null) return 0;
        var (bytes, ends) = (links->PreviousBytes, links->PreviousEnds);
        Volatile.Write(ref *(nint*)&links->Jump, 0);
        Volatile.Write(ref *(nint*)&links->Previous, 0);
        var gone = 0;
        if (ends && bytes != 0)
        {
            Retire(below, bytes);
            gone = 1;
        }
        else
        {
            for (; below != null && !below->IsFirst; below = VersionNode.Links(below)->Previous, gone++)
                if (VersionNode.AllocatedBytes(below) is <= FreeNodes.BytesMax and var size) Retire(below, (int)size);
        }
        Gone += gone;
        return gone;
    }

    int CutDeep(VersionNode* top)
    {
        var last = VersionNode.NewestAtMost(top, _safe);
        if (last == null || last->IsFirst || VersionNode.Links(last)->Previous == null) return 0;   // in this round it was cut here before
        // Nobody who comes may jump over the end.
        var depth = VersionNode.Depth(last);
        for (var node = top; node != last; node = VersionNode.Links(node)->Previous)
            if (VersionNode.Depth(VersionNode.Jump(node)) < depth) Volatile.Write(ref *(nint*)&VersionNode.Links(node)->Jump, 0);
        return CutBelow(last);
    }

    void Retire(VersionNode* node, int bytes)
    {
        if (_retiredCount == _retired.Length) Array.Resize(ref _retired, 2 * _retiredCount);
        _retired[_retiredCount++] = (ulong)(nint)node | ((ulong)(bytes / 8) << SizeShift);
    }
}
