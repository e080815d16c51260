// EngineRun, drawing: keys, steps, procedures and whole batches of one shard.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.KeyValue;
using Aevum.Simulation.Storage;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    // Ids that the catalog gives in namespace 1, the default keyspace included.
    const uint KeyspacesMax = 5;
    readonly byte[][][] _shardKeys;

    static string OperatorNameOf(uint keyspace) => keyspace % 2 == 0 ? "append" : "add";

    // The same for an id whatever happens to the catalog, so that a keyspace whose creation a power cut took back comes again as it was.
    static IMergeOperator OperatorOf(byte[] key) =>
        KeyspaceId.TryRead(key, out var id) && OperatorNameOf(id.Keyspace) == "add" ? AddOperator.Instance : AppendOperator.Instance;

    byte[][] DrawBodies(int count)
    {
        var bodies = new SortedSet<byte[]>(ByteOrder.Instance);
        for (var attempts = 0; bodies.Count < count && attempts < 4 * count; attempts++)
        {
            var body = new byte[Random.Next(8) switch { 0 => Random.Next(50, 200), 1 => 1, _ => Random.Next(1, 5) }];
            // Few letters, so that keys are prefixes of each other and share long beginnings.
            for (var i = 0; i < body.Length; i++) body[i] = Random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)'a', _ => (byte)Random.Next('a', 'f') };
            bodies.Add(body);
        }
        return [.. bodies];
    }

    byte[][] DrawBoundaries(int shards)
    {
        var boundaries = new SortedSet<byte[]>(ByteOrder.Instance);
        while (boundaries.Count < shards - 1)
        {
            var id = new KeyspaceId(NamespaceEntry.DefaultId, (uint)Random.Next(3));
            boundaries.Add(Random.OneIn(3) ? KeyLayout.RangeOf(id).End! : KeyLayout.Make(id, _bodies[Random.Next(_bodies.Length)]));
        }
        return [.. boundaries];
    }

    IEnumerable<byte[]> AllKeys()
    {
        for (uint keyspace = 0; keyspace < KeyspacesMax; keyspace++)
            foreach (var body in _bodies) yield return KeyLayout.Make(new KeyspaceId(NamespaceEntry.DefaultId, keyspace), body);
    }

    static int ShardIndexOf(byte[] key, byte[][] boundaries) => boundaries.Count(b => ByteOrder.Instance.Compare(b, key) <= 0);

    int RandomShard(SeededRandom random)
    {
        while (true)
        {
            var shard = random.Next(ShardCount);
            if (_shardKeys[shard].Length > 0) return shard;
        }
    }

    // Mostly of a keyspace that the catalog knows.
    byte[] RandomKey(SeededRandom random, int shard)
    {
        var keys = _shardKeys[shard];
        for (var attempts = 0; attempts < 8; attempts++)
        {
            var key = keys[random.Next(keys.Length)];
            if (random.OneIn(30) || _shards?.Catalog.FindKeyspace(KeyspaceOf(key)) is not null) return key;
        }
        return keys[random.Next(keys.Length)];
    }

    static KeyspaceId KeyspaceOf(byte[] key) => KeyspaceId.TryRead(key, out var id) ? id : throw new InvalidOperationException("a key without a keyspace");

    // Within one keyspace and one shard.
    (byte[] Start, byte[] End) RandomRange(SeededRandom random, int shard)
    {
        var a = RandomKey(random, shard);
        var same = _shardKeys[shard].Where(k => KeyspaceOf(k) == KeyspaceOf(a)).ToArray();
        var b = same[random.Next(same.Length)];
        if (ByteOrder.Instance.Compare(a, b) > 0) (a, b) = (b, a);
        return (a, random.OneIn(2) ? [.. b, 0] : b);
    }

    byte[] RandomValue(SeededRandom random, byte[] key)
    {
        if (OperatorOf(key) is AddOperator && random.OneIn(2)) return BitConverter.GetBytes((long)random.Next(1000));
        if (random.OneIn(4)) return Encoding.ASCII.GetBytes(random.Next(1000).ToString(CultureInfo.InvariantCulture));
        var value = new byte[random.OneIn(20) ? Configuration.ValueBytesMax * 3 : random.Next(Configuration.ValueBytesMax + 1)];
        random.Fill(value);
        value.AsSpan(value.Length / 2).Clear();
        return value;
    }

    static byte[] RandomOperand(SeededRandom random, byte[] key)
    {
        if (OperatorOf(key) is AddOperator) return BitConverter.GetBytes((long)random.Next(-50, 50));
        var operand = new byte[random.Next(1, 6)];
        random.Fill(operand);
        return operand;
    }

    ulong RandomExpiry(SeededRandom random)
    {
        if (!random.OneIn(4)) return 0;
        var ahead = (ulong)random.Next((long)Configuration.ExpiryMax.TotalMicroseconds) << 10;
        // Now and then in the past: it was never there.
        return random.OneIn(20) ? Shards.Clock.Now.Value - 1 : Shards.Clock.Now.Value + ahead + 1;
    }

    bool TakesMerges(byte[] key) => _shards?.Catalog.FindKeyspace(KeyspaceOf(key))?.Options.MergeOperator is not null;

    SubmittedBatch RandomBatch(SeededRandom random, int shard)
    {
        var steps = new List<SubmittedStep>();
        var plain = random.OneIn(2);
        for (var i = random.OneIn(10) ? random.Next(5, 25) : random.Next(1, 5); i > 0; i--)
            steps.Add(plain ? PlainStep(random, shard) : random.OneIn(2) ? PlainStep(random, shard) : AskingStep(random, shard));
        CommitNote? note = null;
        if (random.OneIn(4)) note = new CommitNote(Actor: $"actor {random.Next(5)}", Run: random.OneIn(2) ? "run" : null);
        if (random.OneIn(4)) note = (note ?? new CommitNote()) with { IdempotencyKey = $"request {++_requests}" };
        return new SubmittedBatch(shard, random.OneIn(2) ? CommitPolicy.EachForItself : CommitPolicy.AllOrNothing, steps)
        {
            Note = note,
            Namespace = (uint)random.Next(1, 3),
        };
    }

    SubmittedStep PlainStep(SeededRandom random, int shard)
    {
        var key = RandomKey(random, shard);
        return random.Next(10) switch
        {
            < 2 => new(StepKind.Delete, key, []),
            < 5 when TakesMerges(key) || random.OneIn(20) => new(StepKind.Merge, key, RandomOperand(random, key)),
            _ => new(StepKind.Put, key, RandomValue(random, key), RandomExpiry(random)),
        };
    }

    SubmittedStep AskingStep(SeededRandom random, int shard)
    {
        var key = RandomKey(random, shard);
        switch (random.Next(10))
        {
            case 0:
                var (start, end) = RandomRange(random, shard);
                return new(StepKind.DeleteRange, start, end);
            case 1:
                var (first, behind) = RandomRange(random, shard);
                return new(StepKind.Check, first, behind, 0, PreconditionKind.Unchanged, RandomSince(random));
            case < 5:
                return new(StepKind.Call, key, [], Procedure: RandomProcedure(random, shard));
            default:
                var kind = random.Next(3) switch { 0 => StepKind.Check, 1 => StepKind.Delete, _ => StepKind.Put };
                var condition = (PreconditionKind)random.Next(1, 6);
                // Mostly what holds, as far as one can know.
                byte[]? known = null;
                var info = default(ValueInfo);
                TryAsk(() => known = ShardAt(shard).Read(key, ReadView.Present, out info));
                if (condition == PreconditionKind.Absent && known is not null && !random.OneIn(4)) condition = PreconditionKind.Present;
                else if (condition == PreconditionKind.Present && known is null && !random.OneIn(4)) condition = PreconditionKind.Absent;
                var time = condition switch
                {
                    PreconditionKind.Version => random.OneIn(5) ? RandomSince(random) : info.Found ? info.Version.Value : 0,
                    PreconditionKind.Unchanged => RandomSince(random),
                    _ => 0UL,
                };
                var expected = condition != PreconditionKind.Value ? null : known is not null && !random.OneIn(4) ? known : RandomValue(random, key);
                return new(kind, key, kind == StepKind.Put ? RandomValue(random, key) : [], kind == StepKind.Put ? RandomExpiry(random) : 0,
                    condition, time, expected);
        }
    }

    // Around now, or some commits ago.
    ulong RandomSince(SeededRandom random)
    {
        if (random.OneIn(2)) return Shards.Clock.Latest.Value;
        var commits = _models[random.Next(ShardCount)].Commits;
        return commits.Count == 0 ? Shards.Clock.Latest.Value : commits[commits.Count - 1 - random.Next(Math.Min(commits.Count, 20))].Time;
    }

    IProcedure RandomProcedure(SeededRandom random, int shard)
    {
        if (random.OneIn(8)) return Increments.Instance;
        var lines = new List<ScriptLine>();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var key = RandomKey(random, shard);
            switch (random.Next(12))
            {
                case < 3: lines.Add(new(ScriptAction.Read, key, [], 0, 0)); break;
                case 3:
                    var (start, end) = RandomRange(random, shard);
                    lines.Add(new(ScriptAction.Scan, start, end, random.OneIn(2) ? random.Next(1, 5) : 1000, 0));
                    break;
                case < 6: lines.Add(new(ScriptAction.Put, key, RandomValue(random, key), 0, RandomExpiry(random))); break;
                case 6: lines.Add(new(ScriptAction.Delete, key, [], 0, 0)); break;
                case 7 when TakesMerges(key) || random.OneIn(10): lines.Add(new(ScriptAction.Merge, key, RandomOperand(random, key), 0, 0)); break;
                case 8 when random.OneIn(2):
                    var (first, behind) = RandomRange(random, shard);
                    lines.Add(new(ScriptAction.DeleteRange, first, behind, 0, 0));
                    break;
                case 9: lines.Add(new(ScriptAction.Copy, key, [], 0, 0)); break;
                default: lines.Add(new(ScriptAction.Count, key, [], 0, 0)); break;
            }
        }
        if (random.OneIn(8)) lines.Add(new(ScriptAction.Fail, [], [], (int)ErrorCode.Conflict, 0));
        return new ScriptedProcedure(lines);
    }

    /// <summary>The product's own increment, by one.</summary>
    sealed class Increments : IProcedure
    {
        public static Increments Instance { get; } = new();

        public string Name => "simulation.increment";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument) =>
            Increment.Instance.Run(context, key, BitConverter.GetBytes(1L));
    }
}
