// StepBatch: what a caller wants done at one instant: steps in order, each with its result. The sequencer decides it and leaves the results here.
//
//   plain        only puts, deletes and merges without conditions: the steps are kept as effects, ready for the log, copied once
//   conditional  a step asks something first: steps are kept one by one, and the sequencer writes down what it decided
//
// Always true: later steps see earlier ones; a batch becomes visible as a whole, at one system time; its bytes may not change between the
// commit's call and its return. A batch may be cleared and used again, and then allocates nothing.
//
// Not here: deciding (the engine), what the log keeps (WriteBatch).

using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public enum StepKind : byte
{
    /// <summary>Only the condition.</summary>
    Check = 0,
    Put = 1,
    Delete = 2,
    Merge = 3,
    DeleteRange = 4,
    Call = 5,
}

public enum CommitPolicy : byte
{
    /// <summary>If a step is not done, none is.</summary>
    AllOrNothing = 0,

    /// <summary>Steps that are not done do not hold the others back.</summary>
    EachForItself = 1,
}

public sealed class StepBatch
{
    /// <summary>Steps of one batch.</summary>
    public const int StepsMax = 1 << 24;

    readonly record struct Part(int Offset, int Length);

    struct Step
    {
        public StepKind Kind;
        public PreconditionKind Condition;
        public SystemTime ConditionTime;
        public SystemTime Expiry;
        public Part Key, Value, ConditionBytes;
        public IProcedure? Procedure;
    }

    readonly BatchLimits _limits;
    readonly WriteBatch _plain;
    readonly List<Step> _steps = [];
    StepResult[] _results = [];
    byte[] _bytes = [];
    int _used;
    byte[] _returned = [];
    int _returnedUsed;

    public StepBatch(BatchLimits? limits = null)
    {
        _limits = limits ?? BatchLimits.Default;
        _plain = new WriteBatch(_limits, 256);
    }

    public CommitPolicy Policy { get; set; }

    public CommitNote? Note { get; set; }

    /// <summary>The namespace on whose behalf it is: where its note and its idempotency key belong.</summary>
    public uint Namespace { get; set; }

    /// <summary>The system time that the commit must have, which is above all before; None: the clock's.</summary>
    /// <remarks>For a history that is written again, with clocks that stand where it was made.</remarks>
    public SystemTime At { get; set; }

    /// <summary>How many steps.</summary>
    public int Count => IsPlain ? _plain.Count : _steps.Count;

    /// <summary>True while no step asks anything: then its effects are <see cref="Effects"/>.</summary>
    public bool IsPlain { get; private set; } = true;

    /// <summary>The effects of a plain batch.</summary>
    public WriteBatch Effects => _plain;

    // ------------------------------------------------------------------------------------------------ what came of it

    public CommitStatus Status { get; private set; }

    /// <summary>The system time of the commit; of a batch without effects <see cref="SystemTime.None"/>.</summary>
    public SystemTime Time { get; private set; }

    /// <summary>Of a refused batch: the first step that was not done; else -1.</summary>
    public int FailedStep { get; private set; } = -1;

    /// <summary>What became of a step, after the commit.</summary>
    public StepResult ResultOf(int step)
    {
        if ((uint)step >= (uint)Count) Throw.Invalid($"the batch has no step {step}");
        if (!IsPlain && Status != CommitStatus.None) return _results[step];
        return new StepResult { Status = Status is CommitStatus.Committed or CommitStatus.Repeated ? StepStatus.Done : StepStatus.NotRun };
    }

    /// <summary>The bytes that a procedure returned. Valid until the batch is cleared or committed again.</summary>
    public ReadOnlySpan<byte> BytesOf(int step)
    {
        return IsPlain || (uint)step >= (uint)Count || Status == CommitStatus.None ? default : ReturnedBytes(step);
    }

    // ------------------------------------------------------------------------------------------------ steps

    /// <returns>The step's number, as in all methods that add one.</returns>
    public int Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default)
    {
        if (!IsPlain) return Add(StepKind.Put, key, value, expiry, default, null);
        _plain.Put(key, value, expiry);
        return _plain.Count - 1;
    }

    public int Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in Precondition condition, SystemTime expiry = default) =>
        condition.Kind == PreconditionKind.None ? Put(key, value, expiry) : Add(StepKind.Put, key, value, expiry, condition, null);

    public int Delete(ReadOnlySpan<byte> key)
    {
        if (!IsPlain) return Add(StepKind.Delete, key, default, default, default, null);
        _plain.Delete(key);
        return _plain.Count - 1;
    }

    public int Delete(ReadOnlySpan<byte> key, in Precondition condition) =>
        condition.Kind == PreconditionKind.None ? Delete(key) : Add(StepKind.Delete, key, default, default, condition, null);

    public int Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        if (!IsPlain) return Add(StepKind.Merge, key, operand, default, default, null);
        _plain.Merge(key, operand);
        return _plain.Count - 1;
    }

    /// <summary>Deletes [start, end).</summary>
    public int DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end) => Add(StepKind.DeleteRange, start, end, default, default, null);

    /// <summary>Does nothing but hold if the condition holds.</summary>
    public int Check(ReadOnlySpan<byte> key, in Precondition condition) => Add(StepKind.Check, key, default, default, condition, null);

    /// <summary>Holds if nothing in [start, end) was written or deleted after a time.</summary>
    public int CheckUnchanged(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, SystemTime since) =>
        Add(StepKind.Check, start, end, default, Precondition.UnchangedSince(since), null);

    /// <summary>Holds if nothing in [start, end) was written, and no key of it deleted, after a time at which nothing was there: a delete of a whole range
    /// over it changes nothing.</summary>
    public int CheckUnwritten(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, SystemTime since) =>
        Add(StepKind.Check, start, end, default, Precondition.UnwrittenSince(since), null);

    public int Call(IProcedure procedure, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument = default) =>
        Add(StepKind.Call, key, argument, default, default, procedure);

    /// <summary>Takes all steps, the note and the results away and keeps the memory.</summary>
    public void Clear()
    {
        _plain.Clear();
        _steps.Clear();
        _used = _returnedUsed = 0;
        IsPlain = true;
        Policy = CommitPolicy.AllOrNothing;
        Note = null;
        Namespace = 0;
        At = SystemTime.None;
        Forget();
    }

    int Add(StepKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry, in Precondition condition, IProcedure? procedure)
    {
        if (key.Length > _limits.KeyBytesMax) Throw.Limit("the key's length", key.Length, _limits.KeyBytesMax);
        var isEnd = kind is StepKind.DeleteRange or StepKind.Check;
        var valueMax = isEnd ? _limits.KeyBytesMax : _limits.ValueBytesMax;
        if (value.Length > valueMax) Throw.Limit(isEnd ? "the end key's length" : "the value's length", value.Length, valueMax);
        if (condition.Bytes.Length > _limits.ValueBytesMax) Throw.Limit("the expected value's length", condition.Bytes.Length, _limits.ValueBytesMax);
        if (IsPlain) Itemize();
        if (_steps.Count == StepsMax) Throw.Limit("the number of steps", _steps.Count + 1L, StepsMax);
        var total = _used + (long)key.Length + value.Length + condition.Bytes.Length;
        if (_steps.Count > 0 && total > _limits.BatchBytesMax) Throw.Limit("the batch's size", total, _limits.BatchBytesMax);
        _steps.Add(new Step
        {
            Kind = kind,
            Condition = condition.Kind,
            ConditionTime = condition.Time,
            Expiry = expiry,
            Key = Keep(key),
            Value = Keep(value),
            ConditionBytes = Keep(condition.Bytes),
            Procedure = procedure,
        });
        return _steps.Count - 1;
    }

    // From here on step by step: what was added so far, too.
    void Itemize()
    {
        IsPlain = false;
        var reader = new BatchReader(_plain.Encoded);
        while (reader.TryRead(out var effect))
        {
            var kind = effect.Kind switch { EffectKind.Put => StepKind.Put, EffectKind.Merge => StepKind.Merge, _ => StepKind.Delete };
            _steps.Add(new Step { Kind = kind, Expiry = effect.Expiry, Key = Keep(effect.Key), Value = Keep(effect.Value) });
        }
        _plain.Clear();
    }

    Part Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return default;
        var needed = _used + (long)bytes.Length;
        if (needed > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(256, 2L * _bytes.Length))));
        bytes.CopyTo(_bytes.AsSpan(_used));
        var part = new Part(_used, bytes.Length);
        _used += bytes.Length;
        return part;
    }

    // ------------------------------------------------------------------------------------------------ for the sequencer

    /// <summary>One step of a conditional batch. Spans are valid until the batch changes.</summary>
    public readonly ref struct StepView
    {
        public StepKind Kind { get; init; }

        public ReadOnlySpan<byte> Key { get; init; }

        /// <summary>The value, operand or argument; of a range its end.</summary>
        public ReadOnlySpan<byte> Value { get; init; }

        public SystemTime Expiry { get; init; }

        public PreconditionKind Condition { get; init; }

        public SystemTime ConditionTime { get; init; }

        public ReadOnlySpan<byte> ConditionBytes { get; init; }

        public IProcedure? Procedure { get; init; }
    }

    public StepView StepAt(int index)
    {
        ref var step = ref CollectionsMarshal.AsSpan(_steps)[index];
        return new StepView
        {
            Kind = step.Kind,
            Key = BytesAt(step.Key),
            Value = BytesAt(step.Value),
            Expiry = step.Expiry,
            Condition = step.Condition,
            ConditionTime = step.ConditionTime,
            ConditionBytes = BytesAt(step.ConditionBytes),
            Procedure = step.Procedure,
        };
    }

    /// <summary>What a step is about. (A whole <see cref="StepView"/> is large: who wants one thing of each of many steps asks for that.)</summary>
    public ReadOnlySpan<byte> KeyOf(int index) => BytesAt(CollectionsMarshal.AsSpan(_steps)[index].Key);

    /// <summary>A step's value, or its procedure's argument.</summary>
    public ReadOnlySpan<byte> ValueOf(int index) => BytesAt(CollectionsMarshal.AsSpan(_steps)[index].Value);

    /// <summary>A call's procedure; null: the step is no call.</summary>
    public IProcedure? ProcedureOf(int index) => CollectionsMarshal.AsSpan(_steps)[index].Procedure;

    ReadOnlySpan<byte> BytesAt(Part part) => _bytes.AsSpan(part.Offset, part.Length);

    /// <summary>Empties the results, before the batch is decided.</summary>
    public void BeginResults()
    {
        Forget();
        _returnedUsed = 0;
        if (IsPlain) return;
        if (_results.Length < _steps.Count) _results = new StepResult[Math.Max(_steps.Count, 4)];
        else Array.Clear(_results, 0, _steps.Count);
    }

    public ref StepResult MutableResult(int step) => ref _results[step];

    /// <summary>What a step has returned so far.</summary>
    public ReadOnlySpan<byte> ReturnedBytes(int step) => _returned.AsSpan(_results[step].BytesOffset, _results[step].BytesLength);

    /// <summary>Keeps bytes that a step returned, in place of those it returned before.</summary>
    public void KeepReturned(int step, ReadOnlySpan<byte> bytes)
    {
        var needed = _returnedUsed + (long)bytes.Length;
        if (needed > _returned.Length) Array.Resize(ref _returned, (int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(64, 2L * _returned.Length))));
        bytes.CopyTo(_returned.AsSpan(_returnedUsed));
        ref var result = ref _results[step];
        result.BytesOffset = _returnedUsed;
        result.BytesLength = bytes.Length;
        _returnedUsed += bytes.Length;
    }

    public void EndResults(CommitStatus status, SystemTime time, int failedStep = -1)
    {
        Status = status;
        Time = time;
        FailedStep = failedStep;
    }

    void Forget()
    {
        Status = CommitStatus.None;
        Time = SystemTime.None;
        FailedStep = -1;
    }
}
