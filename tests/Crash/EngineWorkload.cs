// EngineWorkload: what the engine's child commits, and what its parent checks: four invariants that any torn, lost or doubled commit breaks.
//
//   chain     of one writer: a compare-and-set from n to n + 1, with the same number in a second key: one batch, two keys, always equal
//   counter   shared by all, raised by a procedure (Increment) under an idempotency key "writer/n": a request that the kill cut off is sent again
//             by the next life, so the counter is the number of requests of all writers, whoever died when
//   order     request n of a writer comes after its chain stood at n, so the counter's share is n or n + 1 behind it
//
// Each writer's request n: first the chain (compare and set), then the counter. A life that finds the chain at n sends request n of the counter
// once more: done before, it is answered; else it is done now.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.KeyValue;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Crash;

static class EngineWorkload
{
    static readonly KeyspaceId Default = new(NamespaceEntry.DefaultId, KeyspaceEntry.DefaultId);

    public static EngineOptions Options(SyncPolicy sync) => new()
    {
        Sync = sync,
        LogSegmentBytes = 128 << 10,
        LogBytesMax = 768 << 10,
        FeedLogBytes = 128 << 10,
        DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.Forever },
        // Chains in one shard, counters in the other.
        ShardBoundaries = [Key("k")],
        Tree = TreeOptions.Default with
        {
            MemtableBytes = 160 << 10,
            BlockBytes = 1 << 10,
            ManifestBytesMax = 4 << 10,
            Compaction = new CompactionOptions { BaseLevelBytes = 192 << 10, TableBytes = 48 << 10, LevelMultiplier = 4, HistoryZeroTrigger = 4 },
        },
    };

    public static byte[] Key(string text) => KeyLayout.Make(Default, Encoding.ASCII.GetBytes(text));

    public static byte[] ChainKey(int writer) => Key($"chain/{writer}");

    public static byte[] TwinKey(int writer) => Key($"a-twin/{writer}");

    public static byte[] ShareKey(int writer) => Key($"share/{writer}");

    public static byte[] CounterKey => Key("total");

    public static byte[] Text(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    public static long Number(LocalShards shards, byte[] key, ReadView view) =>
        shards.ShardOf(key).Read(key, view, out _) is { } value ? long.Parse(Encoding.ASCII.GetString(value), CultureInfo.InvariantCulture) : 0;

    /// <summary>The chain's step from n - 1 to n.</summary>
    public static void FillChain(StepBatch batch, int writer, long number)
    {
        batch.Clear();
        if (number == 1) batch.Put(ChainKey(writer), Text(1), Precondition.Absent);
        else batch.Put(ChainKey(writer), Text(number), Precondition.Holding(Text(number - 1)));
        batch.Put(TwinKey(writer), Text(number));
        batch.Note = new CommitNote(Actor: $"writer {writer}");
    }

    /// <summary>Request n: the shared counter and the writer's share of it.</summary>
    public static void FillCounter(StepBatch batch, int writer, long number)
    {
        batch.Clear();
        batch.Call(Increment.Instance, CounterKey, BitConverter.GetBytes(1L));
        batch.Call(Increment.Instance, ShareKey(writer), BitConverter.GetBytes(1L));
        batch.Namespace = NamespaceEntry.DefaultId;
        batch.Note = new CommitNote(IdempotencyKey: string.Create(CultureInfo.InvariantCulture, $"{writer}/{number}"));
    }

    /// <summary>What is wrong as of a view, or null; one and the same moment for all.</summary>
    public static string? Problem(LocalShards shards, ReadView view, out long[] chains, out long[] shares)
    {
        chains = new long[Workload.Writers];
        shares = new long[Workload.Writers];
        for (var w = 0; w < Workload.Writers; w++)
        {
            chains[w] = Number(shards, ChainKey(w), view);
            shares[w] = Number(shards, ShareKey(w), view);
            var twin = Number(shards, TwinKey(w), view);
            if (twin != chains[w]) return $"writer {w}: the chain stands at {chains[w]}, its twin at {twin}";
            if (shares[w] > chains[w]) return $"writer {w}: {shares[w]} requests were done, the chain stands at {chains[w]}";
        }
        var total = Number(shards, CounterKey, view);
        return total == shares.Sum() ? null : $"the counter stands at {total}, its shares sum up to {shares.Sum()}";
    }
}
