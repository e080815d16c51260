// ITreePolicy: what a tree is told from above about its keyspaces. Storage itself knows only that a key starts with a keyspace's
// prefix; what the keyspace is, and why its history is kept, is known above.
//
// The history floor of a keyspace is a system time that only rises. Storage drops a version only when it was superseded, deleted or
// expired at or below the floor (and never above an open snapshot), and refuses to answer below it. No clock is ever consulted.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Trees;

public interface ITreePolicy
{
    /// <summary>Leading key bytes that name the keyspace: 0 (the tree is one keyspace) or 8.</summary>
    int KeyspacePrefixBytes { get; }

    /// <summary>How blocks of the keyspace are stored.</summary>
    Compression CompressionOf(ulong keyspace);

    /// <summary>How merge operands of the keyspace are folded; null if it has none, and then a merge is refused.</summary>
    IMergeOperator? MergeOperatorOf(ulong keyspace);

    /// <summary>
    /// The history floor wanted for the keyspace. It must never fall. <see cref="SystemTime.Max"/> keeps no history: the floor then
    /// follows the newest applied batch. <see cref="SystemTime.None"/> keeps everything.
    /// </summary>
    SystemTime HistoryFloorOf(ulong keyspace);
}

/// <summary>One policy for all keyspaces of a tree.</summary>
public sealed class UniformTreePolicy : ITreePolicy
{
    public int KeyspacePrefixBytes { get; init; }

    public Compression Compression { get; init; } = Compression.None;

    public IMergeOperator? MergeOperator { get; init; }

    /// <summary><see cref="SystemTime.Max"/>: no history (the default); <see cref="SystemTime.None"/>: forever.</summary>
    public SystemTime HistoryFloor { get; init; } = SystemTime.Max;

    public Compression CompressionOf(ulong keyspace) => Compression;

    public IMergeOperator? MergeOperatorOf(ulong keyspace) => MergeOperator;

    public SystemTime HistoryFloorOf(ulong keyspace) => HistoryFloor;
}
