// AppliedRows: single rows as the sequencer sees them, for hints: what is found may be superseded at once.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

sealed class AppliedRows : IRowReader
{
    PinnedValue _pin;

    public Tree? Tree { get; set; }

    /// <summary>None: expiries are not looked at.</summary>
    public SystemTime Time => SystemTime.None;

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        value = default;
        _pin.Dispose();
        if (!Tree!.TryPin(key, ReadPoint.Applied, out _pin)) return false;
        value = new FoundValue { Bytes = _pin.Span, Version = _pin.Version, Expiry = _pin.Expiry };
        return true;
    }

    /// <exception cref="NotSupportedException">Always: a hint is not worth a walk.</exception>
    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false) => throw new NotSupportedException();

    /// <summary>To be called when nothing more is read.</summary>
    public void Release()
    {
        _pin.Dispose();
        Tree = null;
    }
}
