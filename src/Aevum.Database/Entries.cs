using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum;

/// <summary>A key and what it holds.</summary>
/// <param name="Key">As the user gave it.</param>
/// <param name="Value">The value.</param>
/// <param name="Version">When it was written.</param>
/// <param name="Expiry">From this time on it counts as absent; None if it never expires.</param>
public sealed record Entry(byte[] Key, byte[] Value, SystemTime Version, SystemTime Expiry);

/// <summary>A value and the version to compare with when setting it.</summary>
/// <param name="Value">The value.</param>
/// <param name="Version">When it was written.</param>
/// <param name="Expiry">From this time on it counts as absent; None if it never expires.</param>
public sealed record VersionedValue(byte[] Value, SystemTime Version, SystemTime Expiry);

/// <summary>One version of a key.</summary>
/// <param name="Time">When it was written.</param>
/// <param name="Change">Put, deleted, or deleted with a range around it.</param>
/// <param name="Value">Of a put; else empty.</param>
/// <param name="Expiry">From this time on the value counts as absent; None if it never expires.</param>
/// <param name="Note">Who committed it and why, if that was told.</param>
public sealed record HistoryEntry(SystemTime Time, ValueChange Change, byte[] Value, SystemTime Expiry, CommitNote? Note);

/// <summary>A key and all its versions that may still be asked about.</summary>
/// <param name="Key">As the user gave it.</param>
/// <param name="Versions">Newest first; at least one.</param>
public sealed record KeyHistory(byte[] Key, IReadOnlyList<HistoryEntry> Versions);

/// <summary>What became of a key between two moments.</summary>
/// <param name="Key">As the user gave it.</param>
/// <param name="Before">Null: it held nothing.</param>
/// <param name="After">Null: it holds nothing.</param>
public sealed record Difference(byte[] Key, byte[]? Before, byte[]? After);

/// <summary>A part of a scan.</summary>
/// <param name="Entries">In key order.</param>
/// <param name="Next">Goes on behind the last entry, in this process or another; null: that was all.</param>
public sealed record Page(IReadOnlyList<Entry> Entries, byte[]? Next);
