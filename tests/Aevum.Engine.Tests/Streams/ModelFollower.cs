// ModelFollower: a subscriber of the model test. It holds everything it is given against the oracle at once, and keeps a state of its own, built
// from nothing but what it was given.

using System.Buffers;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Engine.Tests.Streams;

sealed class ModelFollower
{
    readonly StreamModel _model;
    readonly SeededRandom _random;
    readonly int? _shard;               // null: all shards
    readonly byte[] _start, _end;
    ISubscription? _subscription;
    ulong[] _standsAt = [];             // per shard: everything up to here was given, or does not touch the range
    SortedDictionary<string, (string Value, SystemTime Expiry)>? _state;   // null: it did not begin with a snapshot
    (string Token, SortedDictionary<string, (string Value, SystemTime Expiry)>? State)? _saved;

    public ModelFollower(StreamModel model, SeededRandom random, int? shard, byte[] start, byte[] end)
    {
        (_model, _random, _shard, _start, _end) = (model, random, shard, start, end);
    }

    IAppliedStream Source => _shard is { } shard ? _model.World.Shards.Shards[shard] : _model.World.Shards;

    StreamRange Range => StreamRange.Between(_start, _end);

    IEnumerable<int> ShardsOfRange => Enumerable.Range(0, _model.Oracles.Length).Where(i => _shard is { } only ? i == only : PartOf(i) is not null);

    // What of the range lies in a shard; a subscription to one shard alone asks it for all of the range.
    (byte[] Start, byte[] End)? PartOf(int shard)
    {
        if (_shard is not null) return (_start, _end);
        var (from, to) = _model.BoundsOf(shard);
        var start = _start.AsSpan().SequenceCompareTo(from) > 0 ? _start : from;
        var end = to is null || _end.AsSpan().SequenceCompareTo(to) < 0 ? _end : to;
        return start.AsSpan().SequenceCompareTo(end) < 0 ? (start, end) : null;
    }

    // ------------------------------------------------------------------------------------------------ beginning

    /// <summary>Subscribes, if it has none: with what was saved, or anew.</summary>
    public void Begin()
    {
        if (_subscription is not null) return;
        if (_saved is { } saved)
        {
            Resume(saved.Token, saved.State);
            return;
        }
        var withRows = _random.Next(4) > 0;
        _state = withRows ? new(StringComparer.Ordinal) : null;
        _subscription = Source.Subscribe(Range, withRows ? StreamStart.Snapshot : StreamStart.Now);
        if (!withRows) StandAt(_subscription.Token);
    }

    void Resume(string text, SortedDictionary<string, (string Value, SystemTime Expiry)>? state)
    {
        var token = StreamToken.Parse(text);
        Assert.Equal(ShardsOfRange.Select(i => (uint)i + 1), token.Positions.Select(p => p.Shard));
        var expected = token.Positions.Select(Expected).Where(code => code is not null).ToList();
        try
        {
            _subscription = Source.Subscribe(Range, StreamStart.After(token));
        }
        catch (AevumException refused) when (refused.Code is ErrorCode.Compacted or ErrorCode.InvalidArgument)
        {
            Assert.Contains(refused.Code, expected.Select(e => e!.Value));
            _model.Count(refused.Code.ToString());
            _saved = null;
            return;
        }
        Assert.True(expected.Count == 0, $"{text} was taken, though {string.Join(", ", expected)}");
        _state = state is null ? null : new(state, StringComparer.Ordinal);
        StandAt(token);
        _model.Count("resumed");
    }

    ErrorCode? Expected(StreamPosition position)
    {
        var oracle = _model.Oracles[position.Shard - 1];
        if (position.Position > oracle.Last) return ErrorCode.InvalidArgument;
        var first = _model.World.Shards.Shards[(int)position.Shard - 1].LogStream.FirstPosition;
        if (position.Position + 1 < first) return ErrorCode.Compacted;
        // An epoch may be missing: then the batch had been let go of when the subscription began.
        if (position.Position == 0 || position.Epoch == 0) return null;
        if (position.Position >= first) return oracle.EpochOf(position.Position) == position.Epoch ? null : ErrorCode.InvalidArgument;
        return position.Position < oracle.Last && oracle.EpochOf(first) == position.Epoch ? null : ErrorCode.Compacted;
    }

    void StandAt(StreamToken token)
    {
        _standsAt = new ulong[_model.Oracles.Length];
        foreach (var position in token.Positions) _standsAt[position.Shard - 1] = position.Position;
    }

    /// <summary>The process goes, with what it has in hand; what was saved is left.</summary>
    public void Die()
    {
        _subscription?.Dispose();
        _subscription = null;
    }

    /// <summary>Keeps a token, and the state that belongs to it, as a subscriber does who writes both down together.</summary>
    public void Save()
    {
        if (_subscription is null || _subscription.IsInSnapshot) return;
        var token = _subscription.Token;
        CheckPassedOver(token);
        foreach (var (shard, position, epoch) in token.Positions)
            if (epoch != 0) Assert.Equal(_model.Oracles[shard - 1].EpochOf(position), epoch);
        _saved = (token.ToString(), _state is null ? null : new(_state, StringComparer.Ordinal));
    }

    // ------------------------------------------------------------------------------------------------ following

    /// <summary>Takes at most so many batches.</summary>
    public void Pull(int most)
    {
        if (_subscription is null) return;
        SystemTime before = SystemTime.None;
        try
        {
            while (most-- > 0 && _subscription.TryNext(out var batch))
            {
                if (batch.Kind != AppliedKind.Committed)
                {
                    TakeSnapshot(batch);
                    continue;
                }
                // Nothing is committed between two of these calls, so all that will come is at hand.
                Assert.True(batch.Time >= before, "batches that were at hand came out of order");
                before = batch.Time;
                Take(batch);
            }
        }
        catch (AevumException lagging) when (lagging.Code == ErrorCode.Lagging)
        {
            var token = _subscription.Token;
            CheckPassedOver(token);
            Assert.Contains(token.Positions, p => p.Position + 1 < _model.World.Shards.Shards[(int)p.Shard - 1].LogStream.FirstPosition);
            _model.Count("lagging");
            _saved = (token.ToString(), null);   // which is compacted
            Die();
        }
    }

    void TakeSnapshot(in AppliedBatch batch)
    {
        if (batch.Kind == AppliedKind.SnapshotRow)
        {
            var row = AppliedCopies.Copy(batch).Effects.Single();
            StreamOracle.Apply(_state!, new(EffectKind.Put, row.Key, row.Value, row.Expiry));
            return;
        }
        var moment = batch.Time;
        var expected = string.Join(' ', ShardsOfRange.Select(i => StateAt(i, moment)).Where(s => s.Length > 0));
        Assert.Equal(expected, StreamOracle.Show(_state!, moment));
        StandAt(_subscription!.Token);
        foreach (var i in ShardsOfRange)
        {
            var stand = _standsAt[i];
            var oracle = _model.Oracles[i];
            Assert.True(stand == 0 || oracle[stand].Time <= moment, "the snapshot's position lies behind its moment");
            Assert.True(stand == oracle.Last || oracle[stand + 1].Time > moment, "the snapshot's position lies before its moment");
        }
        _model.Count("snapshots");
    }

    void Take(in AppliedBatch batch)
    {
        var shard = (int)batch.Shard - 1;
        var oracle = _model.Oracles[shard];
        var (start, end) = PartOf(shard)!.Value;
        for (var between = _standsAt[shard] + 1; between < batch.Position; between++)
            Assert.True(oracle.In(between, start, end).Count == 0, $"the batch at {between} was missed");
        Assert.True(batch.Position > _standsAt[shard], $"the batch at {batch.Position} came again");
        _standsAt[shard] = batch.Position;

        Assert.True(batch.Time <= _model.World.Shards.Shards[shard].Tree.VisibleTime, "it was given before reads see it");
        var expected = oracle[batch.Position];
        Assert.Equal(expected.Time, batch.Time);
        Assert.Equal(expected.Note, batch.ReadNote());
        var effects = AppliedCopies.Copy(batch).Effects.Select(e => new OracleEffect(e.Kind, e.Key, e.Value, e.Expiry)).ToList();
        Assert.Equal(oracle.In(batch.Position, start, end).Select(e => e.ToString()), effects.Select(e => e.ToString()));
        Assert.Equal(effects.Count, batch.Count);
        _model.NoteGiven(shard, batch.Position);
        _model.Count("batches");
        if (_state is null) return;
        foreach (var effect in effects) StreamOracle.Apply(_state, effect);
        if (_shard is not null && _random.OneIn(4)) CheckStateOfOneShard(batch.Time);
        foreach (var effect in effects)
            if (effect.Kind == EffectKind.Merge) CheckBehind(effect.Key);
    }

    void CheckStateOfOneShard(SystemTime moment)
    {
        var state = StreamOracle.Show(_state!, moment);
        Assert.Equal(StateAt(_shard!.Value, moment), state);
        if (_model.KeepsHistory) Assert.Equal(_model.ReadAsOf(_shard.Value, moment, _start, _end), state);
    }

    void CheckBehind(byte[] key)
    {
        var value = new ArrayBufferWriter<byte>();
        if (!_subscription!.TryReadBehind(key, value, out var exists))
        {
            Assert.False(_model.KeepsHistory);
            return;
        }
        var expected = _state!.TryGetValue(Telling.TextOf(key), out var entry) ? entry.Value : null;
        Assert.Equal(expected, exists ? Encoding.UTF8.GetString(value.WrittenSpan) : null);
        _model.Count("read behind");
    }

    string StateAt(int shard, SystemTime moment) => PartOf(shard) is var (start, end) ? _model.Oracles[shard].StateAt(moment, start, end) : "";

    void CheckPassedOver(StreamToken token)
    {
        foreach (var position in token.Positions)
        {
            var shard = (int)position.Shard - 1;
            var (start, end) = PartOf(shard)!.Value;
            Assert.True(position.Position >= _standsAt[shard], "the token lies before what was given");
            for (var between = _standsAt[shard] + 1; between <= position.Position; between++)
                Assert.True(_model.Oracles[shard].In(between, start, end).Count == 0, $"the token passed over {between}");
            _standsAt[shard] = position.Position;
        }
    }

    /// <summary>With nothing under way: takes all there is, and nothing must be left.</summary>
    public void CatchUp()
    {
        Begin();
        if (_subscription is null) Begin();   // what was saved was refused
        while (_subscription is not null && _subscription.Wait(TimeSpan.Zero)) Pull(int.MaxValue);
        if (_subscription is null) return;
        var token = _subscription.Token;
        foreach (var i in ShardsOfRange) Assert.Equal(_model.ShownPosition(i), token.Positions.Single(p => p.Shard == i + 1).Position);
        CheckPassedOver(token);
        Assert.Equal(ShardsOfRange.Sum(i => (long)(_model.Oracles[i].Last - _model.ShownPosition(i))), _subscription.Behind);
        if (_state is null) return;
        var now = _model.World.Shards.Clock.Now;
        Assert.Equal(string.Join(' ', ShardsOfRange.Select(i => StateAt(i, now)).Where(s => s.Length > 0)), StreamOracle.Show(_state, now));
    }
}
