// StorageRun, reading: points, scans in both directions, listings, held iterators, values and snapshots, each against the model.

using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

sealed partial class StorageRun
{
    const int HeldMax = 4;

    sealed class HeldValue
    {
        public PinnedValue Value;
        public byte[] Expected = [];
    }

    readonly List<TreeSnapshot> _snapshots = [];
    readonly List<HeldIterator> _iterators = [];
    readonly List<HeldValue> _values = [];

    byte[] RandomKeyOrNone() => _random.OneIn(8) ? [.. RandomKey(), 0, 1] : RandomKey();

    void ReadLatest()
    {
        if (_logFailed) return;
        var key = RandomKeyOrNone();
        Reading(() => CheckPoint(_model, key, _random.OneIn(3) ? ReadPoint.Latest : ReadPoint.LatestAt(new(_time + (ulong)_random.Next(50)))));
    }

    void ReadPast()
    {
        if (_logFailed) return;
        var key = RandomKeyOrNone();
        var point = RandomPast(Policy.Of(key));
        Reading(() => CheckPoint(_model, key, point));
    }

    // Around the floor, far below it, between floor and now, at a snapshot, a little ahead.
    ReadPoint RandomPast(SimulatedKeyspace keyspace)
    {
        var floor = FloorOf(keyspace);
        var at = _random.Next(6) switch
        {
            0 => floor,
            1 when floor > 1 => floor - 1,
            2 => (ulong)_random.Next(1, (int)_time),
            3 when _snapshots.Count > 0 => _snapshots[_random.Next(_snapshots.Count)].At.Value,
            4 => _time + (ulong)_random.Next(20),
            _ => floor + (ulong)_random.Next((int)Math.Max(1, (long)_time - (long)floor)),
        };
        at = Math.Max(at, 1);
        return _random.OneIn(6) ? new ReadPoint(new(at), SystemTime.None) : ReadPoint.AsOf(new(at));
    }

    void ReadMany()
    {
        if (_logFailed) return;
        Note("read many");
        var keys = Enumerable.Range(0, _random.Next(1, 8)).Select(_ => (ReadOnlyMemory<byte>)RandomKeyOrNone()).ToArray();
        var values = new byte[]?[keys.Length];
        Reading(() =>
        {
            Tree.GetMany(keys, ReadPoint.LatestAt(new(_time)), values);
            for (var i = 0; i < keys.Length; i++)
                Compare(keys[i].ToArray(), "many", _model.Get(keys[i].ToArray(), ulong.MaxValue, _time)?.Value, values[i]);
        });
    }

    void ListVersions()
    {
        if (_logFailed) return;
        var key = RandomKeyOrNone();
        Note($"versions of {Show(key)}");
        Reading(() => CheckVersions(key));
    }

    void Walk()
    {
        if (_logFailed) return;
        using var iterator = NewIterator();
        if (iterator is null) return;
        Note($"walk {iterator}");
        Reading(() =>
        {
            for (var i = _random.Next(1, 20); i > 0; i--) iterator.Move(_random, RandomKeyOrNone);
        });
    }

    void HoldIterator()
    {
        if (_logFailed || _iterators.Count == HeldMax) return;
        if (NewIterator() is not { } iterator) return;
        Note($"hold {iterator}");
        Count("iterators held");
        _iterators.Add(iterator);
    }

    void StepHeldIterators()
    {
        foreach (var iterator in _iterators.ToArray())
        {
            Note($"move {iterator}");
            if (Reading(() =>
            {
                for (var i = _random.Next(1, 6); i > 0; i--) iterator.Move(_random, RandomKeyOrNone);
            })) continue;
            iterator.Dispose();
            _iterators.Remove(iterator);
        }
    }

    // Of now over everything or over bounds, or of the past within one keyspace.
    HeldIterator? NewIterator()
    {
        byte[]? start = null, end = null;
        var point = _random.OneIn(4) ? ReadPoint.Latest : ReadPoint.LatestAt(new(_time));
        if (_random.OneIn(2))
        {
            var keyspace = Policy.Keyspaces[_random.Next(Policy.Keyspaces.Length)];
            point = RandomPast(keyspace);
            if (Policy.KeyspacePrefixBytes != 0) (start, end) = (PrefixOf(keyspace.Id), PrefixOf(keyspace.Id + 1));
        }
        else if (_random.OneIn(2))
        {
            start = RandomKeyOrNone();
            end = _random.OneIn(3) ? null : RandomKeyOrNone();
        }
        return NewIterator(point, start, end);
    }

    HeldIterator? NewIterator(ReadPoint point, byte[]? start, byte[]? end)
    {
        var floor = FloorOf(Policy.Of(start ?? _keys[0]));
        HeldIterator? held = null;
        Reading(() =>
        {
            try
            {
                held = new HeldIterator(Tree, _model, new IterateOptions { Point = point, Start = start, End = end, FillCache = _random.OneIn(2) },
                    key => FloorOf(Policy.Of(key)));
            }
            catch (HistoryUnavailableException e)
            {
                Require(point.At != SystemTime.Max && point.At.Value < floor, $"an iterator at {point} was refused, the floor is {floor}: {e.Message}");
                Count("refused below the floor");
                return;
            }
            Require(point.At == SystemTime.Max || point.At.Value >= floor, $"an iterator at {point} was given below the floor {floor}");
        });
        return held;
    }

    void HoldValue()
    {
        if (_logFailed || _values.Count == HeldMax) return;
        var key = RandomKey();
        var held = new HeldValue();
        Reading(() =>
        {
            if (!Tree.TryPin(key, ReadPoint.LatestAt(new(_time)), out held.Value)) return;
            held.Expected = held.Value.Span.ToArray();
            _values.Add(held);
            Compare(key, "pinned", _model.Get(key, ulong.MaxValue, _time)?.Value, held.Expected);
        });
    }

    void HoldSnapshot()
    {
        if (_logFailed || _snapshots.Count == HeldMax) return;
        var snapshot = Tree.OpenSnapshot();
        Note($"snapshot at {snapshot.At}");
        Count("snapshots");
        _snapshots.Add(snapshot);
        Require(snapshot.At == Tree.AppliedTime, $"a snapshot at {snapshot.At}, of the time {Tree.AppliedTime}");
    }

    void LetGoOfOne()
    {
        // Before it goes, or the floor that it held would seem to fall.
        foreach (var keyspace in Policy.Keyspaces) FloorOf(keyspace);
        switch (_random.Next(3))
        {
            case 0 when _snapshots.Count > 0:
                var index = _random.Next(_snapshots.Count);
                _snapshots[index].Dispose();
                _snapshots.RemoveAt(index);
                break;
            case 1 when _iterators.Count > 0:
                _iterators[0].Dispose();
                _iterators.RemoveAt(0);
                break;
            case 2 when _values.Count > 0:
                LetGo(_values[0]);
                _values.RemoveAt(0);
                break;
        }
    }

    void LetGoOfAll()
    {
        foreach (var iterator in _iterators) iterator.Dispose();
        foreach (var value in _values) LetGo(value);
        foreach (var snapshot in _snapshots) snapshot.Dispose();
        _iterators.Clear();
        _values.Clear();
        _snapshots.Clear();
    }

    static void LetGo(HeldValue held)
    {
        Require(held.Value.Span.SequenceEqual(held.Expected), "a pinned value changed under its holder");
        held.Value.Dispose();
    }

    // ---------------------------------------------------------------------------------------- whole checks

    /// <summary>Everything the tree can be asked of now, and a good part of its past.</summary>
    void CheckEverything()
    {
        if (_logFailed) return;
        Note("check everything");
        Count("full checks");
        CheckFloors();
        CheckNow(_model);
        Reading(() =>
        {
            foreach (var keyspace in Policy.Keyspaces)
            {
                for (var i = 0; i < 3; i++)
                {
                    var point = RandomPast(keyspace);
                    foreach (var key in _keys)
                        if (Policy.Of(key) == keyspace) CheckPoint(_model, key, point);
                    var bounded = Policy.KeyspacePrefixBytes != 0;
                    using var iterator = NewIterator(point, bounded ? PrefixOf(keyspace.Id) : null, bounded ? PrefixOf(keyspace.Id + 1) : null);
                    iterator?.WalkAll();
                }
            }
            for (var i = 0; i < 8; i++) CheckVersions(RandomKeyOrNone());
        });
    }

    void CheckNow(TreeModel model) => Reading(() =>
    {
        var point = ReadPoint.LatestAt(new(Math.Max(_time, Tree.AppliedTime.Value)));
        foreach (var key in _keys) CheckPoint(model, key, point);
        using var iterator = new HeldIterator(Tree, model, new IterateOptions { Point = point }, key => FloorOf(Policy.Of(key)));
        iterator.WalkAll();
    });

    void CheckPoint(TreeModel model, byte[] key, ReadPoint point)
    {
        var floor = FloorOf(Policy.Of(key));
        var refusedBelow = point.At != SystemTime.Max && point.At.Value < floor;
        PinnedValue value = default;
        bool found;
        try
        {
            found = Tree.TryPin(key, point, out value);
        }
        catch (HistoryUnavailableException e)
        {
            Require(refusedBelow, $"a read at {point} was refused, the floor is {floor}: {e.Message}");
            Count("refused below the floor");
            return;
        }
        try
        {
            Require(!refusedBelow, $"a read at {point} was answered below the floor {floor}");
            var expected = model.Get(key, point.At.Value, point.Now.Value);
            // Whoever does not judge expiries may or may not see what has expired at or below the floor: compaction takes it away.
            if (point.Now == SystemTime.None && expected is not null && expected.Expiry != 0 && expected.Expiry <= floor) return;
            var copy = found ? value.Span.ToArray() : null;
            Compare(key, point.ToString(), expected?.Value, copy);
            if (expected is null) return;
            Require(value.Version.Value == expected.Version && value.Expiry.Value == expected.Expiry,
                $"key {Show(key)} at {point}: version {value.Version}, expiry {value.Expiry}; expected {expected.Version}, {expected.Expiry}");
        }
        finally
        {
            value.Dispose();
        }
    }

    void CheckVersions(byte[] key)
    {
        var floor = FloorOf(Policy.Of(key));
        var expected = _model.VersionsOf(key, floor);
        var found = Tree.VersionsOf(key);
        var same = expected.Count == found.Count && expected.Zip(found).All(pair => pair.First.Version == pair.Second.Version.Value &&
            pair.First.Kind == pair.Second.Kind && pair.First.Expiry == pair.Second.Expiry.Value && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Value));
        Require(same, $"versions of {Show(key)} with the floor at {floor}: expected\n      " +
            string.Join("\n      ", expected.Select(v => $"{v.Version} {v.Kind} {Show(v.Value)} expiry {v.Expiry}")) + "\n    found\n      " +
            string.Join("\n      ", found.Select(v => $"{v.Version} {v.Kind} {Show(v.Value)} expiry {v.Expiry}")));
    }

    static void Compare(byte[] key, string where, byte[]? expected, byte[]? found)
    {
        var same = expected is null ? found is null : found is not null && expected.AsSpan().SequenceEqual(found);
        Require(same, $"key {Show(key)} at {where}: " +
            $"expected {(expected is null ? "nothing" : Show(expected))}, found {(found is null ? "nothing" : Show(found))}");
    }

    /// <summary>False if the present trouble made the read fail.</summary>
    bool Reading(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (AevumException e) when (e is not HistoryUnavailableException && IsExpectedOfReads(e))
        {
            Note($"read refused: {e.Code}");
            Count("reads refused");
            return false;
        }
    }
}
