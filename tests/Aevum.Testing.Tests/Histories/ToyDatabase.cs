// ToyDatabase: transactions over a list of versions, a moment each, checks at the commit. Some of them can be left out.

using Aevum.Core.Scheduling;
using Aevum.Testing.Histories;

namespace Aevum.Testing.Tests.Histories;

enum ToyFault
{
    None,
    NoReadChecks,
    NoWriteChecks,
    SeesThePresent,
}

sealed class ToyDatabase(ulong seed, ToyFault fault)
{
    sealed record Version(string Key, string Tag, ulong Time, bool IsDelete);

    sealed class Open
    {
        public required string Name { get; init; }

        public required ulong Moment { get; init; }

        public required HistoryLevel Level { get; init; }

        public long Began { get; init; }

        public List<HistoryStep> Steps { get; } = [];

        public List<(string Start, string End)> Reads { get; } = [];
    }

    readonly SeededRandom _random = new(seed);
    readonly List<Version> _versions = [];
    readonly List<HistoryTransaction> _history = [];
    ulong _time;
    int _tags;

    public List<HistoryTransaction> Run()
    {
        var open = new List<Open>();
        for (var step = 1; step < 1500; step++)
        {
            if (open.Count < 5 && _random.OneIn(3))
            {
                // Without read checks all are serializable, or none would be wronged.
                var level = fault == ToyFault.None ? (HistoryLevel)_random.Next(1, 3) : HistoryLevel.Serializable;
                open.Add(new() { Name = $"T{step}", Moment = _time, Level = level, Began = step });
                continue;
            }
            if (open.Count == 0) continue;
            var one = open[_random.Next(open.Count)];
            switch (_random.Next(8))
            {
                case < 3: Read(one); break;
                case 3: ReadRange(one); break;
                case < 6:
                    var key = Key();
                    one.Steps.Add(new KeyWrite(key, $"{key}{++_tags}", 0, _random.OneIn(4)));
                    break;
                default:
                    open.Remove(one);
                    End(one, step);
                    break;
            }
        }
        return _history;
    }

    string Key() => ((char)_random.Next('a', 'i')).ToString();

    Version? Find(Open one, string key)
    {
        if (one.Steps.OfType<KeyWrite>().LastOrDefault(w => w.Key == key) is { } own) return own.IsDelete ? null : new(key, own.Tag, 0, false);
        var moment = fault == ToyFault.SeesThePresent ? _time : one.Moment;
        return _versions.LastOrDefault(v => v.Key == key && v.Time <= moment) is { IsDelete: false } version ? version : null;
    }

    void Read(Open one)
    {
        var key = Key();
        one.Steps.Add(new KeyRead(key, Find(one, key)?.Tag));
        one.Reads.Add((key, key + "\0"));
    }

    void ReadRange(Open one)
    {
        var (start, end) = (Key(), Key());
        if (string.CompareOrdinal(start, end) > 0) (start, end) = (end, start);
        var found = Enumerable.Range(start[0], end[0] - start[0]).Select(c => Find(one, ((char)c).ToString())).OfType<Version>();
        one.Steps.Add(new RangeRead(start, end, found.ToDictionary(v => v.Key, v => v.Tag)));
        one.Reads.Add((start, end));
    }

    void End(Open one, long now)
    {
        var writes = one.Steps.OfType<KeyWrite>().ToArray();
        var newer = _versions.Where(v => v.Time > one.Moment).ToArray();
        var isRefused = writes.Length > 0 && (
            (fault != ToyFault.NoWriteChecks && newer.Any(v => writes.Any(w => w.Key == v.Key))) ||
            (fault is ToyFault.None or ToyFault.SeesThePresent && one.Level == HistoryLevel.Serializable &&
                newer.Any(v => one.Reads.Any(r => string.CompareOrdinal(r.Start, v.Key) <= 0 && string.CompareOrdinal(v.Key, r.End) < 0))));
        if (fault == ToyFault.SeesThePresent) isRefused = false;
        if (!isRefused && writes.Length > 0)
        {
            _time++;
            foreach (var last in writes.GroupBy(w => w.Key).Select(g => g.Last())) _versions.Add(new(last.Key, last.Tag, _time, last.IsDelete));
        }
        _history.Add(new()
        {
            Name = one.Name,
            Level = one.Level,
            IsCommitted = !isRefused,
            Moment = fault == ToyFault.SeesThePresent ? 0 : one.Moment,
            Began = one.Began,
            Ended = now,
            Steps = [.. one.Steps.Select(s => s is KeyWrite w ? w with { Time = _time } : s)],
        });
    }
}
