// IndexModel: one seed of puts, deletes, searches, saves, opens, crashes, damage and want of memory on a vector collection. The oracle looks at the rows of
// the store in the view asked for, one by one, with plain arithmetic.

using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Indexes;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Storage.Log;
using Aevum.Vectors;

namespace Aevum.Engine.Tests.Indexes;

sealed class IndexModel : IDisposable
{
    const int KeysMax = 120;

    readonly SeededRandom _random;
    readonly CollectionOptions _collection;
    readonly bool _keepsHistory;
    readonly List<SystemTime> _moments = [];
    readonly byte[][] _bounds;
    FaultyFileSystem _files;
    KeyspaceId _id;
    (MemoryBudget Budget, long Bytes)? _taken;   // of the memory for vectors, so that nothing is left

    public IndexModel(ulong seed)
    {
        _random = new SeededRandom(seed ^ 0x1DE7);
        _files = new FaultyFileSystem(_random.NextUInt64());
        _keepsHistory = !_random.OneIn(4);
        var (element, metric) = _random.Next(5) switch
        {
            0 => (VectorElement.Float32, VectorMetric.L2),
            1 => (VectorElement.Float32, VectorMetric.Cosine),
            2 => (VectorElement.Float16, VectorMetric.L2),
            3 => (VectorElement.Int8, VectorMetric.InnerProduct),
            _ => (VectorElement.Float32, VectorMetric.L1),
        };
        _collection = new CollectionOptions(_random.Next(1, 9))
        {
            Element = element, Metric = metric, M = 6, EfConstruction = 40,
            Quantization = element == VectorElement.Float32 ? (VectorQuantization)_random.Next(3) : VectorQuantization.None,
        };
        var id = new KeyspaceId(NamespaceEntry.DefaultId, 1);   // the first that is made
        _bounds = _random.OneIn(3) ? [KeyLayout.Make(id, "k05"u8)] : [];
        World = new EngineWorld(seed, new EngineOptions
        {
            Sync = _random.OneIn(3) ? SyncPolicy.Always : SyncPolicy.Os,
            FeedLogBytes = _random.OneIn(2) ? 0 : 64 << 20,
            LogSegmentBytes = 64 << 10,
            ShardBoundaries = _bounds,
            VectorTailRows = _random.OneIn(3) ? 8 : 8192,
            VectorSealRows = _random.Next(5, 50),
        }, _files);
        Create();
        World.Shards.Flush();
    }

    public EngineWorld World { get; }

    public Dictionary<string, int> Seen { get; } = [];

    CollectionIndex Index => World.Shards.Indexes!.Find(_id)!;

    /// <summary>What happened, in order: for who looks into a seed.</summary>
    public List<string> Trace { get; } = [];

    void Count(string what)
    {
        Seen[what] = Seen.GetValueOrDefault(what) + 1;
        Trace.Add(what);
    }

    void Create()
    {
        var batch = new StepBatch();
        var change = CatalogChange.CreateKeyspace(batch, World.Shards.Catalog, NamespaceEntry.DefaultId, "vectors", new KeyspaceOptions
        {
            History = _keepsHistory ? HistoryPolicy.Forever : HistoryPolicy.None, Collection = _collection,
        }, KeyspaceKind.Vectors);
        World.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
        _id = new KeyspaceId(NamespaceEntry.DefaultId, change.Id);
    }

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            switch (_random.Next(100))
            {
                case < 40: Write(); break;
                case < 70: Search(); break;
                case < 78: World.Scheduler.RunUntilIdle(); break;
                case < 84: World.Scheduler.RunFor(TimeSpan.FromMilliseconds(_random.Next(50))); break;
                case < 86: DeleteSome(); break;
                case < 88: World.Shards.Flush(); break;
                case < 91: Save(); break;
                case < 93: WaitIndexed(); break;
                case < 95: Reopen(); break;
                case < 98: Crash(); break;
                case < 99: TakeMemory(); break;
                default: DropAndCreate(); break;
            }
            if (_taken is not null && _random.OneIn(8)) GiveMemoryBack();
        }
        GiveMemoryBack();
        WaitIndexed();
        for (var i = 0; i < 5; i++) Search();
    }

    // ------------------------------------------------------------------------------------------------ writing

    byte[] RandomKey() => KeyLayout.Make(_id, Encoding.ASCII.GetBytes($"k{_random.Next(KeysMax):d2}"));

    float[] RandomVector()
    {
        var vector = new float[_collection.Dimension];
        do
        {
            for (var i = 0; i < vector.Length; i++) vector[i] = _random.Next(-9, 10);
        }
        while (vector.All(c => c == 0));
        return vector;
    }

    byte[] RandomElements() => VectorElements.FromFloats(_collection, RandomVector());

    void Write()
    {
        var parts = new Dictionary<IShard, StepBatch>();
        for (var i = _random.Next(1, 6); i > 0; i--)
        {
            var key = RandomKey();
            var shard = World.Shards.ShardOf(key);
            if (!parts.TryGetValue(shard, out var batch)) parts[shard] = batch = new StepBatch();
            if (_random.OneIn(4)) batch.Delete(key);
            else if (_random.OneIn(40)) batch.Put(key, "no vector"u8);
            else
            {
                var value = new byte[VectorRow.LengthOf(_collection)];
                batch.Put(key, VectorRow.Write(value, RandomElements()));
            }
        }
        World.Shards.CommitJointly([.. parts.Select(p => (p.Key, p.Value))]);
        if (_random.OneIn(3)) _moments.Add(World.Shards.TakeNow());
        Count("writes");
    }

    void DeleteSome()
    {
        var (start, end) = (RandomKey(), RandomKey());
        if (start.AsSpan().SequenceCompareTo(end) > 0) (start, end) = (end, start);
        var parts = World.Shards.ShardsOf(start, end).Select(p =>
        {
            var batch = new StepBatch();
            batch.DeleteRange(p.Start, p.End!);
            return (p.Shard, batch);
        }).ToList();
        if (start.AsSpan().SequenceEqual(end)) return;
        World.Shards.CommitJointly(parts);
        Count("range deletes");
    }

    // ------------------------------------------------------------------------------------------------ asking

    void Search()
    {
        SystemTime? moment = _keepsHistory && _moments.Count > 0 && _random.OneIn(3) ? _moments[_random.Next(_moments.Count)] : null;
        var query = RandomElements();
        var question = new VectorQuestion
        {
            Elements = query,
            K = _random.OneIn(4) ? 200 : _random.Next(0, 12),
            Ef = 1000,
            Offset = _random.OneIn(4) ? _random.Next(5) : 0,
            Exact = _random.OneIn(8),
            AsOf = moment,
        };
        var expected = Oracle(query, moment);
        if (_random.OneIn(4) && expected.Count > 0)
        {
            // Between two distances, so that rounding decides nothing.
            var at = _random.Next(expected.Count);
            var next = at + 1 < expected.Count ? expected[at + 1].Distance : expected[at].Distance + 2;
            if (next - expected[at].Distance > 0.01)
            {
                question = question with { DistanceMax = (float)((expected[at].Distance + next) / 2) };
                expected = expected[..(at + 1)];
            }
        }
        var wanted = expected.Skip(question.Offset).Take(question.K).ToList();
        var state = Index.State;
        if (Index.Coded > 0) Count("searches of codes");
        List<VectorAnswer> answers;
        try
        {
            answers = Index.Search(question);
        }
        catch (AevumException full) when (full.Code == ErrorCode.LimitExceeded && _taken is not null)
        {
            Count("searches without memory");
            return;
        }
        Trace.Add($"asked {question.K}+{question.Offset} as of {moment} {(question.Exact ? "exactly" : "")}: {answers.Count} where {wanted.Count} are right");
        Count(moment is null ? $"searches {state}" : $"searches of the past {state}");
        Assert.Equal(wanted.Count, answers.Count);
        var distances = expected.ToDictionary(e => e.Key, e => e.Distance);
        for (var i = 0; i < answers.Count; i++)
        {
            var key = Encoding.ASCII.GetString(answers[i].Key);
            Assert.True(distances.Remove(key, out var distance), $"{key} is not there, or comes twice");
            AssertNear(distance, answers[i].Distance);
            AssertNear(wanted[i].Distance, answers[i].Distance);
        }
        if (moment is not null || Index.CountRows() is not { } counted) return;
        Assert.Equal(Oracle(query, null).Count, counted);
        Count("counts");
    }

    static void AssertNear(double expected, double actual) =>
        Assert.True(Math.Abs(expected - actual) <= 1e-3 * Math.Max(1, Math.Abs(expected)), $"{actual} is not {expected}");

    List<(string Key, double Distance)> Oracle(byte[] query, SystemTime? moment)
    {
        var q = VectorElements.ToFloats(_collection, query);
        var found = new List<(string Key, double Distance)>();
        var (start, end) = KeyLayout.RangeOf(_id);
        foreach (var (shard, partStart, partEnd) in World.Shards.ShardsOf(start, end))
        {
            using var cursor = shard.OpenCursor(partStart, partEnd, moment is { } at ? ReadView.AsOf(at) : ReadView.Present);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            {
                if (cursor.Value.SequenceEqual("no vector"u8)) continue;
                var v = VectorElements.ToFloats(_collection, VectorRow.Read(cursor.Value, _collection));
                found.Add((Encoding.ASCII.GetString(KeyLayout.UserKeyOf(cursor.Key)), Distance(q, v)));
            }
        }
        return [.. found.OrderBy(f => f.Distance)];
    }

    double Distance(float[] q, float[] v)
    {
        double dot = 0, squares = 0, amounts = 0, qq = 0, vv = 0;
        for (var i = 0; i < q.Length; i++)
        {
            dot += (double)q[i] * v[i];
            squares += (q[i] - v[i]) * (double)(q[i] - v[i]);
            amounts += Math.Abs(q[i] - v[i]);
            qq += (double)q[i] * q[i];
            vv += (double)v[i] * v[i];
        }
        return _collection.Metric switch
        {
            VectorMetric.L2 => Math.Sqrt(squares),
            VectorMetric.Cosine => 1 - (dot / Math.Sqrt(qq * vv)),
            VectorMetric.InnerProduct => -dot,
            _ => amounts,
        };
    }

    // ------------------------------------------------------------------------------------------------ ends and beginnings

    void WaitIndexed()
    {
        if (!Index.WaitIndexed()) return;
        Assert.Equal(0, Index.TailRows);
        Assert.Equal(Index.CountRows() ?? Index.Indexed, Index.Indexed);
        Count("caught up");
    }

    void Save()
    {
        try
        {
            if (Index.Save()) Count(Index.Refusal is null ? "saves" : "saves while writes are refused");
        }
        catch (AevumException full) when (full.Code == ErrorCode.LimitExceeded && _taken is not null)
        {
        }
    }

    // The model writes nevertheless: it does not ask whether it may.
    void TakeMemory()
    {
        GiveMemoryBack();
        var budget = World.Shards.Indexes!.Budget;
        var bytes = budget.BytesMax - budget.UsedBytes - _random.Next(20_000);
        budget.Reserve(bytes);
        _taken = (budget, bytes);
    }

    void GiveMemoryBack()
    {
        if (_taken is not { } taken) return;
        if (Index.Refusal is not null) Count("writes refused");
        taken.Budget.Release(taken.Bytes);
        _taken = null;
        // It looks once a second.
        for (var i = 0; i < 10 && Index.Refusal is not null; i++) World.Scheduler.RunFor(TimeSpan.FromSeconds(1));
        Assert.Null(Index.Refusal);
    }

    void Reopen()
    {
        World.Close();
        if (_random.OneIn(3)) Damage();
        World.Open();
        NoteOpened("opens");
    }

    void Crash()
    {
        var kill = _random.OneIn(2);
        var successor = kill ? _files.KillProcess() : _files.PowerCut();
        World.Close();   // on a dead disk this saves nothing
        World.Files = _files = successor;
        if (_random.OneIn(6)) Damage();
        World.Open();
        _moments.RemoveAll(moment => moment > World.Shards.Clock.Now);
        NoteOpened(kill ? "kills" : "power cuts");
    }

    void NoteOpened(string how)
    {
        Count(how);
        World.Scheduler.RunUntilIdle();
        if (Index.Damage is not null) Count("damage told");
        else if (Index.State == IndexState.Following)
        {
            Count("gone on");
            if (Index.Coded > 0) Count("gone on with codes");
        }
    }

    // One bit of one file of the index.
    void Damage()
    {
        var folder = FilePaths.Combine("db/indexes", _id.Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
        if (!_files.DirectoryExists(folder) || _files.ListFiles(folder) is not { Count: > 0 } names) return;
        var path = FilePaths.Combine(folder, names[_random.Next(names.Count)]);
        if (_files.FileLength(path) is not (> 0 and var length)) return;
        _files.FlipBit(path, _random.Next(length), _random.Next(8));
        Count("damage");
    }

    void DropAndCreate()
    {
        var batch = new StepBatch();
        var change = CatalogChange.DropKeyspace(batch, World.Shards.Catalog, _id);
        World.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
        Assert.Null(World.Shards.Indexes!.Find(_id));
        _moments.Clear();
        Create();
        World.Shards.Flush();   // so that no power cut takes it back
        Count("drops");
    }

    public void Dispose() => World.Dispose();
}
