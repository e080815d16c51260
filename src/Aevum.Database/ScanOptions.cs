using Aevum.Core.Time;

namespace Aevum;

/// <summary>Which keys a scan covers, and in which order.</summary>
public sealed record ScanOptions
{
    /// <summary>All keys, ascending.</summary>
    public static ScanOptions All { get; } = new();

    /// <summary>First key covered; null: from the first on.</summary>
    public byte[]? Start { get; init; }

    /// <summary>First key not covered any more; null: to the last.</summary>
    public byte[]? End { get; init; }

    /// <summary>Only keys that begin with this; within <see cref="Start"/> and <see cref="End"/> if these are given too.</summary>
    public byte[]? Prefix { get; init; }

    /// <summary>True: from the last key down.</summary>
    public bool Descending { get; init; }

    /// <summary>The moment to read at; null: the session's.</summary>
    public SystemTime? AsOf { get; init; }

    /// <summary>Keys that begin with a prefix.</summary>
    public static ScanOptions OfPrefix(ReadOnlySpan<byte> prefix) => new() { Prefix = prefix.ToArray() };

    /// <summary>Keys of [start, end).</summary>
    public static ScanOptions Between(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end) => new() { Start = start.ToArray(), End = end.ToArray() };
}
