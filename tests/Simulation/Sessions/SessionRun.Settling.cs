// SessionRun, settling: when nothing is under way, what was committed goes to the model in the order of its times; reads at a moment, refusals and
// answers as of a time are held against it. Then everything that can be asked, and the history as a whole.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Storage;
using Aevum.Storage.Trees;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

sealed partial class SessionRun
{
    /// <summary>What was answered as of a time.</summary>
    sealed record Answer(ulong At, Place Start, string? End, string Text);

    readonly List<(Attempt Attempt, HistoryTransaction Told)> _history = [];
    readonly List<(Attempt Attempt, ModelCommit Commit)> _commits = [];
    readonly List<(string Request, ulong Time, long[] Sums)> _repeated = [];
    readonly List<Answer> _asked = [];
    readonly List<Answer> _answers = [];

    static ShardModel NewModel() => new(static _ => AddOperator.Instance);

    void Settle()
    {
        if (_attempts.Exists(a => a.Fate == Fate.UnderWay)) throw new SimulationFailure("an attempt never ended");
        if (_attempts.Exists(a => a.Fate == Fate.Unknown)) throw new InvalidOperationException("an open has to tell first what became of some");
        foreach (var attempt in _attempts.Where(a => a is { Fate: Fate.Committed, Writes: true }).OrderBy(a => a.Time)) Append(attempt);
        foreach (var attempt in _attempts.Where(a => a is { Fate: Fate.Committed, Writes: false })) Tell(attempt, attempt.Steps);
        foreach (var attempt in _attempts)
        {
            if (attempt.Fate == Fate.GivenUp) TellGivenUp(attempt.Name, attempt.Request is null ? attempt.Steps.OfType<KeyWrite>() : []);
            if (attempt.TakenBack.Count > 0) TellGivenUp($"what {attempt.Name} took back", attempt.TakenBack);
        }
        foreach (var attempt in _attempts) CheckMoment(attempt);
        foreach (var attempt in _attempts) CheckConflict(attempt);
        foreach (var (request, time, sums) in _repeated)
        {
            var first = _commits.FindLast(c => c.Attempt.Request == request).Attempt;
            Require(first is not null && first.Time == time, $"{request} was answered as done at {time}, and was at {first?.Time}");
            Require(first!.Additions.Select(a => a.Told!.Value).SequenceEqual(sums), $"{request} was answered otherwise than the first time");
        }
        foreach (var answer in _asked)
        {
            Require(ModelAnswer(answer) == answer.Text,
                $"as of {answer.At} {answer.Start} to {answer.End} was\n{answer.Text}\n    and should have been\n{ModelAnswer(answer)}");
            _answers.Add(answer);
        }
        _attempts.Clear();
        _repeated.Clear();
        _asked.Clear();
    }

    void Append(Attempt attempt)
    {
        var (time, before) = (attempt.Time, attempt.Time - 1);
        var effects = attempt.Effects.ToList();
        var steps = attempt.Steps.Select(s => s is KeyWrite w ? w with { Time = time } : s).ToList();
        for (var i = 0; i < attempt.Additions.Count; i++)
        {
            var (place, delta, told) = attempt.Additions[i];
            var found = _model.Get(place.Full, before, before);
            var sum = (found is null ? 0 : long.Parse(Encoding.ASCII.GetString(found.Value), CultureInfo.InvariantCulture)) + delta;
            Require(told is null || told == sum, $"{attempt.Name} added {delta} to {place} and was told {told}; it is {sum}");
            attempt.Additions[i] = (place, delta, sum);
            effects.Add(new(EffectKind.Put, place.Full, TransactionScript.Number(sum), 0));
            steps.Add(new KeyRead(place.Name, found is null ? null : place.TagOf(found.Value)));
            steps.Add(new KeyWrite(place.Name, place.TagOf(TransactionScript.Number(sum)), time));
        }
        foreach (var range in effects.Where(e => e.Kind == EffectKind.DeleteRange))
            foreach (var (key, _) in _model.Scan(range.Key, range.Value, before, before))
                steps.Add(new KeyWrite(Place.Of(key).Name, $"{attempt.Name}.gone.{Place.Of(key).Name}", time, IsDelete: true));
        var commit = new ModelCommit(time, effects);
        _model.Append(commit);
        foreach (var merge in effects.Where(e => e.Kind == EffectKind.Merge))
            steps.Add(new KeyWrite(Place.Of(merge.Key).Name, Place.Of(merge.Key).TagOf(_model.Get(merge.Key, time, time)!.Value), time));
        _commits.Add((attempt, commit));
        Tell(attempt, steps);
    }

    void Tell(Attempt attempt, IReadOnlyList<HistoryStep> steps) => _history.Add((attempt, new()
    {
        Name = attempt.Name,
        Level = attempt.Level,
        Moment = attempt.Moment,
        Began = attempt.Began,
        Ended = attempt.Ended,
        Steps = steps,
    }));

    // Numbers are left out: somebody else may have made the same one since.
    void TellGivenUp(string name, IEnumerable<KeyWrite> writes)
    {
        var texts = writes.Where(w => w.Tag[0] == 'T').ToArray();
        if (texts.Length > 0) _history.Add((new Attempt(0, HistoryLevel.ReadCommitted), new() { Name = name, IsCommitted = false, Steps = texts }));
    }

    void CheckHistory()
    {
        var found = HistoryChecker.Check([.. _history.Select(h => h.Told)]);
        Count("histories checked");
        Require(found.Count == 0, $"the history is not what was promised:\n      {string.Join("\n      ", found)}");
    }

    // ---------------------------------------------------------------------------------------- reads at a moment

    bool _readsAreKnown = true;   // no death came between, after which the model is not what was read

    void CheckMoment(Attempt attempt)
    {
        if (attempt.Moment == 0 || !_readsAreKnown) return;
        var own = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var step in attempt.Steps)
        {
            switch (step)
            {
                case KeyWrite write:
                    own[write.Key] = write.IsDelete ? null : write.Tag;
                    break;
                case KeyRead read when !own.ContainsKey(read.Key):
                    var expected = TagAt(PlaceOf(read.Key), attempt.Moment);
                    Require(read.Tag == expected,
                        $"{attempt.Name} read {read.Tag ?? "nothing"} of {read.Key} at {attempt.Moment}, where {expected ?? "nothing"} was");
                    break;
                case RangeRead range:
                    var rows = new SortedDictionary<string, string>(StringComparer.Ordinal);
                    foreach (var (key, found) in _model.Scan(PlaceOf(range.Start).Full, PlaceOf(range.End).Full, attempt.Moment, attempt.Moment))
                        rows[Place.Of(key).Name] = Place.Of(key).TagOf(found.Value);
                    foreach (var (name, tag) in own)
                    {
                        if (string.CompareOrdinal(name, range.Start) < 0 || string.CompareOrdinal(name, range.End) >= 0) continue;
                        if (tag is null) rows.Remove(name);
                        else rows[name] = tag;
                    }
                    var told = string.Join(' ', range.Found.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}:{f.Value}"));
                    var should = string.Join(' ', rows.Select(f => $"{f.Key}:{f.Value}"));
                    Require(told == should, $"{attempt.Name} scanned {range.Start} to {range.End} at {attempt.Moment}\n{told}\n    and should have\n{should}");
                    break;
            }
        }
        Count("transactions held against their moment");
    }

    static Place PlaceOf(string name) => new((uint)(name[0] - '0'), name[1..]);

    string? TagAt(Place place, ulong at) => _model.Get(place.Full, at, at) is { } found ? place.TagOf(found.Value) : null;

    // Nobody is refused for nothing.
    void CheckConflict(Attempt attempt)
    {
        if (attempt.ConflictAt == 0 || attempt.Moment == 0 || attempt.WentBack || !_readsAreKnown) return;
        Count($"conflicts, {attempt.Level}");
        var isExplained = _commits.Exists(c => c.Commit.Time > attempt.Moment && c.Commit.Time <= attempt.ConflictAt &&
            c.Commit.Effects.Any(e => attempt.Steps.Exists(s => s switch
            {
                KeyRead read => e.Touches(PlaceOf(read.Key).Full),
                KeyWrite write => e.Touches(PlaceOf(write.Key).Full),
                RangeRead range => e.Kind == EffectKind.DeleteRange || Overlaps(range, e.Key),
                _ => false,
            })));
        // What GetForUpdate met ended it before the read was noted.
        Require(isExplained || attempt.EndedByLock, $"{attempt} was refused, and nobody had changed anything of it");
    }

    static bool Overlaps(RangeRead range, byte[] key) => Place.Of(key).Name is var name &&
        string.CompareOrdinal(name, range.Start) >= 0 && string.CompareOrdinal(name, range.End) < 0;

    // ---------------------------------------------------------------------------------------- as of

    void ReadPast(SeededRandom random)
    {
        if (_commits.Count == 0) return;
        var at = random.OneIn(2) ? Clock.Now.Value : _commits[random.Next(_commits.Count)].Commit.Time - (ulong)random.Next(2);
        if (at < _commits[0].Commit.Time) return;
        var (start, end) = Range(random);
        start = start with { Keyspace = Place.Default };
        var answer = new Answer(at, start, random.OneIn(2) ? end : null, "");
        try
        {
            _asked.Add(answer with { Text = Ask(answer) });
        }
        catch (AevumException failure) when (IsOfTrouble(failure))
        {
            if (failure.Code is ErrorCode.OutcomeUnknown or ErrorCode.Closed) LogFailed = true;
        }
    }

    string Ask(Answer answer)
    {
        using var session = Session.AsOf(new SystemTime(answer.At));
        if (answer.End is null)
            return session.Default.GetVersioned(answer.Start.User) is { } one ? Show(answer.Start, one.Value, one.Version.Value) : "nothing";
        var text = new StringBuilder();
        foreach (var row in session.Default.Scan(ScanOptions.Between(answer.Start.User, Encoding.ASCII.GetBytes(answer.End))))
            text.Append(Show(new(Place.Default, Encoding.ASCII.GetString(row.Key)), row.Value, row.Version.Value)).Append('\n');
        return text.ToString();
    }

    string ModelAnswer(Answer answer)
    {
        if (answer.End is null)
            return _model.Get(answer.Start.Full, answer.At, answer.At) is { } one ? Show(answer.Start, one.Value, one.Version) : "nothing";
        return string.Concat(_model.Scan(answer.Start.Full, new Place(Place.Default, answer.End).Full, answer.At, answer.At)
            .Select(row => Show(Place.Of(row.Key), row.Found.Value, row.Found.Version) + "\n"));
    }

    static string Show(Place place, byte[] value, ulong version) => $"{place.Name}: {Convert.ToHexString(value)} of {version}";

    // ---------------------------------------------------------------------------------------- everything

    void CheckEverything()
    {
        if (Stops) return;
        Settle();
        Note("check everything");
        Count("full checks");
        try
        {
            foreach (var place in AllPlaces) CheckPlace(place);
            for (uint keyspace = 0; keyspace < Place.Keyspaces; keyspace++) CheckWalk(keyspace);
            foreach (var answer in _answers.TakeLast(40))
            {
                Require(Ask(answer) == answer.Text, $"as of {answer.At} {answer.Start} to {answer.End} was\n{answer.Text}\n    and is now\n{Ask(answer)}");
                Count("asked again");
            }
        }
        catch (AevumException failure) when (IsOfTrouble(failure))
        {
            Note($"check given up: {failure.Code}");
            return;
        }
        CheckFeeds();
        if (Random.OneIn(4)) CheckHistory();
    }

    void CheckPlace(Place place)
    {
        var told = KeyspaceOf(place).GetVersioned(place.User) is { } one ? Show(place, one.Value, one.Version.Value) : "nothing";
        var should = _model.Get(place.Full, ulong.MaxValue, 0) is { } found ? Show(place, found.Value, found.Version) : "nothing";
        Require(told == should, $"{place} is\n{told}\n    and should be\n{should}");
        if (place.Keyspace == Place.Brief) return;
        var versions = Router.ShardOf(place.Full).VersionsOf(place.Full).Select(v => $"{v.Time} {v.Change} {Convert.ToHexString(v.Value)}");
        var expected = _model.VersionsOf(place.Full, 0).Select(v => $"{v.Version} {v.Kind switch
        {
            EffectKind.Delete => ValueChange.Deleted,
            EffectKind.DeleteRange => ValueChange.RangeDeleted,
            _ => ValueChange.Put,
        }} {Convert.ToHexString(v.Value)}");
        Require(versions.SequenceEqual(expected), $"versions of {place}:\n{string.Join('\n', versions)}\n    and should be\n{string.Join('\n', expected)}");
    }

    void CheckWalk(uint keyspace)
    {
        var start = new Place(keyspace, "");
        var told = string.Concat(KeyspaceOf(start).Scan().Select(e => Show(new(keyspace, Encoding.ASCII.GetString(e.Key)), e.Value, e.Version.Value) + "\n"));
        var should = string.Concat(_model.Scan(start.Full, new Place(keyspace, "\x7f").Full, ulong.MaxValue, 0)
            .Select(r => Show(Place.Of(r.Key), r.Found.Value, r.Found.Version) + "\n"));
        Require(told == should, $"keyspace {keyspace} is\n{told}\n    and should be\n{should}");
    }
}
