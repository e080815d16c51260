// EngineRun, checking: when nothing is under way, everything that can be asked, against the model; and what was answered before, once more.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.History;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Storage;
using Aevum.Storage.Trees;

using HistoryKind = Aevum.Model.Catalog.HistoryKind;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    const int HeldMax = 3;

    sealed record HeldMoment(int Shard, TreeSnapshot Snapshot, List<(byte[] Key, string Answer)> Answers);

    sealed record HeldCursor(int Shard, IShardCursor Cursor, List<(byte[] Key, ModelValue Found)> Expected);

    readonly List<HeldMoment> _moments = [];
    readonly List<HeldCursor> _cursors = [];
    readonly List<(int Shard, ulong Time, uint Namespace, CommitNote Note)> _noted = [];
    readonly Dictionary<(int Shard, uint Keyspace), ulong> _floors = [];

    void CheckEverything()
    {
        if (Stops) return;
        Settle();
        Note("check everything");
        Count("full checks");
        for (var shard = 0; shard < ShardCount; shard++)
        {
            var s = shard;
            TryAsk(() => CheckShard(s));
        }
        AskAgain();
    }

    void CheckShard(int shard)
    {
        var (local, model) = (ShardAt(shard), _models[shard]);
        // A caller who left may have left a commit that nobody has waited for: asking for a moment above it waits.
        if (!TryAsk(() => local.OpenCursor([], [0], ReadView.AsOf(Shards.Clock.Now)).Dispose())) return;
        CheckFloors(shard);
        var now = Shards.Clock.Now.Value;
        foreach (var key in _shardKeys[shard])
        {
            var told = AnswerOf(shard, key, ReadView.Present);
            var expected = Tell(model.Get(key, ulong.MaxValue, now));
            Require(told == expected, $"{Show(key)} is\n{told}\n    and should be\n{expected}");
            CheckVersions(shard, key);
        }
        for (uint keyspace = 0; keyspace < KeyspacesMax; keyspace++)
        {
            var keys = _shardKeys[shard].Where(k => KeyspaceOf(k).Keyspace == keyspace).ToArray();
            if (keys.Length == 0) continue;
            var (start, end) = (keys[0], keys[^1].Append((byte)0).ToArray());
            CheckWalk(shard, start, end, ReadView.Present, now);
            CheckPast(shard, keys, start, end);
        }
        foreach (var (_, time, space, note) in _noted.Where(n => n.Shard == shard).TakeLast(5))
        {
            var row = local.Read(CommitNotes.KeyOf(new(time)), ReadView.Present, out _);
            Require(row is not null, $"the note of {time} is missing");
            var found = CommitNotes.Decode(row, out var whose);
            Require(found == note && whose == space, $"the note of {time} is {found} of {whose}, and should be {note} of {space}");
        }
    }

    void CheckPast(int shard, byte[][] keys, byte[] start, byte[] end)
    {
        var floor = ShardAt(shard).HistoryFloorOf(start).Value;
        var latest = Shards.Clock.Latest.Value;
        if (floor > latest) return;
        for (var i = 0; i < 3; i++)
        {
            var commits = _models[shard].Commits;
            var at = i switch
            {
                0 => Math.Max(floor, 1),
                1 when commits.Count > 0 => Math.Max(Math.Max(floor, 1), commits[Random.Next(commits.Count)].Time - (ulong)Random.Next(2)),
                _ => Math.Max(floor + (ulong)Random.Next((long)(latest - floor) + 1), 1),
            };
            var key = keys[Random.Next(keys.Length)];
            Ask(shard, key, null, isRange: false, at, 0);
            Ask(shard, start, end, isRange: true, at, 0);
        }
        foreach (var asked in _asked) SettleRead(asked);
        _asked.Clear();
    }

    void CheckWalk(int shard, byte[] start, byte[] end, ReadView view, ulong now)
    {
        var expected = _models[shard].Scan(start, end, ulong.MaxValue, now);
        using var cursor = ShardAt(shard).OpenCursor(start, end, view);
        Walk(cursor, expected);
    }

    static void Walk(IShardCursor cursor, List<(byte[] Key, ModelValue Found)> expected)
    {
        cursor.SeekToFirst();
        foreach (var row in expected)
        {
            CheckRow(cursor, row);
            cursor.Next();
        }
        Require(!cursor.Valid, "a cursor shows more than there is");
        cursor.SeekToLast();
        for (var i = expected.Count - 1; i >= 0; i--)
        {
            CheckRow(cursor, expected[i]);
            cursor.Prev();
        }
        Require(!cursor.Valid, "a cursor going back shows more than there is");
    }

    static void CheckRow(IShardCursor cursor, (byte[] Key, ModelValue Found) row)
    {
        Require(cursor.Valid, $"a cursor ends before {Show(row.Key)}");
        var same = cursor.Key.SequenceEqual(row.Key) && cursor.Value.SequenceEqual(row.Found.Value) &&
            cursor.Version.Value == row.Found.Version && cursor.Expiry.Value == row.Found.Expiry;
        Require(same, $"a cursor shows {Show(cursor.Key)}: {Tell(cursor.Value, cursor.Version.Value, cursor.Expiry.Value)}\n" +
            $"    and should show {Show(row.Key)}: {Tell(row.Found)}");
    }

    void CheckVersions(int shard, byte[] key)
    {
        var floor = ShardAt(shard).HistoryFloorOf(key).Value;
        var told = ShardAt(shard).VersionsOf(key).Select(v => $"{v.Time} {v.Change} {Convert.ToHexString(v.Value)} expiry {v.Expiry}").ToArray();
        if (ShardAt(shard).HistoryFloorOf(key).Value != floor) return;
        var expected = _models[shard].VersionsOf(key, floor).Select(v => $"{v.Version} {v.Kind switch
        {
            EffectKind.Delete => ValueChange.Deleted,
            EffectKind.DeleteRange => ValueChange.RangeDeleted,
            _ => ValueChange.Put,
        }} {Convert.ToHexString(v.Value)} expiry {v.Expiry}").ToArray();
        Require(told.SequenceEqual(expected),
            $"versions of {Show(key)} above the floor {floor}:\n{string.Join('\n', told)}\n    and should be\n{string.Join('\n', expected)}");
    }

    // ---------------------------------------------------------------------------------------- floors

    readonly Dictionary<uint, TimeSpan?> _shortest = [];    // the shortest history a keyspace was ever told to keep; null: all of it
    ulong _greatestNow;

    void NoteLoosest()
    {
        if (_shards is null) return;
        foreach (var keyspace in Shards.Catalog.KeyspacesOf(NamespaceEntry.DefaultId))
        {
            var history = keyspace.Options.History;
            TimeSpan? shortest = history.Kind switch { HistoryKind.None => TimeSpan.Zero, HistoryKind.Duration => history.Duration, _ => null };
            if (!_shortest.TryGetValue(keyspace.Id.Keyspace, out var before) || before is null || shortest < before)
                _shortest[keyspace.Id.Keyspace] = shortest ?? before;
        }
    }

    void CheckFloors(int shard)
    {
        NoteLoosest();
        _greatestNow = Math.Max(_greatestNow, Shards.Clock.Now.Value);
        foreach (var group in _shardKeys[shard].GroupBy(k => KeyspaceOf(k).Keyspace))
        {
            var floor = ShardAt(shard).HistoryFloorOf(group.First()).Value;
            var before = _floors.GetValueOrDefault((shard, group.Key));
            Require(floor >= before, $"the floor of keyspace {group.Key} in shard {shard} fell from {before} to {floor}");
            _floors[(shard, group.Key)] = floor;
            if (floor == 0) continue;
            Require(_shortest.TryGetValue(group.Key, out var kept) && kept is not null,
                $"keyspace {group.Key} keeps all history, and its floor stands at {floor}");
            var bound = _greatestNow - ((ulong)kept!.Value.TotalMicroseconds << 10);
            Require(floor <= bound, $"keyspace {group.Key} keeps {kept}, and its floor stands at {floor}, above {bound}");
        }
    }

    // The highest that it was or is.
    ulong FloorOf(byte[] key)
    {
        var shard = Array.FindIndex(_shardKeys, keys => keys.Any(k => k.AsSpan().SequenceEqual(key)));
        if (shard < 0) return ulong.MaxValue;
        return Math.Max(_floors.GetValueOrDefault((shard, KeyspaceOf(key).Keyspace)), ShardAt(shard).HistoryFloorOf(key).Value);
    }

    // ---------------------------------------------------------------------------------------- asked again

    void AskAgain()
    {
        if (Stops || _remembered.Count == 0) return;
        Note("ask again");
        for (var i = Math.Min(_remembered.Count, 25); i > 0 && !Stops; i--)
        {
            var asked = _remembered[Random.Next(_remembered.Count)];
            string? answer = null;
            try
            {
                if (!TryAsk(() => answer = asked.IsRange
                    ? AnswerOf(asked.Shard, asked.Start, asked.End, ReadView.AsOf(new(asked.At)))
                    : AnswerOf(asked.Shard, asked.Start, ReadView.AsOf(new(asked.At))))) continue;
            }
            catch (HistoryUnavailableException)
            {
                var floor = ShardAt(asked.Shard).HistoryFloorOf(asked.Start).Value;
                Require(floor > asked.At, $"{What(asked)} at {asked.At} was refused, the floor is {floor}");
                Count("asked again below the floor");
                continue;
            }
            Count("asked again");
            Require(answer == asked.Answer, $"at {asked.At} {What(asked)} was\n{asked.Answer}\n    and is now\n{answer}");
        }
    }

    // ---------------------------------------------------------------------------------------- held

    void HoldMoment()
    {
        if (Stops || _moments.Count == HeldMax) return;
        var shard = RandomShard(Random);
        TryAsk(() =>
        {
            var at = Random.OneIn(2) ? Shards.Clock.Now : Shards.Clock.Latest;
            var held = ShardAt(shard).Hold(at);
            Note($"hold {at} on {shard}");
            Count("moments held");
            var answers = new List<(byte[], string)>();
            _moments.Add(new(shard, held, answers));
            for (var i = 0; i < 10; i++)
            {
                var key = RandomKey(Random, shard);
                if (ShardAt(shard).HistoryFloorOf(key) <= at) answers.Add((key, AnswerOf(shard, key, ReadView.AsOf(at))));
            }
        });
    }

    void HoldCursor()
    {
        if (Stops || _cursors.Count == HeldMax) return;
        var shard = RandomShard(Random);
        var (start, end) = RandomRange(Random, shard);
        TryAsk(() =>
        {
            ShardAt(shard).OpenCursor([], [0], ReadView.AsOf(Shards.Clock.Now)).Dispose();
            var expected = _models[shard].Scan(start, end, ulong.MaxValue, Shards.Clock.Now.Value);
            _cursors.Add(new(shard, ShardAt(shard).OpenCursor(start, end, ReadView.Present), expected));
            Count("cursors held");
        });
    }

    void CheckHeld()
    {
        if (Stops) return;
        foreach (var held in _moments)
            foreach (var (key, answer) in held.Answers)
                TryAsk(() =>
                {
                    var now = AnswerOf(held.Shard, key, ReadView.AsOf(held.Snapshot.At));
                    Require(now == answer, $"at the held moment {held.Snapshot.At} {Show(key)} was\n{answer}\n    and is now\n{now}");
                });
        if (_cursors.Count == 0 || !Random.OneIn(3)) return;
        foreach (var held in _cursors.ToArray())
            if (!TryAsk(() => Walk(held.Cursor, held.Expected)))
            {
                held.Cursor.Dispose();
                _cursors.Remove(held);
            }
    }

    void LetGoOfOne()
    {
        // Before it goes, or the floor that it held would seem to fall.
        for (var shard = 0; shard < ShardCount; shard++) CheckFloors(shard);
        if (_moments.Count > 0)
        {
            _moments[0].Snapshot.Dispose();
            _moments.RemoveAt(0);
        }
        else if (_cursors.Count > 0)
        {
            _cursors[0].Cursor.Dispose();
            _cursors.RemoveAt(0);
        }
    }

    void LetGoOfAll()
    {
        foreach (var moment in _moments) moment.Snapshot.Dispose();
        foreach (var cursor in _cursors) cursor.Cursor.Dispose();
        _moments.Clear();
        _cursors.Clear();
    }

    // ---------------------------------------------------------------------------------------- maintenance

    void FlushAll() => Maintain("flush", tree => tree.Flush());

    void CompactAll() => Maintain("compact all", tree => tree.CompactAll());

    void Maintain(string what, Action<Tree> action)
    {
        if (Stops) return;
        Note(what);
        Count(what);
        try
        {
            foreach (var shard in Shards.Shards) action(shard.Tree);
        }
        catch (AevumException e) when (IsDead || IsOfTrouble(e))
        {
            Note($"{what} refused: {e.Code}");
            LogFailed |= e.Code == ErrorCode.Closed && !IsDead;
        }
        NoteAlive();
    }
}
