using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

/// <summary>One line of a file that is imported or exported: a key and what became of it.</summary>
/// <param name="Key">As the user gave it.</param>
/// <param name="Change">Put, or one of the ways in which it went.</param>
/// <param name="Value">Of a put; else empty.</param>
/// <param name="Time">When; None where the line does not tell.</param>
/// <param name="Expiry">From this time on the value counts as absent; None: never.</param>
/// <param name="Note">Who did it and why.</param>
sealed record Row(byte[] Key, ValueChange Change, byte[] Value, SystemTime Time = default, SystemTime Expiry = default, CommitNote? Note = null);

/// <summary>A line is no row. The message says why.</summary>
sealed class BadRowException(string why, Exception? inner = null) : Exception(why, inner);
