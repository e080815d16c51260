// IRowReader: rows as of one moment, read one by one or in order. A procedure reads through one, and so does whoever only reads: what is written
// against this runs in both places.

using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public interface IRowReader
{
    /// <summary>The moment; expiries are held against it. Of a procedure it is the system time that the batch's effects get.</summary>
    SystemTime Time { get; }

    /// <summary>What a key holds; to a procedure earlier steps of its batch included.</summary>
    /// <param name="value">Valid until the next call of this reader.</param>
    /// <returns>False if the key holds nothing.</returns>
    bool TryRead(ReadOnlySpan<byte> key, out FoundValue value);

    /// <summary>Hands each key of [start, end) that holds a value to the visitor, in order, until it says stop.</summary>
    /// <param name="end">Empty: to the end of the key order.</param>
    /// <param name="descending">True: from the last key down.</param>
    void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false);
}

public interface IRowVisitor
{
    /// <returns>False to stop.</returns>
    bool Visit(ReadOnlySpan<byte> key, in FoundValue value);
}

/// <summary>A value and when it was written.</summary>
public readonly ref struct FoundValue
{
    public ReadOnlySpan<byte> Bytes { get; init; }

    public SystemTime Version { get; init; }

    /// <summary>From this time on it counts as absent; None if it never expires.</summary>
    public SystemTime Expiry { get; init; }
}
