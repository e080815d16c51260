using System.Globalization;

namespace Aevum.Storage.Log;

/// <summary>A place in a log: the segment's number in the upper 32 bits, the byte offset in it below. Greater is later.</summary>
/// <remarks>What an append returns is the address just behind its record, so that "everything before this address is durable" covers it.
/// An address says nothing about positions: those belong to a stream.</remarks>
public readonly record struct LogAddress(ulong Value) : IComparable<LogAddress>
{
    public LogAddress(uint segment, uint offset) : this(((ulong)segment << 32) | offset) { }

    /// <summary>Before everything.</summary>
    public static LogAddress None => default;

    /// <summary>Number of the log segment, from 1.</summary>
    public uint Segment => (uint)(Value >> 32);

    /// <summary>Bytes from the start of the segment's file.</summary>
    public uint Offset => (uint)Value;

    public int CompareTo(LogAddress other) => Value.CompareTo(other.Value);

    public static bool operator <(LogAddress left, LogAddress right) => left.Value < right.Value;
    public static bool operator >(LogAddress left, LogAddress right) => left.Value > right.Value;
    public static bool operator <=(LogAddress left, LogAddress right) => left.Value <= right.Value;
    public static bool operator >=(LogAddress left, LogAddress right) => left.Value >= right.Value;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Segment}:{Offset}");
}
