// EngineRun, settling: after a round, or after a death, what was answered is held against the model.
//
//   commits with effects     in the order of their times: BatchModel says what each should have been told, and its effects go to the model
//   commits without          there must be a state between call and return that explains what was told
//   reads                    of the present: likewise; of the past: exactly
//
// Not here: what is left after a death (EngineRun.Opening takes what is lost away again).

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    /// <summary>A commit under an idempotency key.</summary>
    sealed record KeptAnswer(ulong Time, ulong Until, BatchVerdict Verdict);

    /// <summary>A commit that was acknowledged, for what must survive.</summary>
    readonly record struct Acknowledged(int Shard, ulong Time, TimeSpan At);

    readonly ShardModel[] _models;
    readonly Dictionary<(uint Namespace, string Key), List<KeptAnswer>>[] _answers;
    readonly List<Acknowledged> _acknowledged = [];
    readonly List<Asked> _remembered = [];
    readonly List<SubmittedBatch> _ghosts = [];    // whose time is not known, and whether they are there

    /// <summary>Empties the lists of what was sent and asked.</summary>
    void Settle()
    {
        foreach (var batch in _unsettled.Where(b => b.HasEffects && b.Outcome != Outcome.NotDone).OrderBy(b => b.Batch.Time.Value)) SettleCommit(batch);
        foreach (var batch in _unsettled)
        {
            if (batch.Outcome == Outcome.UnderWay) throw new SimulationFailure("a commit never returned");
            if (batch.Outcome == Outcome.Unknown && batch.Batch.Status == CommitStatus.None) _ghosts.Add(batch);
            if (batch.Outcome == Outcome.Told && !batch.HasEffects) SettleWithoutEffects(batch);
            if (batch.Outcome == Outcome.NotDone && batch.Failure?.Code == ErrorCode.InvalidArgument) CheckRefusal(batch);
        }
        foreach (var asked in _asked) SettleRead(asked);
        _unsettled.Clear();
        _asked.Clear();
    }

    void SettleCommit(SubmittedBatch batch)
    {
        var (shard, time) = (batch.Shard, batch.Batch.Time.Value);
        Require(time > batch.After, $"a commit got the time {time}, and the clock stood at {batch.After} before it was sent");
        var model = _models[shard];
        var effects = batch.Steps.Select(s => new ModelEffect(EffectKind.DeleteRange, s.Key, s.Value, 0)).ToArray();
        BatchVerdict verdict;
        if (batch.IsCatalogs)
        {
            verdict = new(CommitStatus.Committed, -1, [], effects);
        }
        else
        {
            verdict = BatchModel.Decide(model, batch, time - 1, time, FloorOf);
            if (BatchModel.Difference(verdict, batch.Batch) is { } difference)
                throw new SimulationFailure($"a commit at {time}: {difference}\n      {Describe(batch)}" +
                    string.Concat(batch.Steps.Select(s => $"\n      newest change of {Show(s.Key)} before: {model.NewestChangeOf(s.Key, time - 1)}")));
        }
        if (batch.Batch.IsPlain && batch.Steps.Any(s => s.Kind == StepKind.Merge && batch.MayMerge(s.Key) == Merging.Impossible))
            throw new SimulationFailure($"a merge was taken where none is possible: {Describe(batch)}");
        KeepAnswer(batch, time, verdict);
        model.Append(new ModelCommit(time, verdict.Effects));
        if (batch.Outcome == Outcome.Told) _acknowledged.Add(new(shard, time, batch.ToldAt));
        if (batch.Note is not null) _noted.Add((shard, time, batch.Namespace, batch.Note));
        Count("commits");
    }

    void KeepAnswer(SubmittedBatch batch, ulong time, BatchVerdict verdict)
    {
        if (batch.Note?.IdempotencyKey is not { } key) return;
        if (!_answers[batch.Shard].TryGetValue((batch.Namespace, key), out var kept)) _answers[batch.Shard][(batch.Namespace, key)] = kept = [];
        if (kept.Count > 0)
            Require(kept[^1].Until <= time, $"request '{key}' of {kept[^1].Time} was done again at {time}; its answer is kept until {kept[^1].Until}");
        var until = SystemTime.FromMicroseconds((time >> 10) + (ulong)Configuration.Options.AnswersKeptFor.TotalMicroseconds).Value;
        kept.Add(new(time, until, verdict));
    }

    void SettleWithoutEffects(SubmittedBatch batch)
    {
        Count($"without effects: {batch.Batch.Status}");
        if (batch.IsCatalogs) return;
        var model = _models[batch.Shard];
        if (batch.Batch.Status == CommitStatus.Repeated)
        {
            var key = batch.Note!.IdempotencyKey!;
            var kept = _answers[batch.Shard].GetValueOrDefault((batch.Namespace, key))?.Find(k => k.Time == batch.Batch.Time.Value);
            Require(kept is not null, $"request '{key}' was answered as that of {batch.Batch.Time}, which is not known");
            Require(kept!.Until > batch.After, $"request '{key}' was answered at {batch.After} from what was kept until {kept.Until}");
            if (!batch.Batch.IsPlain && BatchModel.Difference(kept.Verdict, batch.Batch) is { } other)
                throw new SimulationFailure($"request '{key}' was answered otherwise than at {kept.Time}: {other}");
            return;
        }
        string? last = null;
        foreach (var (at, time) in Moments(model, batch))
        {
            var verdict = BatchModel.Decide(model, batch, at, time, FloorOf);
            last = BatchModel.Difference(verdict, batch.Batch);
            if (last is null && verdict.Effects.Count > 0) last = "it has effects, and was said to have none";
            if (last is null) return;
        }
        throw new SimulationFailure($"nothing between {batch.After} and {batch.Until} explains what was told of a commit: {last}\n      {Describe(batch)}" +
            string.Concat(batch.Steps.Select(step => $"\n      newest change of {Show(step.Key)}: {model.NewestChangeOf(step.Key, ulong.MaxValue)}, told of {
                ShardAt(batch.Shard).Tree.NewestVersionOf(step.Key)}, floor {ShardAt(batch.Shard).HistoryFloorOf(step.Key)}")));
    }

    // Every state between two times, each at the times that can matter: its ends, and where something expires.
    static IEnumerable<(ulong At, ulong Time)> Moments(ShardModel model, SubmittedBatch batch)
    {
        var (after, until) = (batch.After, batch.Until);
        var states = model.Commits.Select(c => c.Time).Where(t => t > after && t <= until).Prepend(after).ToArray();
        var times = model.Commits.SelectMany(c => c.Effects).Select(e => e.Expiry).Where(e => e > after && e <= until).Distinct().ToList();
        // A step that met what an earlier step of its batch wrote tells the batch's own time.
        for (var i = 0; i < batch.Steps.Count; i++) times.Add(batch.Batch.ResultOf(i).Version.Value);
        for (var i = 0; i < states.Length; i++)
        {
            var end = i + 1 < states.Length ? states[i + 1] - 1 : Math.Max(until, after + 1);
            yield return (states[i], end);
            yield return (states[i], states[i] + 1);
            foreach (var time in times)
                if (time > states[i] && time <= end) yield return (states[i], time);
        }
    }

    void CheckRefusal(SubmittedBatch batch)
    {
        var isMisused = batch.Note?.IdempotencyKey is { } key && _misused.Contains((batch.Namespace, key));
        var mayNotMerge = batch.Batch.IsPlain && batch.Steps.Any(s => s.Kind == StepKind.Merge && batch.MayMerge(s.Key) != Merging.Possible);
        var explained = isMisused || mayNotMerge;
        Require(explained, $"a commit was refused without reason: {batch.Failure}");
    }

    // ---------------------------------------------------------------------------------------- reads

    void SettleRead(Asked asked)
    {
        var model = _models[asked.Shard];
        if (asked.At != 0)
        {
            var expected = ModelAnswer(model, asked, asked.At, asked.At);
            Require(expected == asked.Answer, $"at {asked.At} {What(asked)} was\n{asked.Answer}\n    and should have been\n{expected}");
            Remember(asked);
            return;
        }
        string? last = null;
        foreach (var at in model.Commits.Select(c => c.Time).Where(t => t > asked.Seen && t <= asked.Until).Prepend(asked.Seen))
        {
            last = ModelAnswer(model, asked, at, asked.Now);
            if (last == asked.Answer) return;
        }
        throw new SimulationFailure(
            $"no state between {asked.Seen} and {asked.Until} explains that {What(asked)} was\n{asked.Answer}\n    the last one would be\n{last}");
    }

    static string What(Asked asked) => asked.IsRange ? $"[{Show(asked.Start)}, {Show(asked.End)})" : Show(asked.Start);

    static string ModelAnswer(ShardModel model, Asked asked, ulong at, ulong now) =>
        asked.IsRange ? Tell(model.Scan(asked.Start, asked.End, at, now)) : Tell(model.Get(asked.Start, at, now));

    void Remember(Asked asked)
    {
        if (_remembered.Count < 200) _remembered.Add(asked);
        else _remembered[Random.Next(_remembered.Count)] = asked;
    }
}
