// RowTable: what is known of a row beside its vector and its links.
//
//   16 bytes a row:   id u64   |   state u32   |   upper u32: first block of its links on upper layers, or None
//    2 bytes a row:   level u8 |   lock u8
//
// States of a row and who moves it:
//   Free     -> Pending  [HnswIndex.Put]        the vector is being written and linked; walks may pass it, results never name it
//   Pending  -> Live     [HnswIndex.Put]
//   Live     -> dead     [Delete, Put]          a number from FirstDeath up: the death it died of; walks pass it, results do not name it
//   dead     -> Resting  [the sweep]            no link leads to it any more; readers that began before may still stand on it
//   Resting  -> Free     [the sweep]            no reader is left from before
//
// Always true: a row that is not Free has a whole vector; a link leads to rows that are neither Free nor, for a reader that began after it was
// set, Resting.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class RowTable(MemoryBudget budget) : IDisposable
{
    public const uint Free = 0;
    public const uint Pending = 1;
    public const uint Live = 2;
    public const uint Resting = 3;
    public const uint FirstDeath = 16;
    public const uint None = uint.MaxValue;

    readonly SlabTable _facts = new(sizeof(Facts), budget, zeroed: true);
    readonly SlabTable _small = new(sizeof(Small), budget, zeroed: true);

    public int Rows => _small.Rows;

    public long Bytes => _facts.Bytes + _small.Bytes;

    public RowView View => new(_facts.Table);

    public void Ensure(long rows, bool exact)
    {
        _facts.Ensure(rows, exact);
        _small.Ensure(rows, exact);
    }

    /// <summary>Bytes of a row in either table; what they look like is on the format page of index segments.</summary>
    public static int FactBytes => sizeof(Facts);

    public static int LevelBytes => sizeof(Small);

    public long AdoptedBytes => _facts.AdoptedBytes + _small.AdoptedBytes;

    public void Adopt(byte* facts, byte* levels, long rows)
    {
        _facts.Adopt(facts, rows);
        _small.Adopt(levels, rows);
    }

    public ulong Id(uint row) => Fact(row)->Id;

    public uint State(uint row) => Volatile.Read(ref Fact(row)->State);

    public void SetState(uint row, uint state) => Volatile.Write(ref Fact(row)->State, state);

    public uint Upper(uint row) => Fact(row)->Upper;

    public int Level(uint row) => ((Small*)_small[row])->Level;

    public void Begin(uint row, ulong id, int level, uint upper)
    {
        Fact(row)->Id = id;
        Fact(row)->Upper = upper;
        ((Small*)_small[row])->Level = (byte)level;
        SetState(row, Pending);
    }

    /// <summary>Takes the lock of a row. Held for the few hundred nanoseconds in which its list of links is changed.</summary>
    public void Lock(uint row)
    {
        ref var place = ref ((Small*)_small[row])->Lock;
        if (Interlocked.CompareExchange(ref place, (byte)1, (byte)0) == 0) return;
        var spin = new SpinWait();
        do spin.SpinOnce(sleep1Threshold: -1);
        while (Volatile.Read(ref place) != 0 || Interlocked.CompareExchange(ref place, (byte)1, (byte)0) != 0);
    }

    /// <summary>Asks for the lock's cache line.</summary>
    public void Prefetch(uint row) => Walk.Prefetch(_small[row], 1);

    public void Unlock(uint row) => Volatile.Write(ref ((Small*)_small[row])->Lock, 0);

    public void Dispose()
    {
        _facts.Dispose();
        _small.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Facts* Fact(uint row) => (Facts*)_facts[row];

    internal struct Facts
    {
        public ulong Id;
        public uint State;
        public uint Upper;
    }

    struct Small
    {
        public byte Level;
        public byte Lock;
    }
}

/// <summary>The pointers of a row table, for readers.</summary>
readonly unsafe struct RowView(byte** facts)
{
    readonly byte** _facts = facts;

    public ulong Id(uint row) => ((RowTable.Facts*)SlabTable.At(_facts, sizeof(RowTable.Facts), row))->Id;

    /// <summary>Whether a reader that began at <paramref name="death"/> sees the row: it lives, or it died afterwards.</summary>
    public bool IsSeen(uint row, uint death)
    {
        var state = Volatile.Read(ref ((RowTable.Facts*)SlabTable.At(_facts, sizeof(RowTable.Facts), row))->State);
        return state == RowTable.Live || (state >= RowTable.FirstDeath && (int)(state - death) > 0);
    }
}
