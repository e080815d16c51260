// Decider: turns a batch of steps into effects. It evaluates conditions and runs procedures once, in order, against everything decided so far;
// what comes out is plain and is all that is ever written down.
//
//   what a step sees    the batch's own effects so far (EffectIndex), else all that the tree has applied, visible or not
//   a failed step       all or nothing: the batch has no effects; each for itself: the step has none
//
// Always true: whoever calls holds the shard's gate, so nothing else is decided meanwhile; the effects of a step that failed are gone.

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Keyspace;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Sequencing;

sealed class Decider : IProcedureContext
{
    const int ReplacedBytesMax = 4 << 10;   // what is kept for the case that the step fails

    readonly Tree _tree;
    readonly EnginePolicy _policy;
    readonly WriteBatch _effects;
    readonly EffectIndex _index;
    readonly ArrayBufferWriter<byte> _folded = new();
    readonly ArrayBufferWriter<byte> _operand = new();
    readonly List<int> _operands = [];
    PinnedValue _pin;
    StepBatch? _batch;
    int _step;
    int _markLength, _markCount;
    byte[]? _saved;      // the effects before the step, once a range delete of it may have removed some
    // Effects that the step has read, in the index: the first (of an object with parts its head, which is written last) and the last one; 0: none, or
    // something was done since that may lie above it.
    int _firstFound, _lastFound;
    readonly List<(int Offset, int Length)> _replaced = [];   // puts of earlier steps that this one gave other values,
    readonly ArrayBufferWriter<byte> _replacedBytes = new();  // and what they were

    public Decider(Tree tree, EnginePolicy policy, WriteBatch effects)
    {
        _tree = tree;
        _policy = policy;
        _effects = effects;
        _index = new EffectIndex(effects);
    }

    public SystemTime Time { get; private set; }

    /// <summary>Decides a conditional batch into the effects, which must be empty.</summary>
    /// <returns>-1, or the first step that was not done of a batch that wants all or nothing.</returns>
    public int Decide(StepBatch batch, SystemTime time)
    {
        Time = time;
        _batch = batch;
        _index.Forget();
        try
        {
            for (_step = 0; _step < batch.Count; _step++)
            {
                Mark();
                if (TryDo(batch.StepAt(_step))) continue;
                if (batch.Policy == CommitPolicy.AllOrNothing) return _step;
                RollBack();
            }
            return -1;
        }
        finally
        {
            _pin.Dispose();
            _batch = null;
            _saved = null;
        }
    }

    bool TryDo(in StepBatch.StepView step)
    {
        ref var result = ref _batch!.MutableResult(_step);
        try
        {
            if (!Holds(step, ref result))
            {
                result.Status = StepStatus.ConditionFailed;
                return false;
            }
            switch (step.Kind)
            {
                case StepKind.Put: Put(step.Key, step.Value, step.Expiry); break;
                case StepKind.Delete: Delete(step.Key); break;
                case StepKind.Merge: Merge(step.Key, step.Value); break;
                case StepKind.DeleteRange: DeleteRange(step.Key, step.Value); break;
                case StepKind.Call: step.Procedure!.Run(this, step.Key, step.Value); break;
            }
        }
        catch (AevumException refusal) when (!IsOfTheWorld(refusal.Code))
        {
            result.Status = StepStatus.Failed;
            result.Code = refusal.Code;
            result.Message = refusal.Message;
            return false;
        }
        result.Status = StepStatus.Done;
        return true;
    }

    // A disk that fails is no answer to a step: nothing is decided, and the batch may be sent again.
    static bool IsOfTheWorld(ErrorCode code) => code is ErrorCode.InputOutput or ErrorCode.Corruption or ErrorCode.DiskFull or ErrorCode.Closed;

    bool Holds(in StepBatch.StepView step, ref StepResult result)
    {
        switch (step.Condition)
        {
            case PreconditionKind.None:
                return true;
            case PreconditionKind.Unchanged when step is { Kind: StepKind.Check, Value.IsEmpty: false }:
                return !_tree.HasNewer(step.Key.ToArray(), step.Value.ToArray(), step.ConditionTime);
            case PreconditionKind.Unwritten:
                return !_tree.HasNewer(step.Key.ToArray(), step.Value.ToArray(), step.ConditionTime, withRangeDeletes: false);
            case PreconditionKind.Unchanged:
                result.Version = _tree.NewestVersionOf(step.Key);
                if (result.Version > step.ConditionTime) return false;
                if (step.ConditionTime >= _tree.HistoryFloorOf(step.Key)) return true;
                // A delete at or below the floor may be gone, and an older one still be there: only a value that stands speaks for itself.
                return result.Version != SystemTime.None && Stands(step.Key);
        }
        var exists = TryRead(step.Key, out var found);
        result.Version = exists ? found.Version : SystemTime.None;
        return step.Condition switch
        {
            PreconditionKind.Absent => !exists,
            PreconditionKind.Present => exists,
            PreconditionKind.Version => result.Version == step.ConditionTime,
            _ => exists && found.Bytes.SequenceEqual(step.ConditionBytes),
        };
    }

    bool Stands(ReadOnlySpan<byte> key)
    {
        if (!_tree.TryPin(key, ReadPoint.Applied, out var pin)) return false;
        pin.Dispose();
        return true;
    }

    // ------------------------------------------------------------------------------------------------ taking back

    void Mark()
    {
        _markLength = _effects.Encoded.Length;
        _markCount = _effects.Count;
        _saved = null;
        ForgetFound();
        if (_replaced.Count == 0) return;
        _replaced.Clear();
        _replacedBytes.ResetWrittenCount();
    }

    void RollBack()
    {
        if (_saved is not null) _effects.Load(_saved);
        else if (_effects.Count != _markCount) _effects.Truncate(_markLength, _markCount);
        else if (_replaced.Count == 0) return;
        // The last first: a put that was replaced twice becomes what it was before the first time.
        for (var (i, end) = (_replaced.Count - 1, _replacedBytes.WrittenCount); i >= 0; end -= _replaced[i--].Length)
            _effects.Restore(_replaced[i].Offset, _replacedBytes.WrittenSpan[(end - _replaced[i].Length)..end]);
        _index.Forget();
    }

    // ------------------------------------------------------------------------------------------------ reading

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        var at = 0;
        var isIn = _index.TryFind(key, ref at, out var effect);
        if (!isIn) return TryReadTree(key, out value);
        if (_firstFound == 0) _firstFound = at;
        else _lastFound = at;
        if (effect.Kind == EffectKind.Merge) return TryFold(key, at, out value);
        value = default;
        if (effect.Kind == EffectKind.Delete || HasExpired(effect.Expiry)) return false;
        value = new FoundValue { Bytes = effect.Value, Version = Time, Expiry = effect.Expiry };
        return true;
    }

    bool HasExpired(SystemTime expiry) => expiry != SystemTime.None && expiry <= Time;

    bool TryReadTree(ReadOnlySpan<byte> key, out FoundValue value)
    {
        value = default;
        if (_index.IsRangeDeleted(key)) return false;
        _pin.Dispose();
        if (!_tree.TryPin(key, ReadPoint.Applied, out _pin)) return false;
        if (HasExpired(_pin.Expiry)) return false;
        value = new FoundValue { Bytes = _pin.Span, Version = _pin.Version, Expiry = _pin.Expiry };
        return true;
    }

    // Operands that the batch added, over what it found there.
    bool TryFold(ReadOnlySpan<byte> key, int at, out FoundValue value)
    {
        var merge = _policy.MergeOperatorOf(KeyspaceOf(key))!;
        _operands.Clear();
        var found = default(FoundValue);
        bool exists;
        while (true)
        {
            _operands.Add(at);
            if (!_index.TryFind(key, ref at, out var below))
            {
                exists = TryReadTree(key, out found);
                break;
            }
            if (below.Kind == EffectKind.Merge) continue;
            exists = below.Kind == EffectKind.Put && !HasExpired(below.Expiry);
            // What has expired is gone with its expiry: the operands begin a value that lives for ever.
            if (exists) found = new FoundValue { Bytes = below.Value, Expiry = below.Expiry };
            break;
        }
        var (from, into) = (_operand, _folded);
        var current = exists ? found.Bytes : default;
        for (var i = _operands.Count - 1; i >= 0; i--)
        {
            into.ResetWrittenCount();
            merge.Merge(key, exists, current, _index.EffectOf(_operands[i]).Value, into);
            current = into.WrittenSpan;
            exists = true;
            (from, into) = (into, from);
        }
        value = new FoundValue { Bytes = current, Version = Time, Expiry = found.Expiry };
        return true;
    }

    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false)
    {
        // What the batch itself did in the range is merged in key by key; mostly it did nothing there.
        var keys = _index.KeysIn(start, end);
        using var own = (descending ? keys.Reverse() : keys).GetEnumerator();
        var hasOwn = own.MoveNext();
        using var iterator = _tree.Iterate(new IterateOptions { Point = ReadPoint.Applied, Start = start.ToArray(), End = end.IsEmpty ? null : end.ToArray() });
        if (descending) iterator.SeekToLast();
        else iterator.SeekToFirst();
        while (iterator.Valid || hasOwn)
        {
            var order = !iterator.Valid ? 1 : !hasOwn ? -1 : iterator.Key.SequenceCompareTo(own.Current);
            if (iterator.Valid && hasOwn && descending) order = -order;
            if (order >= 0)
            {
                var key = own.Current;
                if (order == 0) Step();
                hasOwn = own.MoveNext();
                if (TryRead(key, out var value) && !visitor.Visit(key, value)) return;
                continue;
            }
            if (!HasExpired(iterator.Expiry) && !_index.IsRangeDeleted(iterator.Key) &&
                !visitor.Visit(iterator.Key, new FoundValue { Bytes = iterator.Value, Version = iterator.Version, Expiry = iterator.Expiry }))
                return;
            Step();
        }

        void Step()
        {
            if (descending) iterator.Prev();
            else iterator.Next();
        }
    }

    // ------------------------------------------------------------------------------------------------ writing

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default)
    {
        if (_firstFound != 0 && (TryReplace(_firstFound, key, value, expiry) || (_lastFound != 0 && TryReplace(_lastFound, key, value, expiry)))) return;
        _effects.Put(key, value, expiry);
    }

    void ForgetFound()
    {
        _firstFound = 0;
        _lastFound = 0;
    }

    // A put over a put of the same batch, which nobody will ever see: the count in a head, say, that each of a hundred steps makes one more.
    bool TryReplace(int at, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        var found = _index.EffectOf(at);
        if (!found.Key.SequenceEqual(key)) return false;
        if (_saved is not null || found.Kind != EffectKind.Put || found.Value.Length != value.Length || value.Length > ReplacedBytesMax ||
            (found.Expiry == SystemTime.None) != (expiry == SystemTime.None))
        {
            ForgetFound();   // from here on there is a newer one
            return false;
        }
        var offset = _index.OffsetOf(at);
        if (offset < _markLength)
        {
            var length = _effects.LengthAt(offset);
            _replacedBytes.Write(_effects.Encoded.Slice(offset, length));
            _replaced.Add((offset, length));
        }
        _effects.Replace(offset, value, expiry);
        return true;
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        ForgetFound();
        _effects.Delete(key);
    }

    public void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        ForgetFound();
        RequireOperator(key);
        _effects.Merge(key, operand);
    }

    public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        ForgetFound();
        if (_saved is null)
        {
            _saved = _effects.Encoded[.._markLength].ToArray();
            WriteBatch.SetCount(_saved, _markCount);
        }
        _effects.DeleteRange(start, end);
        _index.Forget();
    }

    /// <exception cref="AevumException">InvalidArgument: the key's keyspace has no merge operator.</exception>
    public void RequireOperator(ReadOnlySpan<byte> key)
    {
        if (!_policy.TakesMerges(KeyspaceOf(key))) Throw.Invalid("a merge was written to a keyspace that has no merge operator");
    }

    static ulong KeyspaceOf(ReadOnlySpan<byte> key) => KeyspaceId.TryRead(key, out var id) ? id.Value : 0;

    public void Return(long number) => _batch!.MutableResult(_step).Number = number;

    public void Return(ReadOnlySpan<byte> bytes) => _batch!.KeepReturned(_step, bytes);
}
