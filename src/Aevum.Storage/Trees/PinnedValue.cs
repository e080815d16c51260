// PinnedValue: a value where it lies (memtable, cached block), held in place until it is released. The way to read without a copy.

using Aevum.Core.Time;
using Aevum.Storage.Caching;

namespace Aevum.Storage.Trees;

/// <summary>What a lookup found. To be disposed by who asked, exactly once; pass it by reference.</summary>
public unsafe struct PinnedValue : IDisposable
{
    internal ReadState? State;
    internal BlockLease Lease;
    internal TableLease Table;
    internal byte* Pointer;
    internal int Length;
    internal byte[]? Folded;

    /// <summary>When the value was written. Of a value folded from merges: when the newest operand was.</summary>
    public SystemTime Version { get; internal set; }

    /// <summary>From this time on the value counts as absent; None if it never expires.</summary>
    public SystemTime Expiry { get; internal set; }

    /// <summary>The value; valid until <see cref="Dispose"/>.</summary>
    public readonly ReadOnlySpan<byte> Span => Folded is null ? new ReadOnlySpan<byte>(Pointer, Length) : Folded;

    internal void Unpin()
    {
        Lease.Dispose();
        Table.Dispose();
        Table = default;
    }

    public void Dispose()
    {
        Unpin();
        State?.Release();
        this = default;
    }
}
