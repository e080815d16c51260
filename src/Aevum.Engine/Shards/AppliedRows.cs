// AppliedRows: single rows as the sequencer sees them, for hints: what is found may be superseded at once.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

sealed class AppliedRows : IRowReader
{
    PinnedValue _pin;
    byte[] _key = new byte[64];   // what was read last: steps of a batch are often about one object, one behind the other
    int _keyLength = -1;
    bool _isThere;

    public Tree? Tree { get; set; }

    /// <summary>None: expiries are not looked at.</summary>
    public SystemTime Time => SystemTime.None;

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        if (_keyLength != key.Length || !key.SequenceEqual(_key.AsSpan(0, _keyLength))) Read(key);
        value = _isThere ? new FoundValue { Bytes = _pin.Span, Version = _pin.Version, Expiry = _pin.Expiry } : default;
        return _isThere;
    }

    void Read(ReadOnlySpan<byte> key)
    {
        _pin.Dispose();
        _keyLength = -1;
        _isThere = Tree!.TryPin(key, ReadPoint.Applied, out _pin);
        if (_key.Length < key.Length) _key = new byte[2 * key.Length];
        key.CopyTo(_key);
        _keyLength = key.Length;
    }

    /// <exception cref="NotSupportedException">Always: a hint is not worth a walk.</exception>
    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false) => throw new NotSupportedException();

    /// <summary>To be called when nothing more is read.</summary>
    public void Release()
    {
        _pin.Dispose();
        _keyLength = -1;
        Tree = null;
    }
}
