// HeldIterator: an iterator beside the list of what it must show, which is made when the iterator is and never again: whatever is written,
// flushed or compacted meanwhile must not change what the iterator sees.

using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

sealed class HeldIterator : IDisposable
{
    readonly IterateOptions _options;
    readonly TreeIterator _iterator;
    readonly List<(byte[] Key, ModelValue Found)> _expected;
    readonly bool _isExact;
    int _index = -1;    // where the iterator must stand; -1 for nowhere

    /// <param name="floorOf">The floor of a key: what has expired at or below it may be gone for those who do not judge expiries.</param>
    public HeldIterator(Tree tree, TreeModel model, IterateOptions options, Func<byte[], ulong> floorOf)
    {
        _options = options;
        _iterator = tree.Iterate(options);
        var (at, now) = (Math.Min(options.Point.At.Value, Math.Max(model.GreatestTime, 1)), options.Point.Now.Value);
        _expected = model.Scan(at, now, options.Start, options.End);
        _isExact = options.Point.Now != SystemTime.None || _expected.TrueForAll(e => e.Found.Expiry == 0 || e.Found.Expiry > floorOf(e.Key));
    }

    public void Move(SeededRandom random, Func<byte[]> randomKey)
    {
        switch (random.Next(10))
        {
            case 0:
                _iterator.SeekToFirst();
                _index = _expected.Count > 0 ? 0 : -1;
                break;
            case 1:
                _iterator.SeekToLast();
                _index = _expected.Count - 1;
                break;
            case 2:
                var sought = randomKey();
                _iterator.Seek(sought);
                _index = _expected.FindIndex(e => ByteOrder.Instance.Compare(e.Key, sought) >= 0);
                break;
            case 3:
                var before = randomKey();
                _iterator.SeekForPrev(before);
                _index = _expected.FindLastIndex(e => ByteOrder.Instance.Compare(e.Key, before) <= 0);
                break;
            case < 7 when _iterator.Valid:
                _iterator.Next();
                _index = _index + 1 < _expected.Count ? _index + 1 : -1;
                break;
            case >= 7 when _iterator.Valid:
                _iterator.Prev();
                _index--;
                break;
            default:
                return;
        }
        Check("after a move");
    }

    /// <summary>From the first to the last and back.</summary>
    public void WalkAll()
    {
        _index = 0;
        for (_iterator.SeekToFirst(); _index < _expected.Count; _iterator.Next(), _index++)
            if (!Check("forward")) return;
        _index = -1;
        Check("behind the last");
        _index = _expected.Count - 1;
        for (_iterator.SeekToLast(); _index >= 0; _iterator.Prev(), _index--)
            if (!Check("backward")) return;
        Check("before the first");
    }

    bool Check(string when)
    {
        if (!_isExact) return false;
        var valid = _index >= 0;
        if (valid != _iterator.Valid)
            throw new SimulationFailure($"{this} {when}: " + (valid
                ? $"expected {Convert.ToHexString(_expected[_index].Key)}, stands on nothing"
                : $"expected nothing, stands on {Convert.ToHexString(_iterator.Key)}"));
        if (!valid) return true;
        var (key, found) = _expected[_index];
        if (!_iterator.Key.SequenceEqual(key))
            throw new SimulationFailure($"{this} {when}: expected key {Convert.ToHexString(key)}, stands on {Convert.ToHexString(_iterator.Key)}");
        if (!_iterator.Value.SequenceEqual(found.Value) || _iterator.Version.Value != found.Version || _iterator.Expiry.Value != found.Expiry)
            throw new SimulationFailure($"{this} {when}, key {Convert.ToHexString(key)}: " +
                $"expected {found.Version} expiry {found.Expiry} {Convert.ToHexString(found.Value)}, " +
                $"shows {_iterator.Version} expiry {_iterator.Expiry} {Convert.ToHexString(_iterator.Value)}");
        return true;
    }

    public void Dispose() => _iterator.Dispose();

    public override string ToString() =>
        $"iterator over [{(_options.Start is null ? "" : Convert.ToHexString(_options.Start))}, " +
        $"{(_options.End is null ? "" : Convert.ToHexString(_options.End))}) at {_options.Point.At}, now {_options.Point.Now}";
}
