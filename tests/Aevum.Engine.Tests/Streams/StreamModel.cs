// StreamModel: one seed of commits, flushes, opens and crashes, with subscribers of different ranges and speeds that save tokens and come back.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Storage.Log;
using static Aevum.Engine.Tests.EngineWorld;

namespace Aevum.Engine.Tests.Streams;

sealed class StreamModel : IDisposable
{
    const string Letters = "abcdefghijkl";

    readonly SeededRandom _random;
    readonly EngineOptions _options;
    readonly List<ModelFollower> _followers = [];
    readonly ulong[] _given;         // per shard, the greatest position that anybody was given
    FaultyFileSystem _files;

    public StreamModel(ulong seed)
    {
        _random = new SeededRandom(seed ^ 0x57AEA);
        _files = new FaultyFileSystem(_random.NextUInt64());
        var shards = _random.Next(1, 4);
        _options = new EngineOptions
        {
            Sync = _random.Next(3) switch { 0 => SyncPolicy.Os, 1 => SyncPolicy.Always, _ => SyncPolicy.Every(5) },
            FeedLogBytes = _random.Next(3) switch { 0 => 0, 1 => 200 << 10, _ => 64 << 20 },
            LogSegmentBytes = 64 << 10,
            ShardBoundaries = shards switch { 1 => [], 2 => [Key("f")], _ => [Key("e"), Key("i")] },
        };
        KeepsHistory = _random.OneIn(2);
        World = new EngineWorld(seed, _options, _files, new KeyspaceOptions
        {
            MergeOperator = "append", History = KeepsHistory ? HistoryPolicy.Forever : HistoryPolicy.None,
        });
        Oracles = [.. Enumerable.Range(0, shards).Select(_ => new StreamOracle())];
        _given = new ulong[shards];
        Record();
        World.Shards.Flush();   // so that no power cut takes the keyspace's options back
        Record();
        for (var i = 0; i < 5; i++)
        {
            var (start, end) = RandomRange();
            _followers.Add(new(this, new SeededRandom(_random.NextUInt64()), _random.OneIn(2) ? _random.Next(shards) : null, start, end));
        }
    }

    public EngineWorld World { get; }

    public StreamOracle[] Oracles { get; }

    public bool KeepsHistory { get; }

    public Dictionary<string, int> Seen { get; } = [];

    bool IsAlways => _options.Sync.Kind == SyncKind.Always;

    public void Count(string what) => Seen[what] = Seen.GetValueOrDefault(what) + 1;

    public (byte[] Start, byte[]? End) BoundsOf(int shard)
    {
        var bounds = _options.ShardBoundaries;
        return (shard == 0 ? [] : bounds[shard - 1], shard == bounds.Count ? null : bounds[shard]);
    }

    /// <summary>The last batch that reads see. Under `always` a renewed ceiling may stand behind it for a while.</summary>
    public ulong ShownPosition(int shard)
    {
        var position = Oracles[shard].Last;
        while (position > 0 && Oracles[shard][position].Time > World.Shards.Shards[shard].Tree.VisibleTime) position--;
        return position;
    }

    public void NoteGiven(int shard, ulong position) => _given[shard] = Math.Max(_given[shard], position);

    public string ReadAsOf(int shard, SystemTime moment, byte[] start, byte[] end)
    {
        using var cursor = World.Shards.Shards[shard].OpenCursor(start, end, ReadView.AsOf(moment));
        var found = new List<string>();
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            found.Add($"{Telling.TextOf(cursor.Key)}={System.Text.Encoding.UTF8.GetString(cursor.Value)}");
        return string.Join(' ', found);
    }

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            switch (_random.Next(100))
            {
                case < 45: Commit(); break;
                case < 50: CommitJointly(); break;
                case < 55: CommitGroup(); break;
                case < 80: Follow(); break;
                case < 85: _followers[_random.Next(_followers.Count)].Save(); break;
                case < 87: _followers[_random.Next(_followers.Count)].Die(); break;
                case < 90: World.Scheduler.RunUntilIdle(); break;
                case < 92: World.Scheduler.RunFor(TimeSpan.FromMilliseconds(_random.Next(3000))); break;
                case < 95: Flush(); break;
                case < 97: Settle(); break;
                case < 98: Reopen(); break;
                default: Crash(); break;
            }
        }
        Settle();
    }

    void Record()
    {
        for (var i = 0; i < Oracles.Length; i++) Oracles[i].Record(World.Shards.Shards[i]);
    }

    void Follow()
    {
        var follower = _followers[_random.Next(_followers.Count)];
        follower.Begin();
        Record();
        follower.Pull(_random.Next(1, 12));
    }

    void Settle()
    {
        World.Scheduler.RunUntilIdle();
        Record();
        foreach (var follower in _followers)
        {
            follower.CatchUp();
            Record();   // a snapshot may have waited, and something may have been committed meanwhile
        }
    }

    // ------------------------------------------------------------------------------------------------ writing

    (byte[] Start, byte[] End) RandomRange()
    {
        var (from, to) = (_random.Next(Letters.Length), _random.Next(Letters.Length));
        return _random.OneIn(4) ? (Key(""), Key("z")) : (Key($"{Letters[Math.Min(from, to)]}"), Key($"{Letters[Math.Max(from, to)]}9"));
    }

    byte[] RandomKey(int shard)
    {
        while (true)
        {
            var key = Key($"{Letters[_random.Next(Letters.Length)]}{_random.Next(3)}");
            if (World.Shards.ShardOf(key).Id == shard + 1) return key;
        }
    }

    StepBatch RandomBatch(int shard)
    {
        var batch = new StepBatch { Note = _random.OneIn(5) ? new CommitNote($"actor {_random.Next(9)}") : null, Namespace = 1 };
        for (var left = _random.Next(1, 5); left > 0; left--)
        {
            var key = RandomKey(shard);
            var merges = key[^1] == '2';   // keys that are merged do not expire: how the two mix is no affair of a stream
            var value = Bytes($"v{_random.Next(1000)}" + (_random.OneIn(10) ? new string('x', _random.Next(3000)) : ""));
            switch (_random.Next(10))
            {
                case < 5:
                    var expires = !merges && _random.OneIn(3);
                    var until = World.Shards.Clock.Now.Microseconds + (ulong)_random.Next(5_000_000);
                    batch.Put(key, value, expires ? SystemTime.FromMicroseconds(until) : default);
                    break;
                case < 7: batch.Delete(key); break;
                case < 9 when merges: batch.Merge(key, Bytes($"+{_random.Next(10)}")); break;
                case 9:
                    var (start, end) = RandomRange();
                    batch.DeleteRange(start, end);
                    break;
            }
        }
        return batch;
    }

    // In a body: under `always` it waits there, and the followers go on.
    void Commit()
    {
        var shard = _random.Next(Oracles.Length);
        var batch = RandomBatch(shard);
        var target = World.Shards.Shards[shard];
        if (_random.OneIn(2)) Try(() => target.Commit(batch));
        else World.Scheduler.Start("commit", WorkClass.Urgent, async cancellation => await target.CommitAsync(batch, cancellation));
        if (_random.OneIn(4)) World.Scheduler.RunUntilIdle();
    }

    void CommitGroup()
    {
        var shard = _random.Next(Oracles.Length);
        var group = Enumerable.Range(0, _random.Next(1, 5)).Select(_ => RandomBatch(shard)).ToArray();
        Try(() => World.Shards.Shards[shard].CommitGroup(group));
    }

    void CommitJointly()
    {
        var parts = Enumerable.Range(0, Oracles.Length).Select(i => ((IShard)World.Shards.Shards[i], RandomBatch(i))).ToList();
        Try(() => World.Shards.CommitJointly(parts));
    }

    static void Try(Action act)
    {
        try
        {
            act();
        }
        catch (AevumException refused) when (refused.Code == ErrorCode.OutcomeUnknown)
        {
        }
    }

    // ------------------------------------------------------------------------------------------------ what happens

    void Flush()
    {
        Record();   // before it lets go of the log
        World.Shards.Shards[_random.Next(Oracles.Length)].Tree.Flush();
        Record();
        Count("flushes");
    }

    void Reopen()
    {
        World.Scheduler.RunUntilIdle();
        Record();
        foreach (var follower in _followers) follower.Die();
        World.Reopen();
        Reconcile();
        Count("reopens");
    }

    void Crash()
    {
        Record();
        var kill = _random.OneIn(2);
        var successor = kill ? _files.KillProcess() : _files.PowerCut();
        foreach (var follower in _followers) follower.Die();
        World.Close();   // on a dead disk this saves nothing
        World.Files = _files = successor;
        // Except for a power cut that the policy does not outlive, what anybody was given is still there.
        if (!kill && !IsAlways) Array.Clear(_given);
        World.Open();
        Reconcile();
        Count(kill ? "kills" : "power cuts");
    }

    void Reconcile()
    {
        for (var i = 0; i < Oracles.Length; i++)
        {
            var before = _given[i] == 0 ? null : Oracles[i][_given[i]];
            Oracles[i].Reconcile(World.Shards.Shards[i]);
            if (before is not null) Assert.Same(before, Oracles[i][_given[i]]);
        }
        Record();
    }

    public void Dispose() => World.Dispose();
}
