// EngineRun, clients: several at a time, each a body of the scheduler: while one waits for a sync, the others go on. What was sent and what was
// answered is kept until the round is over (EngineRun.Settling).

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    /// <summary>What a read was answered.</summary>
    /// <param name="At">The moment asked for; 0: the present.</param>
    /// <param name="Now">What the clock said then.</param>
    /// <param name="Seen">Of the present: commits up to this time had been acknowledged before.</param>
    /// <param name="Until">Of the present: nothing was stamped above this before the answer.</param>
    sealed record Asked(int Shard, byte[] Start, byte[]? End, bool IsRange, ulong At, ulong Now, ulong Seen, ulong Until, string Answer);

    readonly List<SubmittedBatch> _unsettled = [];
    readonly List<Asked> _asked = [];
    readonly List<SubmittedBatch> _sentWithKey = [];
    ulong[] _acknowledgedTime = new ulong[8];   // by shard: the newest commit that a client knows of
    readonly HashSet<(uint, string)> _misused = [];
    int _requests;

    LocalShard ShardAt(int shard) => Shards.Shards[shard];

    async Task RunClient(int number, SeededRandom random)
    {
        for (var i = random.Next(1, 9); i > 0 && !Stops; i--)
        {
            var shard = RandomShard(random);
            switch (random.Next(24))
            {
                case < 10: await Submit(RandomBatch(random, shard), random); break;
                case 10: SubmitGroup(random, shard); break;
                case 11 or 12: await Resend(random); break;
                case < 16: ReadPresent(random, shard); break;
                case < 20: ReadPast(random, shard); break;
                case 20: await Scheduler.Delay(TimeSpan.FromMilliseconds(random.Next(1, 20))); break;
                case 21 when number == 0 && Configuration.CatalogChanges: ChangeCatalog(random); break;
                case 22: AskForTheFuture(random, shard); break;
                default: await Scheduler.Yield(); break;
            }
            if (random.OneIn(3)) await Scheduler.Yield();
        }
    }

    // ---------------------------------------------------------------------------------------- writing

    async Task Submit(SubmittedBatch batch, SeededRandom random)
    {
        Begin(batch);
        try
        {
            if (random.OneIn(2)) ShardAt(batch.Shard).Commit(batch.Batch);
            else if (random.OneIn(12)) await CommitAndLeave(batch, random);
            else await ShardAt(batch.Shard).CommitAsync(batch.Batch);
            Told(batch);
        }
        catch (AevumException failure)
        {
            Failed(batch, failure);
        }
        Ended(batch);
    }

    async Task CommitAndLeave(SubmittedBatch batch, SeededRandom random)
    {
        using var leaving = new CancellationTokenSource();
        if (random.OneIn(4)) await leaving.CancelAsync();
        var commit = ShardAt(batch.Shard).CommitAsync(batch.Batch, leaving.Token);
        for (var i = random.Next(4); i > 0; i--) await Scheduler.Yield();
        leaving.Cancel();
        batch.Leaves = true;
        await commit;
    }

    void SubmitGroup(SeededRandom random, int shard)
    {
        var group = Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomBatch(random, shard)).ToArray();
        foreach (var batch in group) Begin(batch);
        try
        {
            ShardAt(shard).CommitGroup(group.Select(b => b.Batch).ToArray());
            foreach (var batch in group) Told(batch);
        }
        catch (AevumException failure)
        {
            // Those that were decided before it stand, and are told of, unless nobody can know.
            var first = Array.FindIndex(group, b => b.Batch.Status == CommitStatus.None);
            for (var i = 0; i < group.Length; i++)
            {
                if (first >= 0 && i > first) group[i].Outcome = Outcome.NotDone;
                else if (i != first && failure.Code != ErrorCode.OutcomeUnknown && !IsDead) Told(group[i]);
                else Failed(group[i], failure);
            }
        }
        foreach (var batch in group) Ended(batch);
    }

    async Task Resend(SeededRandom random)
    {
        if (_sentWithKey.Count == 0) return;
        var before = _sentWithKey[^(1 + random.Next(Math.Min(_sentWithKey.Count, 30)))];
        if (random.OneIn(10) && !before.Batch.IsPlain)
        {
            // Another batch under the same key. If the key is free (its batch was refused), it is this one's from now on.
            _misused.Add((before.Namespace, before.Note!.IdempotencyKey!));
            await Submit(new SubmittedBatch(before.Shard, CommitPolicy.AllOrNothing, [PlainStep(random, before.Shard)])
            {
                Note = before.Note,
                Namespace = before.Namespace,
                MisusesKey = true,
            }, random);
            return;
        }
        Count("requests sent again");
        await Submit(new SubmittedBatch(before.Shard, before.Policy, before.Steps) { Note = before.Note, Namespace = before.Namespace }, random);
    }

    void Begin(SubmittedBatch batch)
    {
        batch.Fill();
        batch.After = Shards.Clock.Latest.Value;
        batch.Before = Shards.Catalog;
        _unsettled.Add(batch);
        if (batch.Note?.IdempotencyKey is not null && !batch.MisusesKey) _sentWithKey.Add(batch);
        if (IsTraced) Console.WriteLine($"    sends {Describe(batch)}");
    }

    void Told(SubmittedBatch batch)
    {
        batch.Outcome = Outcome.Told;
        if (batch.HasEffects) _acknowledgedTime[batch.Shard] = Math.Max(_acknowledgedTime[batch.Shard], batch.Batch.Time.Value);
        if (batch.Batch.Status == CommitStatus.Repeated) Count("repeated");
    }

    void Failed(SubmittedBatch batch, AevumException failure)
    {
        batch.Failure = failure;
        batch.Outcome = OutcomeOf(batch, failure);
        Count($"commits: {failure.Code}");
    }

    Outcome OutcomeOf(SubmittedBatch batch, AevumException failure)
    {
        if (IsDead) return Outcome.Unknown;
        switch (failure.Code)
        {
            case ErrorCode.OutcomeUnknown when batch.Leaves && Failing != Fault.Errors:
                return Outcome.Left;
            case ErrorCode.OutcomeUnknown when Failing == Fault.Errors:
                // A caller who left may be told so although the log works; then the next open tells nothing else than the memory does.
                LogFailed = true;
                return Outcome.Unknown;
            case ErrorCode.Cancelled when batch.Leaves || failure.Message.Contains("before it began", StringComparison.Ordinal):
                return Outcome.NotDone;
            case ErrorCode.Closed when LogMayHaveStopped:
                LogFailed = true;
                return Outcome.NotDone;
            case ErrorCode.DiskFull when Failing == Fault.DiskFull:
            case ErrorCode.InputOutput when Failing == Fault.Errors:
            case ErrorCode.ClockJump when ClockJumped:
            case ErrorCode.NotFound when NamesWhatIsGone(failure):
            case ErrorCode.InvalidArgument:     // looked at when the round is settled
                return Outcome.NotDone;
            default:
                throw new SimulationFailure($"a commit failed, and nothing explains it: {failure}");
        }
    }

    // "keyspace 1/3 was dropped"
    bool NamesWhatIsGone(AevumException failure)
    {
        var words = failure.Message.Split(' ');
        return words is ["keyspace", var id, "was", "dropped", ..] && Shards.Catalog.Keyspaces.All(k => k.Id.ToString() != id);
    }

    void Ended(SubmittedBatch batch)
    {
        batch.Until = Shards.Clock.Latest.Value;
        batch.ToldAt = Scheduler.Time.GetElapsedTime(0);
        var (before, after) = (batch.Before!, Shards.Catalog);
        batch.MayMerge = key =>
        {
            var was = before.FindKeyspace(KeyspaceOf(key))?.Options.MergeOperator is not null;
            var isNow = after.FindKeyspace(KeyspaceOf(key))?.Options.MergeOperator is not null;
            // While the catalog is changed, shards follow it before it shows.
            return was != isNow || _catalogIsChanging ? Merging.Open : was ? Merging.Possible : Merging.Impossible;
        };
        NoteAlive();
        Note($"{batch.Outcome} on {batch.Shard}: {batch.Batch.Status} at {batch.Batch.Time} {batch.Failure?.Code}");
    }

    // ---------------------------------------------------------------------------------------- the catalog

    bool _catalogIsChanging;
    bool _catalogIsOpen;    // a change of it ended, and nobody knows how
    readonly List<(ulong Time, string Text)> _catalogs = [];

    void ChangeCatalog(SeededRandom random)
    {
        var catalog = Shards.Catalog;
        var batch = new StepBatch();
        var steps = new List<SubmittedStep>();
        var others = catalog.KeyspacesOf(NamespaceEntry.DefaultId).ToArray();
        var one = others[random.Next(others.Length)];
        CatalogChange change;
        string what;
        switch (random.Next(6))
        {
            case 0 when one.Id.Keyspace != KeyspaceEntry.DefaultId && ShardCount == 1:
                change = CatalogChange.DropKeyspace(batch, catalog, one.Id);
                var (start, end) = KeyLayout.RangeOf(one.Id);
                steps.Add(new(StepKind.DeleteRange, start, end!));
                what = $"drop {one.Id}";
                break;
            case < 3:
                var next = catalog.KeyspacesOf(NamespaceEntry.DefaultId).Max(k => k.Id.Keyspace) + 1;
                if (next >= KeyspacesMax || _created >= KeyspacesMax - 1) return;
                _created++;
                // The id is the counter's to give, and known only then.
                var probe = CatalogChange.CreateKeyspace(new StepBatch(), catalog, NamespaceEntry.DefaultId, "probe");
                change = CatalogChange.CreateKeyspace(batch, catalog, NamespaceEntry.DefaultId, $"keyspace {probe.Id}",
                    EngineConfiguration.DrawKeyspace(random, random.OneIn(3) ? null : OperatorNameOf(probe.Id)));
                what = $"create {probe.Id}";
                break;
            default:
                var merge = one.Options.MergeOperator ?? (random.OneIn(2) ? OperatorNameOf(one.Id.Keyspace) : null);
                var options = EngineConfiguration.DrawKeyspace(random, merge);
                change = CatalogChange.AlterKeyspace(batch, catalog, one.Id, options);
                what = $"alter {one.Id}: {options.History}, {options.MergeOperator}";
                break;
        }
        var submitted = new SubmittedBatch(0, CommitPolicy.AllOrNothing, steps) { IsCatalogs = true };
        submitted.Batch = batch;
        submitted.Before = catalog;
        submitted.After = Shards.Clock.Latest.Value;
        _unsettled.Add(submitted);
        Note(what);
        Count("catalog changes");
        _catalogIsChanging = true;
        try
        {
            var changed = Shards.CommitCatalog(batch);
            Require(batch.Status == CommitStatus.Committed, $"nobody else changes the catalog, and {what} was refused: {change.FindRefusal()}");
            submitted.Outcome = Outcome.Told;
            _catalogs.Add((batch.Time.Value, Describe(changed)));
        }
        catch (AevumException failure)
        {
            Failed(submitted, failure);
            if (submitted.Outcome == Outcome.Unknown) _catalogIsOpen = true;
        }
        _catalogIsChanging = false;
        Ended(submitted);
        NoteLoosest();
    }

    int _created;

    static string Describe(CatalogSnapshot catalog) =>
        string.Join("; ", catalog.Keyspaces.Select(k => $"{k.Id} '{k.Name}' {k.Options} at {k.Version}"));

    string Describe(SubmittedBatch batch)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"on {batch.Shard}, {batch.Policy}, note {batch.Note}");
        foreach (var step in batch.Steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n          {step.Kind} {Show(step.Key)} {Show(step.Value)} expiry {step.Expiry}");
            if (step.Condition != PreconditionKind.None)
                text.Append(CultureInfo.InvariantCulture, $" if {step.Condition} {step.ConditionTime} {Show(step.ConditionBytes)}");
            if (step.Procedure is not ScriptedProcedure script) continue;
            foreach (var line in script.Lines)
                text.Append(CultureInfo.InvariantCulture,
                    $"\n              {line.Action} {Show(line.Key)} {Show(line.Value)} {line.Limit} expiry {line.Expiry}");
        }
        return text.ToString();
    }

    // ---------------------------------------------------------------------------------------- reading

    void ReadPresent(SeededRandom random, int shard)
    {
        var seen = _acknowledgedTime[shard];
        if (random.OneIn(4))
        {
            var (start, end) = RandomRange(random, shard);
            Ask(shard, start, end, isRange: true, 0, seen);
            return;
        }
        Ask(shard, RandomKeyOrNone(random, shard), null, isRange: false, 0, seen);
    }

    byte[] RandomKeyOrNone(SeededRandom random, int shard) => RandomKey(random, shard);

    void ReadPast(SeededRandom random, int shard)
    {
        var at = random.Next(6) switch
        {
            0 => Shards.Clock.Now.Value,
            1 => Shards.Clock.Latest.Value,
            2 => Math.Max(1, Shards.Clock.Now.Value - (ulong)random.Next(1 << 20)),
            3 when _remembered.Count > 0 => _remembered[random.Next(_remembered.Count)].At,
            _ => Math.Max(1, RandomSince(random)),
        };
        if (random.OneIn(4))
        {
            var (start, end) = RandomRange(random, shard);
            Ask(shard, start, end, isRange: true, at, 0);
            return;
        }
        Ask(shard, RandomKeyOrNone(random, shard), null, isRange: false, at, 0);
    }

    void Ask(int shard, byte[] start, byte[]? end, bool isRange, ulong at, ulong seen)
    {
        var floorBefore = ShardAt(shard).HistoryFloorOf(start).Value;
        var view = at == 0 ? ReadView.Present : ReadView.AsOf(new(at));
        string? answer = null;
        ulong now = 0;
        try
        {
            if (!TryAsk(() =>
            {
                now = Shards.Clock.Now.Value;
                answer = isRange ? AnswerOf(shard, start, end, view) : AnswerOf(shard, start, view);
            })) return;
            // Something that the clock judges must be judged by one reading of it.
            if (at == 0 && now != Math.Max(now, Shards.Clock.Now.Value) && !isRange) return;
        }
        catch (HistoryUnavailableException)
        {
            var floor = ShardAt(shard).HistoryFloorOf(start).Value;
            Require(at != 0 && at < floor, $"a read of {Show(start)} at {at} was refused, the floor is {floor}");
            Count("refused below the floor");
            return;
        }
        Require(at == 0 || at >= floorBefore, $"a read of {Show(start)} at {at} was answered below the floor {floorBefore}");
        if (IsDead) return;
        Count(at == 0 ? "reads of the present" : "reads of the past");
        _asked.Add(new(shard, start, end, isRange, at, now, seen, Shards.Clock.Latest.Value, answer!));
    }

    string AnswerOf(int shard, byte[] key, ReadView view) =>
        ShardAt(shard).Read(key, view, out var info) is { } value ? Tell(value, info.Version.Value, info.Expiry.Value) : "nothing";

    string AnswerOf(int shard, byte[] start, byte[]? end, ReadView view)
    {
        var answer = new StringBuilder();
        using var cursor = ShardAt(shard).OpenCursor(start, end, view);
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            answer.Append(Show(cursor.Key)).Append(": ").Append(Tell(cursor.Value, cursor.Version.Value, cursor.Expiry.Value)).Append('\n');
        return answer.ToString();
    }

    static string Tell(ReadOnlySpan<byte> value, ulong version, ulong expiry) =>
        string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexString(value)} of {version}, expiry {expiry}");

    static string Tell(ModelValue? value) => value is null ? "nothing" : Tell(value.Value, value.Version, value.Expiry);

    static string Tell(IEnumerable<(byte[] Key, ModelValue Found)> rows) =>
        string.Concat(rows.Select(row => $"{Show(row.Key)}: {Tell(row.Found)}\n"));

    void AskForTheFuture(SeededRandom random, int shard)
    {
        try
        {
            if (TryAsk(() => ShardAt(shard).Read(RandomKey(random, shard), ReadView.AsOf(new(Shards.Clock.Now.Value + (1UL << 40))), out _)))
                throw new SimulationFailure("a read of the future was answered");
        }
        catch (AevumException refusal) when (refusal.Code == ErrorCode.InvalidArgument)
        {
        }
    }

    /// <summary>False if the present trouble made the read fail.</summary>
    bool TryAsk(Action ask)
    {
        try
        {
            ask();
            return true;
        }
        catch (AevumException failure) when (IsDead || (Failing == Fault.Errors && failure.Code is ErrorCode.InputOutput or ErrorCode.OutcomeUnknown))
        {
            if (failure.Code == ErrorCode.OutcomeUnknown) LogFailed = true;
            Count("reads refused");
            return false;
        }
    }
}
