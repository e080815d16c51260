// SimulatedPolicy: what one seed's keyspaces are: their merge operators, their compression, and history floors that only rise.

using Aevum.Core.Batches;
using System.Buffers.Binary;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

/// <summary>How much history a keyspace keeps.</summary>
enum HistoryKind
{
    None,
    Forever,

    /// <summary>A floor that the simulation raises now and then.</summary>
    Rising,
}

sealed class SimulatedKeyspace(ulong id, HistoryKind history, IMergeOperator? merge, Compression compression)
{
    public ulong Id => id;

    public HistoryKind History => history;

    public IMergeOperator? Merge => merge;

    public Compression Compression => compression;

    public ulong FloorWanted { get; set; } = history == HistoryKind.None ? SystemTime.Max.Value : 0;

    /// <summary>The least floor that the tree may have: it never falls while its history lasts.</summary>
    public ulong FloorAtLeast { get; set; }

    public override string ToString() => $"{id}: history {history}, merge {merge?.Name ?? "none"}, {compression}";
}

sealed class SimulatedPolicy : ITreePolicy
{
    public SimulatedPolicy(SeededRandom random)
    {
        KeyspacePrefixBytes = random.OneIn(3) ? 8 : 0;
        ulong[] ids = KeyspacePrefixBytes == 0 ? [0] : [1, 2, 700];
        Keyspaces = [.. ids.Select(id => new SimulatedKeyspace(id, (HistoryKind)random.Next(3),
            random.Next(4) switch { 0 => null, 1 => AddOperator.Instance, _ => AppendOperator.Instance }, (Compression)random.Next(3)))];
    }

    public int KeyspacePrefixBytes { get; }

    public SimulatedKeyspace[] Keyspaces { get; }

    /// <summary>The keyspace of a key of this simulation, all of which have a whole prefix.</summary>
    public SimulatedKeyspace Of(ReadOnlySpan<byte> key) =>
        KeyspacePrefixBytes == 0 ? Keyspaces[0] : ById(BinaryPrimitives.ReadUInt64BigEndian(key));

    // Others than its own the tree may ask for too: the ends of ranges lie behind the last keyspace.
    SimulatedKeyspace ById(ulong id) => Array.Find(Keyspaces, k => k.Id == id) ?? Keyspaces[^1];

    public Compression CompressionOf(ulong keyspace) => ById(keyspace).Compression;

    public IMergeOperator? MergeOperatorOf(ulong keyspace) => ById(keyspace).Merge;

    public SystemTime HistoryFloorOf(ulong keyspace) => new(ById(keyspace).FloorWanted);

    public override string ToString() => string.Join("; ", Keyspaces.Select(k => k.ToString()));
}
