// EngineRun, opening: what must be there after a close, a kill, a power cut.
//
//   closed, or the process died    every acknowledged commit
//   the power went                 what the sync policy promises; what was durable before (flushed, or found by an open after a power cut)
//
// More may be there (a commit that was cut off), but of each shard always a prefix in the order of its times: the shard says how far it reaches,
// and must then hold exactly that. What is lost is taken out of the model, with the answers that spoke of it.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Storage;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    const string Directory = "db";

    StorageEnvironment? _environment;
    LocalShards? _shards;
    readonly ulong[] _durableTo;   // by shard: the newest commit that no power cut may take
    TimeSpan _seenAlive;

    LocalShards Shards => _shards ?? throw new InvalidOperationException("the simulated shards are closed");

    protected override void NoteAlive()
    {
        if (IsDead) return;
        _seenAlive = Scheduler.Time.GetElapsedTime(0);
        if (_shards is null) return;
        for (var shard = 0; shard < ShardCount; shard++)
            _durableTo[shard] = Math.Max(_durableTo[shard], ShardAt(shard).Tree.FlushedTime.Value);
    }

    void Open()
    {
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                OpenOnce();
                break;
            }
            catch (AevumException e) when (e is not CorruptionException)
            {
                CloseEnvironment();
                if (Files.Successor is { } successor)
                {
                    Note($"died while opening: {e.Code}");
                    TakeOver(successor);
                    continue;
                }
                Require(Failing != Fault.None && IsOfTrouble(e), $"the shards did not open: {e}");
                Count("opens refused");
                Note($"open refused: {e.Code}");
                if (attempts >= 2) Heal();
            }
        }
        CheckOpened();
    }

    void OpenOnce()
    {
        _environment = new StorageEnvironment(new StorageOptions
        {
            Files = SlowFiles(),
            Scheduler = World,
            BlockCacheBytes = Configuration.CacheBytes,
            RetainedArenaBytes = 1 << 20,
        });
        _shards = LocalShards.Open(_environment, Directory, Configuration.Options);
        LogFailed = false;
    }

    void CheckOpened()
    {
        Count("opens");
        var lost = new List<Acknowledged>();
        for (var shard = 0; shard < ShardCount; shard++)
        {
            var (position, time) = ShardAt(shard).Opened;
            Note($"open: shard {shard} reaches to position {position}, time {time}");
            lost.AddRange(_acknowledged.Where(a => a.Shard == shard && a.Time > time.Value));
            _models[shard].Truncate(time.Value);
            FindGhost(shard, position, time.Value);
            foreach (var answers in _answers[shard].Values) answers.RemoveAll(a => a.Time > time.Value);
            _noted.RemoveAll(n => n.Shard == shard && n.Time > time.Value);
            _acknowledgedTime[shard] = _models[shard].GreatestTime;
            if (PowerWasCut && Configuration.Options.Sync.Kind != SyncKind.Always)
                _remembered.RemoveAll(r => r.Shard == shard && r.At > time.Value);
        }
        CheckLost(lost);
        _acknowledged.RemoveAll(lost.Contains);
        _ghosts.Clear();
        CheckCatalog();
        if (PowerWasCut) _floors.Clear();
        for (var shard = 0; shard < ShardCount; shard++)
            if (PowerWasCut) _durableTo[shard] = _models[shard].GreatestTime;
        BeginAnew();
        NoteAlive();
        CheckEverything();
    }

    void CheckLost(List<Acknowledged> lost)
    {
        if (lost.Count == 0) return;
        Note($"{lost.Count} acknowledged commits are lost");
        Require(PowerWasCut, $"{lost.Count} acknowledged commits are missing, the first of {lost[0].Time}, although the power was not cut");
        Count("acknowledged commits that a power cut took");
        foreach (var one in lost)
            Require(one.Time > _durableTo[one.Shard], $"the commit of {one.Time} in shard {one.Shard} was durable, and is lost");
        var sync = Configuration.Options.Sync;
        switch (sync.Kind)
        {
            case SyncKind.Always:
                throw new SimulationFailure(
                    $"with sync = always {lost.Count} acknowledged commits are lost, the first of {lost[0].Time} in shard {lost[0].Shard}");
            case SyncKind.Every:
                Require(lost.Count <= sync.Records, $"with {sync} {lost.Count} acknowledged commits are lost");
                break;
            case SyncKind.Interval when WasFaultless:
                var late = lost.Find(a => a.At + sync.Interval + (10 * Configuration.SyncTimeMax) < _seenAlive);
                Require(late == default, $"with {sync} the commit of {late.Time} is lost, acknowledged at {late.At}; the machine worked until {_seenAlive}");
                break;
        }
    }

    // A commit that was cut off while it was appended: if it is there, it is the last record of its shard.
    void FindGhost(int shard, ulong position, ulong time)
    {
        var model = _models[shard];
        if (position == 0 || model.GreatestTime == time) return;
        var stream = ShardAt(shard).LogStream;
        if (position < stream.FirstPosition || position > stream.LastPosition) return;
        using var reader = stream.OpenReader(position);
        if (!reader.MoveNext()) return;
        var effects = new List<string>();
        var batch = new BatchReader(reader.Payload);
        while (batch.TryRead(out var effect))
            if (KeyspaceId.TryRead(effect.Key, out var id) && id.Namespace == NamespaceEntry.DefaultId)
                effects.Add(BatchModel.Show(new(effect.Kind, effect.Key.ToArray(), effect.Value.ToArray(), effect.Expiry.Value)));
        if (effects.Count == 0) return;
        foreach (var ghost in _ghosts.Where(g => g.Shard == shard && time > g.After))
        {
            if (ghost.IsCatalogs) continue;
            var verdict = BatchModel.Decide(model, ghost, time - 1, time, FloorOf);
            var written = new WriteBatch();
            foreach (var effect in verdict.Effects)
            {
                switch (effect.Kind)
                {
                    case EffectKind.Put: written.Put(effect.Key, effect.Value, new(effect.Expiry)); break;
                    case EffectKind.Delete: written.Delete(effect.Key); break;
                    case EffectKind.Merge: written.Merge(effect.Key, effect.Value); break;
                    default: written.DeleteRange(effect.Key, effect.Value); break;
                }
            }
            var expected = new List<string>();
            var own = new BatchReader(written.Encoded);
            while (own.TryRead(out var effect))
                expected.Add(BatchModel.Show(new(effect.Kind, effect.Key.ToArray(), effect.Value.ToArray(), effect.Expiry.Value)));
            if (!expected.SequenceEqual(effects)) continue;
            Count("cut off, and there");
            Note($"the commit that was cut off is there: {time}");
            KeepAnswer(ghost, time, verdict);
            model.Append(new ModelCommit(time, verdict.Effects));
            return;
        }
        if (_ghosts.Find(g => g.IsCatalogs && g.Shard == shard) is { } change)
        {
            model.Append(new ModelCommit(time, change.Steps.Select(s => new ModelEffect(EffectKind.DeleteRange, s.Key, s.Value, 0)).ToArray()));
            return;
        }
        throw new SimulationFailure($"shard {shard} ends with a commit at {time} that nobody sent:\n{string.Join('\n', effects)}");
    }

    void CheckCatalog()
    {
        var found = Describe(Shards.Catalog);
        var reaches = ShardAt(0).Opened.Time.Value;
        _catalogs.RemoveAll(c => c.Time > reaches);
        if (_catalogs.Count == 0 || _catalogIsOpen) _catalogs.Add((Shards.Catalog.Version.Value, found));
        else Require(found == _catalogs[^1].Text, $"the catalog is\n{found}\n    and should be\n{_catalogs[^1].Text}");
        _catalogIsOpen = false;
        NoteLoosest();
    }

    void Reopen()
    {
        Note("reopen");
        Count("reopens");
        Settle();
        Close();
        if (Files.Successor is { } successor) TakeOver(successor);
        Open();
    }

    protected override void Recover(string how)
    {
        Note($"dies: {how}");
        var successor = Files.Successor ?? throw new InvalidOperationException("nobody has died");
        Settle();
        // On a dead disk closing can save nothing any more; it gives back memory and ends the bodies.
        Close();
        TakeOver(successor);
        Open();
    }

    void Close()
    {
        LetGoOfAll();
        var faultless = WasFaultless && Failing == Fault.None && !IsDead && !LogFailed;
        _shards?.Dispose();
        _shards = null;
        CloseEnvironment();
        // An orderly close syncs the log.
        if (faultless && !IsDead)
            for (var shard = 0; shard < ShardCount; shard++) _durableTo[shard] = _models[shard].GreatestTime;
    }

    void CloseEnvironment()
    {
        _environment?.Dispose();
        _environment = null;
    }

    // What failed has a pause to try again; then everything must work, or say that the log has stopped.
    void EndTrouble()
    {
        if (Failing == Fault.None || IsDead) return;
        var was = Failing;
        Heal();
        Scheduler.RunFor(TimeSpan.FromSeconds(1));
        if (was == Fault.Errors)
        {
            Failing = Fault.Errors;
            Round();
            Failing = Fault.None;
            if (LogFailed)
            {
                Count("logs stopped");
                Reopen();
            }
        }
        Settle();
        Round();
        FlushAll();
        CheckEverything();
    }

    protected override void CloseAll()
    {
        LetGoOfAll();
        _shards?.Dispose();
        _environment?.Dispose();
    }
}
