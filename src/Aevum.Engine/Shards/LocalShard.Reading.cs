// LocalShard, reading: past the sequencer, at a view.
//
// A read of the present sees what is shown (VisibleTime); expiry is held against the clock, which is asked only when something found can expire.
// A read of a past moment first makes sure that the moment is over: nothing may come to light at or below it afterwards.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShard
{
    public ValueInfo Read(ReadOnlySpan<byte> key, ReadView view, Span<byte> target)
    {
        if (!TryPin(key, view, out var pin)) return default;
        var value = pin.Span;
        if (value.Length <= target.Length) value.CopyTo(target);
        var info = new ValueInfo(true, value.Length, pin.Version, pin.Expiry);
        pin.Dispose();
        return info;
    }

    public byte[]? Read(ReadOnlySpan<byte> key, ReadView view, out ValueInfo info)
    {
        info = default;
        if (!TryPin(key, view, out var pin)) return null;
        info = new ValueInfo(true, pin.Span.Length, pin.Version, pin.Expiry);
        var value = pin.Span.ToArray();
        pin.Dispose();
        return value;
    }

    bool TryPin(ReadOnlySpan<byte> key, ReadView view, out PinnedValue pin)
    {
        if (view.IsPresent)
        {
            _environment.WaitForShowing();
            if (!_tree.TryPin(key, ReadPoint.Latest, out pin)) return false;
            if (pin.Expiry == SystemTime.None || pin.Expiry > _clock.Now) return true;
            pin.Dispose();
            return false;
        }
        RequireOver(view.At);
        return _tree.TryPin(key, PointOf(view), out pin);
    }

    // Of a view of another moment than the present.
    static ReadPoint PointOf(ReadView view) => view.Now == SystemTime.None ? ReadPoint.AsOf(view.At) : new ReadPoint(view.At, view.Now);

    public SystemTime Shown => _tree.VisibleTime;

    public IHeldMoment HoldShown()
    {
        _environment.WaitForShowing();
        return new ShownMoment(_tree.OpenSnapshot());
    }

    sealed class ShownMoment(TreeSnapshot held) : IHeldMoment
    {
        public SystemTime At => held.At;

        public void Dispose() => held.Dispose();
    }

    public void Prefetch(PackedKeys keys) => _tree.Prefetch(keys);

    // What the sequencer reads under its gate should be in memory by then, and best of all in the caches.
    internal void PrefetchSteps(StepBatch batch)
    {
        if (batch.IsPlain) return;
        if (batch.Count == 1 && _tree.IsInMemory && batch.StepAt(0).Procedure is not IForeseeingProcedure { ForeseesMany: true }) return;
        var keys = t_stepKeys ??= new KeyList();
        keys.Clear();
        ReadOnlySpan<byte> last = default;
        for (var i = 0; i < batch.Count; i++)
        {
            // Many steps for one key are often side by side.
            var key = batch.KeyOf(i);
            if (key.SequenceEqual(last) || (batch.ProcedureOf(i) is null && batch.StepAt(i).Condition == PreconditionKind.None)) continue;
            keys.Add(last = key);
        }
        _tree.Prefetch(keys.Packed, withTables: true);

        // Rows that cannot be named before something of these was read.
        keys.Clear();
        var rows = default(AppliedRows);
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch.ProcedureOf(i) is IForeseeingProcedure foreseeing)
                foreseeing.Foresee(rows ??= AppliedRowsHere(), batch.KeyOf(i), batch.ValueOf(i), keys);
        }
        rows?.Release();
        if (keys.Count > 0) _tree.Prefetch(keys.Packed, withTables: true);
    }

    AppliedRows AppliedRowsHere()
    {
        var rows = t_appliedRows ??= new AppliedRows();
        rows.Tree = _tree;
        return rows;
    }

    [ThreadStatic]
    static KeyList? t_stepKeys;

    [ThreadStatic]
    static AppliedRows? t_appliedRows;

    /// <summary>Reads several keys at one moment: all of them as they were, or are.</summary>
    /// <param name="values">As many as keys: the value, or null.</param>
    public void ReadMany(ReadOnlySpan<ReadOnlyMemory<byte>> keys, ReadView view, Span<byte[]?> values)
    {
        if (!view.IsPresent) RequireOver(view.At);
        else _environment.WaitForShowing();
        _tree.GetMany(keys, view.IsPresent ? ReadPoint.LatestAt(_clock.Now) : PointOf(view), values);
    }

    public IShardCursor OpenCursor(byte[] start, byte[]? end, ReadView view)
    {
        if (!view.IsPresent) RequireOver(view.At);
        else _environment.WaitForShowing();
        var point = view.IsPresent ? ReadPoint.LatestAt(_clock.Now) : PointOf(view);
        return new LocalCursor(_tree.Iterate(new IterateOptions { Start = start, End = end, Point = point }));
    }

    public IReadOnlyList<ValueVersion> VersionsOf(ReadOnlySpan<byte> key)
    {
        // First the bound: what comes to light afterwards is left out as a whole.
        var shown = _tree.VisibleTime;
        var versions = new List<ValueVersion>();
        foreach (var version in _tree.VersionsOf(key))
        {
            if (version.Version > shown) continue;
            var change = version.Kind switch
            {
                EffectKind.Delete => ValueChange.Deleted,
                EffectKind.DeleteRange => ValueChange.RangeDeleted,
                _ => ValueChange.Put,
            };
            versions.Add(new ValueVersion(version.Version, change, version.Value, version.Expiry));
        }
        return versions;
    }

    public bool TryFindLeft(ReadOnlySpan<byte> key, SystemTime before, out SystemTime expiry) => _tree.TryFindLeft(key, before, out expiry);

    public SystemTime HistoryFloorOf(ReadOnlySpan<byte> key) => _tree.HistoryFloorOf(key);

    /// <summary>Returns when nothing will come to light at or below a moment any more.</summary>
    /// <exception cref="AevumException">InvalidArgument: the moment lies in the future.</exception>
    internal void RequireOver(SystemTime moment)
    {
        if (moment <= _tree.VisibleTime) return;
        if (moment > _clock.Now) Throw.Invalid($"{moment} lies in the future: the clock stands at {_clock.Now}");
        _environment.RaiseCeilingForRead(moment, _log);
        _clock.Observe(moment);   // whatever is stamped from here on lies above
        LogAddress address;
        ulong last;
        lock (_gate) (address, last) = (_log.Appended, _lastTime);
        if (last <= _tree.VisibleTime.Value) return;
        Acknowledge(address, last);
    }

    /// <summary>A moment that is over on this shard and can be read for as long as the snapshot is held.</summary>
    internal TreeSnapshot Hold(SystemTime moment)
    {
        var held = _tree.OpenSnapshot(moment);
        try
        {
            RequireOver(moment);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    sealed class LocalCursor(TreeIterator iterator) : IShardCursor
    {
        public bool Valid => iterator.Valid;

        public ReadOnlySpan<byte> Key => iterator.Key;

        public ReadOnlySpan<byte> Value => iterator.Value;

        public SystemTime Version => iterator.Version;

        public SystemTime Expiry => iterator.Expiry;

        public void SeekToFirst() => iterator.SeekToFirst();

        public void SeekToLast() => iterator.SeekToLast();

        public void Seek(ReadOnlySpan<byte> key) => iterator.Seek(key);

        public void SeekForPrev(ReadOnlySpan<byte> key) => iterator.SeekForPrev(key);

        public void Next() => iterator.Next();

        public void Prev() => iterator.Prev();

        public void Dispose() => iterator.Dispose();
    }
}
