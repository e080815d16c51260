// LocalShard: a range of keys in a tree of this process, and the sequencer that puts its batches in order.
//
//   commit    under the gate: stamped, decided, appended to the log, applied to the tree    then: acknowledged as the sync policy says
//   read      past the gate, from the tree, at a view
//
// The state after a batch is the tree's and nobody else's: ShardState.Apply writes plain effects down and decides nothing, so replaying the log
// gives the same state.
//
// What is applied is not yet seen: the tree's VisibleTime bounds reads of the present. It moves when a batch (or a group) is decided, or, with
// `always`, when it is durable: nobody reads what a power cut could take back, and the sequencer need not wait for the disk to decide what
// comes next.
//
//   this file              committing
//   LocalShard.Beginning   committing without waiting for the disk
//   LocalShard.Reading     reads, cursors, versions
//   LocalShard.Joint       its part in commits over several shards
//   Sequencing/Decider     what steps do
//
// Always true: (1) times rise from batch to batch; (2) a batch is in the log before it is in the tree; (3) what the log refused has left no
// trace; (4) once the log has stopped, or an apply has failed, nothing is decided any more.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Sequencing;
using Aevum.Model.Access;
using Aevum.Model.History;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShard : IShard
{
    readonly ShardEnvironment _environment;
    readonly Tree _tree;
    readonly CommitLog _log;
    readonly LogStream _stream;
    readonly HybridClock _clock;
    readonly bool _waitsForSync;
    readonly object _gate = new();
    readonly WriteBatch _effects;
    readonly Decider _decider;
    readonly Lock _visibleGate = new();
    ulong _position;          // of the last batch; under the gate
    ulong _lastTime;          // the greatest time of any batch; under the gate
    Exception? _failure;      // under the gate

    internal LocalShard(uint id, ShardEnvironment environment, Tree tree, LogStream stream, SystemTime openedTime)
    {
        Opened = (tree.AppliedPosition, openedTime);
        Id = id;
        _environment = environment;
        _tree = tree;
        _log = stream.Log;
        _stream = stream;
        _clock = environment.Clock;
        _waitsForSync = _log.Sync.Kind == SyncKind.Always;
        _effects = new WriteBatch(environment.Options.Limits);
        _decider = new Decider(tree, environment.Policy, _effects);
        _position = tree.AppliedPosition;
        _lastTime = tree.AppliedTime.Value;
        tree.VisibleTime = tree.AppliedTime;
    }

    public uint Id { get; }

    internal Tree Tree => _tree;

    /// <summary>What the open found: the last batch and its time; nothing if there was none.</summary>
    internal (ulong Position, SystemTime Time) Opened { get; }

    /// <summary>The last batch decided.</summary>
    public ulong Position
    {
        get
        {
            lock (_gate) return _position;
        }
    }

    public void Commit(StepBatch batch)
    {
        var (address, time) = Decide(batch);
        Acknowledge(address, time);
    }

    public ValueTask CommitAsync(StepBatch batch, CancellationToken cancellation = default)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromException(Cancelled());
        LogAddress address;
        ulong time;
        try
        {
            (address, time) = Decide(batch);
            if (IsAcknowledged(address))
            {
                Acknowledge(address, time);
                return default;
            }
        }
        catch (AevumException failure)
        {
            return ValueTask.FromException(failure);
        }
        return AcknowledgeAsync(address, time, cancellation);
    }

    public void CommitGroup(ReadOnlySpan<StepBatch> batches)
    {
        if (batches.IsEmpty) return;
        foreach (var batch in batches)
            PrefetchSteps(batch);
        LogAddress address;
        ulong time;
        var decided = 0;
        while (true)
        {
            AevumException? refusal = null;
            var missing = Missing.Nothing;
            lock (_gate)
            {
                try
                {
                    while (decided < batches.Length && (missing = TryDecideLocked(batches[decided])) == Missing.Nothing) decided++;
                }
                catch (AevumException failure)
                {
                    refusal = failure;
                }
                (address, time) = (_log.Appended, _lastTime);
                if (!_waitsForSync) ShowLocked();
            }
            if (refusal is not null)
            {
                Acknowledge(address, time);
                throw Partly(refusal, decided, batches.Length);
            }
            if (decided == batches.Length) break;
            try
            {
                Provide(missing);
            }
            catch (AevumException failure)
            {
                Acknowledge(address, time);
                throw Partly(failure, decided, batches.Length);
            }
        }
        Acknowledge(address, time);
    }

    static AevumException Partly(AevumException refusal, int decided, int count) =>
        new(refusal.Code, $"{refusal.Message} (batch {decided} of {count}; those before it are committed)", refusal);

    (LogAddress Address, ulong Time) Decide(StepBatch batch)
    {
        PrefetchSteps(batch);
        while (true)
        {
            Missing missing;
            lock (_gate)
            {
                missing = TryDecideLocked(batch);
                if (missing == Missing.Nothing)
                {
                    if (!_waitsForSync) ShowLocked();
                    return (_log.Appended, _lastTime);
                }
            }
            Provide(missing);
        }
    }

    // What a batch needs before it can be decided.
    enum Missing
    {
        Nothing,

        /// <summary>The clock has no time left below the ceiling.</summary>
        Ceiling,

        /// <summary>Memory is full, and flushes or compactions are behind.</summary>
        Room,
    }

    // Without the gate: the ceiling's row may be another shard's to commit, and whoever makes room may want to commit, too.
    void Provide(Missing missing)
    {
        if (missing == Missing.Ceiling) _environment.RaiseCeiling(_clock.Ceiling);
        else _tree.WaitForRoom();
    }

    // What was decided is dropped if there is no room for it: it will be decided anew.
    Missing TryDecideLocked(StepBatch batch)
    {
        RequireUsableLocked();
        batch.BeginResults();
        var note = batch.Note;
        if (note?.IdempotencyKey is { } repeated && TryAnswerLocked(batch, repeated)) return Missing.Nothing;
        var time = batch.At;
        if (time != SystemTime.None) TakeLocked(time);
        else if (!_clock.TryNext(out time, out var refusal))
        {
            if (refusal == ClockRefusal.CeilingReached) return Missing.Ceiling;
            _clock.Next();   // says why
        }

        var effects = batch.Effects;
        if (!batch.IsPlain || note is not null)
        {
            effects = _effects;
            effects.Clear();
            if (batch.IsPlain)
            {
                effects.Load(batch.Effects.Encoded);
            }
            else if (_decider.Decide(batch, time) is >= 0 and var failed)
            {
                batch.EndResults(CommitStatus.Refused, SystemTime.None, failed);
                return Missing.Nothing;
            }
        }
        if (effects.HasMerges) RequireOperators(effects);
        if (effects.Count == 0)
        {
            batch.EndResults(CommitStatus.Committed, SystemTime.None);
            return Missing.Nothing;
        }
        RequireKeyspaces(effects);
        if (note is not null) AddRows(effects, batch, note, time);
        effects.SystemTime = time;
        if (!TryWriteLocked(effects.Encoded, time.Value)) return Missing.Room;
        batch.EndResults(CommitStatus.Committed, time);
        return Missing.Nothing;
    }

    void TakeLocked(SystemTime at)
    {
        if (at.Value <= _lastTime || !_clock.TryTake(at, out _))
            Throw.Invalid($"no commit can be made at {at}: it lies outside of what is left between {_clock.Latest} and {_clock.Ceiling}");
    }

    void RequireUsableLocked()
    {
        if (_failure is not null) Throw.Closed($"shard {Id}", _failure);
    }

    bool TryAnswerLocked(StepBatch batch, string idempotencyKey)
    {
        if (!_tree.TryPin(CommitAnswers.KeyOf(batch.Namespace, idempotencyKey), ReadPoint.Applied, out var answer)) return false;
        try
        {
            if (answer.Expiry != SystemTime.None && answer.Expiry <= _clock.Now) return false;
            CommitAnswers.Restore(answer.Span, batch);
            return true;
        }
        finally
        {
            answer.Dispose();
        }
    }

    void AddRows(WriteBatch effects, StepBatch batch, CommitNote note, SystemTime time)
    {
        effects.Put(CommitNotes.KeyOf(time), CommitNotes.Encode(batch.Namespace, note));
        if (note.IdempotencyKey is not { } key) return;
        var until = SystemTime.FromMicroseconds(
            Math.Min(time.Microseconds + (ulong)_environment.Options.AnswersKeptFor.TotalMicroseconds, SystemTime.MicrosecondsMax));
        effects.Put(CommitAnswers.KeyOf(batch.Namespace, key), CommitAnswers.Encode(batch, time), until);
    }

    // Whoever looked at the catalog before a keyspace was dropped may come with his batch after it.
    void RequireKeyspaces(WriteBatch effects)
    {
        if (!_environment.Policy.HasDropped) return;
        var reader = new BatchReader(effects.Encoded);
        while (reader.TryRead(out var effect))
            if (KeyspaceId.TryRead(effect.Key, out var keyspace) && _environment.Policy.IsDropped(keyspace.Value))
                throw new AevumException(ErrorCode.NotFound, $"keyspace {keyspace} was dropped");
    }

    void RequireOperators(WriteBatch effects)
    {
        var reader = new BatchReader(effects.Encoded);
        while (reader.TryRead(out var effect))
            if (effect.Kind == EffectKind.Merge) _decider.RequireOperator(effect.Key);
    }

    /// <summary>The log, then the tree. Refuses without a trace (false: there is no room at present), or is done.</summary>
    bool TryWriteLocked(ReadOnlySpan<byte> encoded, ulong time)
    {
        if (!_tree.TryReserve(encoded.Length)) return false;
        var position = _position + 1;
        var hadStopped = _log.Failure is not null;
        try
        {
            _log.Append(_stream, position, encoded);
        }
        catch (AevumException stopped) when (!hadStopped && _log.Failure is not null)
        {
            // It stopped at this record, of which any part may be in the file: the next open finds it whole, or not at all.
            throw Unknown(stopped);
        }
        _position = position;
        ApplyLocked(encoded, position, time);
        return true;
    }

    // The log has it.
    void ApplyLocked(ReadOnlySpan<byte> encoded, ulong position, ulong time)
    {
        _lastTime = Math.Max(_lastTime, time);
        try
        {
            _tree.ApplyReserved(encoded, position);
        }
        catch (Exception failure)
        {
            // The log has it and the tree does not: only the next open can bring them together.
            _failure = failure;
            throw new AevumException(ErrorCode.OutcomeUnknown, $"shard {Id} could not apply what its log holds: {failure.Message}", failure);
        }
    }

    /// <summary>Writes the clock's ceiling down. Stamped with the first time above all others, which the new ceiling allows.</summary>
    /// <returns>False if there is no room: see <see cref="WaitForRoom"/>.</returns>
    internal bool TryWriteCeiling(byte[] key) => TryWriteCeiling(key, _clock.SuggestCeiling());

    /// <summary>Writes down that nothing was stamped or read above this moment, so that the next life need not begin at the ceiling.</summary>
    /// <remarks>The last thing that is written.</remarks>
    internal bool TryLowerCeiling(byte[] key) => TryWriteCeiling(key, new SystemTime(_clock.Now.Value + 1));

    bool TryWriteCeiling(byte[] key, SystemTime ceiling)
    {
        lock (_gate)
        {
            RequireUsableLocked();
            var time = Math.Max(_clock.Latest.Value, _lastTime) + 1;
            _effects.Clear();
            _effects.Put(key, BitConverter.GetBytes(ceiling.Value));
            _effects.SystemTime = new SystemTime(time);
            if (!TryWriteLocked(_effects.Encoded, time)) return false;
            _environment.NoteCeiling(_log.Appended);
            if (!_waitsForSync) ShowLocked();
            _clock.Observe(new SystemTime(time));
            // No need to wait for a sync: what is stamped under the new ceiling stands behind it in the log.
            _clock.RaiseCeiling(ceiling);
            return true;
        }
    }

    internal void WaitForRoom() => _tree.WaitForRoom();

    // ------------------------------------------------------------------------------------------------ telling

    // The gate is held, so no later batch is between the last one and here.
    void ShowLocked() => Show(_lastTime);

    void Show(ulong time)
    {
        lock (_visibleGate)
            if (time > _tree.VisibleTime.Value) _tree.VisibleTime = new SystemTime(time);
        _environment.OnShown();
    }

    void Acknowledge(LogAddress address, ulong time)
    {
        try
        {
            _log.WaitAcknowledged(address);
        }
        catch (AevumException stopped)
        {
            throw Unknown(stopped);
        }
        if (_waitsForSync) Show(time);
    }

    // Shown in any case: what the sequencer decides by must not stay hidden from reads because nobody waits for it any more.
    ValueTask AcknowledgeAsync(LogAddress address, ulong time, CancellationToken cancellation) => _environment.WhenAcknowledged(_log, address, () =>
    {
        if (_waitsForSync) Show(time);
    }, cancellation);

    internal static AevumException Unknown(Exception stopped) =>
        new(ErrorCode.OutcomeUnknown, $"whether the batch is committed is not known: {stopped.Message}", stopped);

    bool IsAcknowledged(LogAddress address) => _log.Sync.Kind == SyncKind.Os || address.Value <= _log.Durable.Value;

    internal static AevumException Cancelled() => new(ErrorCode.Cancelled, "the commit was cancelled before it began");
}
