// BatchModel: what a batch of steps does, written slowly: each step is judged against the shard's state at one moment and all effects of the
// batch so far, told again from the beginning for every question.
//
// Not known here, and therefore left open (StepVerdict.Either): whether "unchanged since" may be answered below a history floor, and whether a
// keyspace had its merge operator at that moment while the catalog was being changed. Then what the engine said is taken, for one of both.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

/// <summary>What the model says of a step.</summary>
sealed record StepVerdict(StepStatus Status, ulong Version, bool VersionIsKnown, long Number, byte[] Bytes, ErrorCode Code);

sealed record BatchVerdict(CommitStatus Status, int FailedStep, StepVerdict?[] Steps, IReadOnlyList<ModelEffect> Effects);

sealed class BatchModel(ShardModel shard, SubmittedBatch batch, ulong at, ulong time, Func<byte[], ulong> floorOf) : IProcedureContext
{
    readonly List<ModelEffect> _effects = [];
    long _number;
    byte[] _bytes = [];
    int _step;

    /// <param name="at">The state that the batch met: all that was done up to this time.</param>
    /// <param name="time">The time of the batch.</param>
    /// <param name="floorOf">The highest floor that the key's keyspace may have had.</param>
    public static BatchVerdict Decide(ShardModel shard, SubmittedBatch batch, ulong at, ulong time, Func<byte[], ulong> floorOf) =>
        new BatchModel(shard, batch, at, time, floorOf).Decide();

    BatchVerdict Decide()
    {
        var verdicts = new StepVerdict?[batch.Steps.Count];
        for (_step = 0; _step < batch.Steps.Count; _step++)
        {
            var before = _effects.Count;
            (_number, _bytes) = (0, []);
            var verdict = verdicts[_step] = DoStep(batch.Steps[_step]);
            if (verdict.Status == StepStatus.Done) continue;
            if (batch.Policy == CommitPolicy.AllOrNothing) return new(CommitStatus.Refused, _step, verdicts, []);
            _effects.RemoveRange(before, _effects.Count - before);
        }
        return new(CommitStatus.Committed, -1, verdicts, _effects);
    }

    StepVerdict DoStep(SubmittedStep step)
    {
        if (Refuse(step) is { } refusal) return refusal;
        try
        {
            switch (step.Kind)
            {
                case StepKind.Put: Put(step.Key, step.Value, new(step.Expiry)); break;
                case StepKind.Delete: Delete(step.Key); break;
                case StepKind.Merge: Merge(step.Key, step.Value); break;
                case StepKind.DeleteRange: DeleteRange(step.Key, step.Value); break;
                case StepKind.Call: step.Procedure!.Run(this, step.Key, step.Value); break;
            }
        }
        catch (AevumException failure)
        {
            return new(StepStatus.Failed, 0, false, 0, [], failure.Code);
        }
        return new(StepStatus.Done, 0, false, _number, _bytes, default);
    }

    StepVerdict? Refuse(SubmittedStep step)
    {
        if (step.Condition == PreconditionKind.None) return null;
        if (step.Condition == PreconditionKind.Unchanged)
        {
            // Of what others did: the batch's own steps have no time yet.
            var changed = step.Kind == StepKind.Check && step.Value.Length > 0
                ? shard.HasChanged(step.Key, step.Value, step.ConditionTime, at)
                : shard.NewestChangeOf(step.Key, at) > step.ConditionTime;
            var told = batch.Batch.ResultOf(_step).Status;
            if (!changed && step.ConditionTime < floorOf(step.Key) && told is StepStatus.ConditionFailed or StepStatus.Failed) changed = true;
            if (!changed) return null;
            // Below the floor nobody can tell, and that may be said as the step's failure.
            return new(told == StepStatus.Failed ? StepStatus.Failed : StepStatus.ConditionFailed, 0, false, 0, [], ErrorCode.HistoryUnavailable);
        }
        var found = Find(step.Key);
        var version = found?.Version ?? 0;
        var holds = step.Condition switch
        {
            PreconditionKind.Absent => found is null,
            PreconditionKind.Present => found is not null,
            PreconditionKind.Version => version == step.ConditionTime,
            _ => found is not null && found.Value.AsSpan().SequenceEqual(step.ConditionBytes),
        };
        return holds ? null : new(StepStatus.ConditionFailed, version, true, 0, [], default);
    }

    // What a key holds now: the state that the batch met, then the batch's own effects, one after the other.
    ModelValue? Find(byte[] key)
    {
        var current = shard.Get(key, at, time);
        foreach (var effect in _effects)
            if (effect.Touches(key)) current = shard.After(key, current, effect, time);
        return current is not null && current.Expiry != 0 && current.Expiry <= time ? null : current;
    }

    // ------------------------------------------------------------------------------------------------ what procedures ask

    public SystemTime Time => new(time);

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        value = default;
        if (Find(key.ToArray()) is not { } found) return false;
        value = new FoundValue { Bytes = found.Value, Version = new(found.Version), Expiry = new(found.Expiry) };
        return true;
    }

    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false)
    {
        var keys = new SortedSet<byte[]>(ByteOrder.Instance);
        var (first, behind) = (start.ToArray(), end.ToArray());
        foreach (var (key, _) in shard.Scan(first, behind, at, 0)) keys.Add(key);
        foreach (var effect in _effects)
            if (effect.Kind != EffectKind.DeleteRange && ByteOrder.Instance.Compare(first, effect.Key) <= 0 &&
                ByteOrder.Instance.Compare(effect.Key, behind) < 0)
                keys.Add(effect.Key);
        foreach (var key in descending ? keys.Reverse() : keys)
            if (Find(key) is { } found &&
                !visitor.Visit(key, new FoundValue { Bytes = found.Value, Version = new(found.Version), Expiry = new(found.Expiry) })) return;
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default) =>
        _effects.Add(new(EffectKind.Put, key.ToArray(), value.ToArray(), expiry.Value));

    public void Delete(ReadOnlySpan<byte> key) => _effects.Add(new(EffectKind.Delete, key.ToArray(), [], 0));

    public void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        var may = batch.MayMerge(key.ToArray());
        if (may == Merging.Open && batch.Batch.ResultOf(_step).Status != StepStatus.Failed) may = Merging.Possible;
        if (may != Merging.Possible) Throw.Invalid("no merge operator");
        _effects.Add(new(EffectKind.Merge, key.ToArray(), operand.ToArray(), 0));
    }

    public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        if (start.SequenceCompareTo(end) < 0) _effects.Add(new(EffectKind.DeleteRange, start.ToArray(), end.ToArray(), 0));
    }

    public void Return(long number) => _number = number;

    public void Return(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    // ------------------------------------------------------------------------------------------------ comparing

    /// <summary>How what was told differs from what the model says; null if it does not.</summary>
    public static string? Difference(BatchVerdict verdict, StepBatch told)
    {
        var status = told.Status == CommitStatus.Repeated ? CommitStatus.Committed : told.Status;
        if (verdict.Status != status || verdict.FailedStep != told.FailedStep)
            return $"it was {told.Status} (failed step {told.FailedStep}), and should have been {verdict.Status} ({verdict.FailedStep})";
        for (var i = 0; i < verdict.Steps.Length; i++)
        {
            var result = told.ResultOf(i);
            if (verdict.Steps[i] is not { } step)
            {
                if (result.Status != StepStatus.NotRun) return $"step {i} behind the failed one is {result.Status}";
                continue;
            }
            if (step.Status != result.Status) return $"step {i} is {result.Status} ({result.Code} {result.Message}), and should be {step.Status} ({step.Code})";
            if (step.VersionIsKnown && step.Version != result.Version.Value) return $"step {i} tells of version {result.Version}, there is {step.Version}";
            if (step.Status == StepStatus.Failed && told.Status != CommitStatus.Repeated && step.Code != result.Code)
                return $"step {i} failed with {result.Code}, and should have with {step.Code}";
            if (step.Status != StepStatus.Done) continue;
            if (step.Number != result.Number) return $"step {i} returned {result.Number}, and should have returned {step.Number}";
            if (!step.Bytes.AsSpan().SequenceEqual(told.BytesOf(i)))
                return $"step {i} returned '{Encoding.ASCII.GetString(told.BytesOf(i))}', and should have returned '{Encoding.ASCII.GetString(step.Bytes)}'";
        }
        return null;
    }

    public static string Show(ModelEffect effect) => string.Create(CultureInfo.InvariantCulture,
        $"{effect.Kind} {Convert.ToHexString(effect.Key)} {Convert.ToHexString(effect.Value)} expiry {effect.Expiry}");
}
