using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Access;

/// <summary>The keys [start, end) that a subscriber wants to hear of. Whole keys (<see cref="KeyLayout"/>).</summary>
public sealed class StreamRange
{
    readonly byte[] _start;
    readonly byte[]? _end;

    StreamRange(byte[] start, byte[]? end)
    {
        _start = start;
        _end = end;
    }

    /// <summary>Every key there is, what the database keeps about itself included.</summary>
    public static StreamRange Everything { get; } = new([], null);

    /// <summary>First key.</summary>
    public ReadOnlySpan<byte> Start => _start;

    /// <summary>First key behind; without meaning if <see cref="HasEnd"/> is false.</summary>
    public ReadOnlySpan<byte> End => _end;

    /// <summary>False if the range goes to the end of the key order.</summary>
    public bool HasEnd => _end is not null;

    /// <param name="end">Null: to the end of the key order.</param>
    /// <exception cref="Core.Errors.AevumException">InvalidArgument: the range is empty.</exception>
    public static StreamRange Between(ReadOnlySpan<byte> start, byte[]? end)
    {
        if (end is not null && start.SequenceCompareTo(end) >= 0) Core.Errors.Throw.Invalid("a subscription's range holds no key");
        return new(start.ToArray(), end?.ToArray());
    }

    /// <summary>All keys that begin so.</summary>
    public static StreamRange Prefix(ReadOnlySpan<byte> prefix) => new(prefix.ToArray(), KeyRange.PrefixEnd(prefix));

    /// <summary>A keyspace, or the part of it whose keys begin with a prefix.</summary>
    public static StreamRange Of(KeyspaceId keyspace, ReadOnlySpan<byte> prefix = default)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace, prefix);
        return new(start, end);
    }

    public bool Contains(ReadOnlySpan<byte> key) =>
        key.SequenceCompareTo(_start) >= 0 && (_end is null || key.SequenceCompareTo(_end) < 0);

    /// <summary>Whether [start, end) and this range have a key in common, as far as bounds can tell.</summary>
    public bool Overlaps(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end) =>
        end.SequenceCompareTo(_start) > 0 && (_end is null || start.SequenceCompareTo(_end) < 0);
}
