// SessionRun, opening: what must be there after a close, a kill, a power cut.
//
//   an attempt nobody was told of    is there with all it would have done, in every shard, or with nothing
//   the process died                 everything acknowledged is there
//   the power went                   with `always`: likewise. Else the latest may be gone, but of each shard there is a beginning, and nobody is
//                                    there who read what is gone
//   replay                           of a process that was killed when nothing was under way: the same state as before, byte for byte

using System.Globalization;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Storage;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

sealed partial class SessionRun
{
    const string Directory = "db";

    readonly HistoryPolicy _briefHistory;
    readonly Keyspace?[] _keyspaces = new Keyspace?[Place.Keyspaces];
    Database? _database;
    Session? _session;
    (ulong Time, List<string> Rows)? _before;      // the state when the process was killed

    Database Database => _database ?? throw new InvalidOperationException("the simulated database is closed");

    Session Session => _session ?? throw new InvalidOperationException("the simulated database is closed");

    IShardRouter Router => Database.Router;

    Keyspace KeyspaceOf(Place place) => _keyspaces[place.Keyspace]!;

    void Open()
    {
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                _database = Database.Open(Directory, new DatabaseOptions { Files = SlowFiles(), Scheduler = World, Engine = Configuration.Options });
                LogFailed = false;
                OpenSession();
                break;
            }
            catch (AevumException e) when (e is not CorruptionException)
            {
                Close();
                if (Files.Successor is { } successor)
                {
                    Note($"died while opening: {e.Code}");
                    TakeOver(successor);
                    continue;
                }
                Require(Failing != Fault.None && IsOfTrouble(e), $"the database did not open: {e}");
                Count("opens refused");
                if (attempts >= 2) Heal();
            }
        }
        Count("opens");
        CheckOpened();
    }

    void OpenSession()
    {
        _session = Database.OpenSession();
        _keyspaces[Place.Default] = _session.Default;
        var isNew = _session.ListKeyspaces().Count == 1;
        if (isNew)
        {
            _session.CreateKeyspace("brief", new KeyspaceOptions { History = _briefHistory });
            _session.CreateKeyspace("sums", new KeyspaceOptions { History = HistoryPolicy.Forever, MergeOperator = "add" });
            Database.Flush();   // no power cut takes them back
        }
        _keyspaces[Place.Brief] = _session.Keyspace("brief");
        _keyspaces[Place.Sums] = _session.Keyspace("sums");
    }

    void Reopen()
    {
        Note("reopen");
        Count("reopens");
        Close();
        if (Files.Successor is { } successor)
        {
            _logMayBeCut = true;   // the power went while it was being closed
            TakeOver(successor);
        }
        Open();
    }

    protected override void Recover(string how)
    {
        Note($"dies: {how}");
        var successor = Files.Successor ?? throw new InvalidOperationException("nobody has died");
        Close();
        TakeOver(successor);
        Open();
    }

    void Close()
    {
        CloseFeeds();
        _session?.Dispose();
        _session = null;
        _database?.Dispose();
        _database = null;
    }

    protected override void CloseAll() => Close();

    // ---------------------------------------------------------------------------------------- what is there

    void CheckOpened()
    {
        _readsAreKnown = !PowerWasCut && !_attempts.Exists(a => a.Fate == Fate.Unknown);
        foreach (var attempt in _attempts.Where(a => a.Fate == Fate.Unknown)) Resolve(attempt);
        if (PowerWasCut) TakeAwayLost();
        foreach (var attempt in _commits.TakeLast(30).Select(c => c.Attempt).Concat(_attempts.Where(a => a is { Fate: Fate.Committed, Writes: true })))
            CheckWhole(attempt, isThere: true);
        if (!_readsAreKnown) _asked.Clear();
        Settle();
        _readsAreKnown = true;
        BeginAnew();
        CompareReplay();
        ResumeFeeds();
        CheckEverything();
    }

    void Resolve(Attempt attempt)
    {
        var (place, tag) = attempt.Witness!.Value;
        var time = FindVersion(place, tag);
        // Sent twice, and done by the other: by its time it is known.
        if (time is not null && attempt.Request is not null &&
            _attempts.Concat(_commits.Select(c => c.Attempt)).Any(a => a != attempt && a.Fate == Fate.Committed && a.Time == time)) time = null;
        (attempt.Fate, attempt.Time) = time is null ? (Fate.GivenUp, 0) : (Fate.Committed, time.Value);
        var shards = attempt.Effects.Select(e => ShardIndexOf(e.Key)).Distinct().Count() > 1 ? "over several shards" : "in one shard";
        Count($"cut off {shards}, and {(time is null ? "not there" : "there")}");
        Note($"{attempt.Name}, of which nobody was told, is {attempt.Fate} {attempt.Time}");
        if (time is null && attempt.Request is null) CheckWhole(attempt, isThere: false);
        if (time is null && _isForHistory) _neverDone.Add(attempt);
    }

    readonly List<Attempt> _neverDone = [];

    ulong? FindVersion(Place place, string tag) => Router.ShardOf(place.Full).VersionsOf(place.Full)
        .FirstOrDefault(v => v.Change == ValueChange.Put && place.TagOf(v.Value) == tag)?.Time.Value;

    // By the texts that nobody else writes; the rest is the model's to find.
    void CheckWhole(Attempt attempt, bool isThere)
    {
        foreach (var effect in attempt.Effects)
        {
            var place = Place.Of(effect.Key);
            if (effect.Kind != Core.Batches.EffectKind.Put || place.Keyspace != Place.Default || effect.Value[0] != 'T') continue;
            var found = FindVersion(place, place.TagOf(effect.Value));
            Require(found == (isThere ? attempt.Time : null),
                $"of {attempt.Name} ({attempt.Time}) only a part is there: {place} in shard {ShardIndexOf(effect.Key)} has its text at {found}, the witness is {
                    (isThere ? "there" : "not there")}");
        }
    }

    // ---------------------------------------------------------------------------------------- what a power cut took

    void TakeAwayLost()
    {
        var known = _commits.Select(c => c.Attempt).Concat(_attempts.Where(a => a is { Fate: Fate.Committed, Writes: true })).ToArray();
        var lost = known.Where(a => FindVersion(a.Witness!.Value.Place, a.Witness.Value.Tag) is null).ToHashSet();
        if (lost.Count == 0) return;
        Note($"{lost.Count} commits are lost");
        Count("power cuts that took commits");
        Require(Configuration.Options.Sync.Kind != SyncKind.Always,
            $"with sync = always {lost.Count} acknowledged commits are lost, the first is {lost.First()}");
        foreach (var one in lost) CheckWhole(one, isThere: false);
        for (var shard = 0; shard <= _boundaries.Length; shard++)
        {
            var here = known.Where(a => a.Effects.Exists(e => ShardIndexOf(e.Key) == shard)).OrderBy(a => a.Time).SkipWhile(a => !lost.Contains(a));
            var survivor = here.FirstOrDefault(a => !lost.Contains(a));
            Require(survivor is null, $"shard {shard} holds {survivor}, and not what was committed before it");
        }
        TakeBack(lost);
    }

    void TakeBack(HashSet<Attempt> lost)
    {
        var tags = _history.Where(h => lost.Contains(h.Attempt)).SelectMany(h => h.Told.Steps).Concat(lost.SelectMany(a => a.Steps))
            .OfType<KeyWrite>().Select(w => w.Tag).ToHashSet();
        bool HasRead(Attempt attempt) => attempt.Steps.Exists(s => s switch
        {
            KeyRead read => read.Tag is not null && tags.Contains(read.Tag),
            RangeRead range => range.Found.Values.Any(tags.Contains),
            _ => false,
        });
        // Numbers may have been made anew; texts not.
        tags.RemoveWhere(t => t[0] != 'T');
        foreach (var attempt in _history.Select(h => h.Attempt).Concat(_attempts).Where(a => a.Fate == Fate.Committed && !lost.Contains(a)).ToArray())
        {
            if (!HasRead(attempt)) continue;
            Require(!attempt.Writes, $"{attempt.Name} is there, and read what a power cut took: {attempt}");
            lost.Add(attempt);
        }
        // Whoever only looked has seen what never was.
        var first = lost.Min(l => l.Began);
        lost.UnionWith(_history.Select(h => h.Attempt).Where(a => !a.Writes && a.Fate == Fate.Committed && (a.Ended ?? long.MaxValue) > first));
        lost.UnionWith(_attempts.Where(a => a is { Writes: false, Fate: Fate.Committed }));
        _history.RemoveAll(h => lost.Contains(h.Attempt));
        _commits.RemoveAll(c => lost.Contains(c.Attempt));
        _attempts.RemoveAll(lost.Contains);
        _requests.RemoveAll(r => lost.Any(l => l.Request == r.First.Request));
        _answers.Clear();
        _repeated.Clear();
        _model = NewModel();
        foreach (var (_, commit) in _commits.OrderBy(c => c.Commit.Time)) _model.Append(commit);
    }

    // ---------------------------------------------------------------------------------------- replay

    /// <summary>Kills the process when nothing is under way, and opens what is left: twice, for what an open does must not matter either.</summary>
    void KillAndCompare()
    {
        if (Stops || Failing != Fault.None) return;
        Settle();
        for (var i = 0; i < 2; i++)
        {
            _before = Dump();
            Files.KillProcess();
            Recover("killed, to be compared");
        }
    }

    void CompareReplay()
    {
        if (_before is not { } before) return;
        _before = null;
        var after = Dump(before.Time);
        var missing = before.Rows.Except(after.Rows).FirstOrDefault();
        var added = after.Rows.Except(before.Rows).FirstOrDefault();
        Require(missing is null && added is null, $"replay gives another state: before {missing ?? "-"}, now {added ?? "-"}");
        Require(before.Rows.SequenceEqual(after.Rows), "replay gives another order of the state");
        Count("replays compared");
    }

    // Every version of every key, to the byte. Left out are the rows that an open or a clock may write anew (ceiling, floors), and of keyspaces that
    // keep no history what only a compaction has not yet dropped.
    (ulong Time, List<string> Rows) Dump(ulong until = ulong.MaxValue)
    {
        var rows = new List<string>();
        ulong last = 0;
        foreach (var shard in Database.Shards.Shards)
        {
            last = Math.Max(last, shard.Tree.AppliedTime.Value);
            var options = new IterateOptions { Point = ReadPoint.Applied, Start = [], End = null };
            using (var iterator = shard.Tree.Iterate(options))
            {
                for (iterator.SeekToFirst(); iterator.Valid; iterator.Next())
                {
                    KeyspaceId.TryRead(iterator.Key, out var keyspace);
                    if (keyspace == SystemKeyspaces.Clock || keyspace == SystemKeyspaces.Floors || iterator.Version.Value > until) continue;
                    rows.Add(string.Create(CultureInfo.InvariantCulture, $"shard {shard.Id}: {Convert.ToHexString(iterator.Key)} {
                        Convert.ToHexString(iterator.Value)} of {iterator.Version.Value} until {iterator.Expiry.Value}"));
                }
            }
            foreach (var place in AllPlaces.Where(p => p.Keyspace != Place.Brief))
                foreach (var version in shard.Tree.VersionsOf(place.Full))
                    rows.Add($"shard {shard.Id}: {place.Name} {version.Kind} {Convert.ToHexString(version.Value)} of {version.Version.Value} until {
                        version.Expiry.Value}");
        }
        return (last, rows);
    }
}
