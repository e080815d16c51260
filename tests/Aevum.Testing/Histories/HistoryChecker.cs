// HistoryChecker: whether a history is what its transactions were promised. It knows no locks, moments or preconditions, only what was read and
// written, and builds from that the serialization graph of Adya ("Weak consistency", MIT 1999). Because each version tells its time, the order of
// a key's versions is known, and the graph is exact, not guessed.
//
//   of all              G1a (read of what was given up), G1b (read of what was overwritten by its own writer), G0 and G1c: circles of ww and wr
//   from Snapshot on    no circle in which anti-dependencies (rw) never follow each other: Cerone, Gotsman, "Analysing snapshot isolation",
//                       PODC 2016. One rw: G-single, lost updates among them; more, apart from each other: G-nonadjacent, the long fork among them
//   Serializable        no circle at all: G2-item (write skew, the read-only anomaly of Fekete 2004), G2 (phantoms)
//   of all              also: one version made by two ("twice"), which only a lost update of a number does
//   strict              circles that need "had ended before the other began"
//
// Levels are mixed as Adya does (5.5): rw edges count only if they leave a transaction that was promised to be protected from them.
//
// What it cannot tell: which absence a read saw, if a key was deleted more than once and the transaction names no moment; such a read adds nothing.

namespace Aevum.Testing.Histories;

public sealed class HistoryChecker
{
    sealed record Version(ulong Time, string Tag, int Writer, bool IsDelete, bool IsFinal);

    readonly IReadOnlyList<HistoryTransaction> _all;
    readonly HistoryTransaction[] _committed;
    readonly Dictionary<string, Version> _byTag = [];                                              // of committed ones
    readonly HashSet<string> _givenUp = [];
    readonly SortedDictionary<string, List<Version>> _versions = new(StringComparer.Ordinal);      // final ones, in the order of their times
    readonly List<HistoryAnomaly> _found = [];
    readonly HistoryGraph _graph;

    HistoryChecker(IReadOnlyList<HistoryTransaction> all)
    {
        _all = all;
        _committed = [.. all.Where(t => t.IsCommitted)];
        _graph = new HistoryGraph([.. _committed.Select(t => t.Name)]);
    }

    /// <summary>Everything that may not be; of circles one of each kind.</summary>
    /// <param name="strict">Also hold serializable transactions, as one order, against when they began and ended.</param>
    public static IReadOnlyList<HistoryAnomaly> Check(IReadOnlyList<HistoryTransaction> history, bool strict = true) =>
        new HistoryChecker(history).Check(strict);

    List<HistoryAnomaly> Check(bool strict)
    {
        CollectVersions();
        AddWriteOrder();
        for (var reader = 0; reader < _committed.Length; reader++) AddReads(reader);
        if (strict) AddRealTime();
        FindCircles(strict);
        return _found;
    }

    void CollectVersions()
    {
        foreach (var given in _all.Where(t => !t.IsCommitted))
            foreach (var write in given.Steps.OfType<KeyWrite>()) _givenUp.Add(write.Tag);
        for (var writer = 0; writer < _committed.Length; writer++)
        {
            var last = _committed[writer].Steps.OfType<KeyWrite>().GroupBy(w => w.Key).ToDictionary(g => g.Key, g => g.Last());
            foreach (var write in _committed[writer].Steps.OfType<KeyWrite>())
            {
                var version = new Version(write.Time, write.Tag, writer, write.IsDelete, ReferenceEquals(last[write.Key], write));
                if (!_byTag.TryAdd(write.Tag, version)) Found("twice", $"{NameOf(_byTag[write.Tag].Writer)} and {NameOf(writer)} both made {write.Tag}");
                if (!version.IsFinal) continue;
                if (!_versions.TryGetValue(write.Key, out var versions)) _versions[write.Key] = versions = [];
                versions.Add(version);
            }
        }
        foreach (var (key, versions) in _versions)
        {
            versions.Sort((a, b) => a.Time.CompareTo(b.Time));
            for (var i = 1; i < versions.Count; i++)
                if (versions[i].Time == versions[i - 1].Time)
                    Found("G0", $"{NameOf(versions[i - 1].Writer)} and {NameOf(versions[i].Writer)} wrote {key} at one time, {versions[i].Time}");
        }
    }

    void AddWriteOrder()
    {
        foreach (var (key, versions) in _versions)
            for (var i = 1; i < versions.Count; i++) _graph.Add(versions[i - 1].Writer, versions[i].Writer, Dependency.WriteWrite, key);
    }

    // ------------------------------------------------------------------------------------------------ reads

    void AddReads(int reader)
    {
        var transaction = _committed[reader];
        var own = new Dictionary<string, KeyWrite>();
        var before = new Dictionary<string, string?>();
        foreach (var step in transaction.Steps)
        {
            switch (step)
            {
                case KeyWrite write:
                    own[write.Key] = write;
                    break;
                case KeyRead read:
                    AddRead(reader, read.Key, read.Tag, own, before, isRange: false);
                    break;
                case RangeRead range:
                    foreach (var (key, tag) in range.Found) AddRead(reader, key, tag, own, before, isRange: true);
                    foreach (var key in _versions.Keys)
                    {
                        if (string.CompareOrdinal(key, range.Start) < 0 || string.CompareOrdinal(key, range.End) >= 0) continue;
                        if (!range.Found.ContainsKey(key)) AddRead(reader, key, null, own, before, isRange: true);
                    }
                    break;
            }
        }
    }

    void AddRead(int reader, string key, string? tag, Dictionary<string, KeyWrite> own, Dictionary<string, string?> before, bool isRange)
    {
        var transaction = _committed[reader];
        if (own.TryGetValue(key, out var written))
        {
            var expected = written.IsDelete ? null : written.Tag;
            if (tag != expected) Found("internal", $"{transaction.Name} wrote {expected ?? "a delete"} to {key} and read {tag ?? "nothing"}");
            return;
        }
        if (transaction.Level != HistoryLevel.ReadCommitted && !before.TryAdd(key, tag) && before[key] != tag)
            Found("internal", $"{transaction.Name} read {before[key] ?? "nothing"} of {key} and then {tag ?? "nothing"}");
        var versions = _versions.GetValueOrDefault(key) ?? [];
        int at;   // of the version it read; -1: the absence before all
        if (tag is null)
        {
            if (FindAbsence(transaction, versions) is not { } absence) return;
            at = absence;
        }
        else
        {
            if (_givenUp.Contains(tag)) Found("G1a", $"{transaction.Name} read {tag} of {key}, which was given up");
            else if (!_byTag.TryGetValue(tag, out var version)) Found("thin air", $"{transaction.Name} read {tag} of {key}, which nobody wrote");
            else if (!version.IsFinal) Found("G1b", $"{transaction.Name} read {tag} of {key}, which {NameOf(version.Writer)} overwrote itself");
            at = versions.FindIndex(v => v.Tag == tag);
            if (at < 0) return;
        }
        if (at >= 0) _graph.Add(versions[at].Writer, reader, Dependency.WriteRead, key);
        if (transaction.Level == HistoryLevel.ReadCommitted || at + 1 == versions.Count) return;
        _graph.Add(reader, versions[at + 1].Writer, isRange ? Dependency.RangeWrite : Dependency.ReadWrite, key);
    }

    int? FindAbsence(HistoryTransaction transaction, List<Version> versions)
    {
        if (!versions.Exists(v => v.IsDelete)) return -1;
        if (transaction.Moment == 0) return null;
        var at = versions.FindLastIndex(v => v.Time <= transaction.Moment);
        if (at < 0 || versions[at].IsDelete) return at;
        // It says that it saw a moment, and did not.
        Found("G-single", $"{transaction.Name} read nothing where {versions[at].Tag} stood at its moment {transaction.Moment}");
        return null;
    }

    // ------------------------------------------------------------------------------------------------ real time

    // A node for each end, in their order; who begins later comes behind the last end before: as many edges as transactions, not their square.
    void AddRealTime()
    {
        var ends = Enumerable.Range(0, _committed.Length).Where(t => IsTimed(t) && _committed[t].Ended is not null)
            .OrderBy(t => _committed[t].Ended).ToArray();
        var barriers = new int[ends.Length];
        for (var i = 0; i < ends.Length; i++)
        {
            barriers[i] = _graph.AddNode($"({_committed[ends[i]].Ended})");
            _graph.Add(ends[i], barriers[i], Dependency.RealTime, "");
            if (i > 0) _graph.Add(barriers[i - 1], barriers[i], Dependency.RealTime, "");
        }
        foreach (var later in Enumerable.Range(0, _committed.Length).Where(IsTimed))
        {
            var count = ends.Count(e => _committed[e].Ended < _committed[later].Began);
            if (count > 0) _graph.Add(barriers[count - 1], later, Dependency.RealTime, "");
        }
    }

    bool IsTimed(int transaction) => _committed[transaction].Began > 0 && _committed[transaction].Level == HistoryLevel.Serializable;

    // ------------------------------------------------------------------------------------------------ circles

    void FindCircles(bool strict)
    {
        const Dependency reads = Dependency.WriteWrite | Dependency.WriteRead;
        const Dependency against = Dependency.ReadWrite | Dependency.RangeWrite;
        if (_graph.FindCircle(Dependency.WriteWrite) is { } g0) Found("G0", g0.Text);
        if (_graph.FindCircle(reads) is { } g1c) Found("G1c", g1c.Text);
        if (_graph.FindCircle(reads, against) is { Spaced: > 0 } snapshot) Found(snapshot.Spaced == 1 ? "G-single" : "G-nonadjacent", snapshot.Text);
        // Of the others' anti-dependencies none: snapshot isolation allows what follows.
        var serializable = WithoutThoseOf(t => t.Level == HistoryLevel.Snapshot);
        if (serializable.FindCircle(reads | against) is { Spaced: > 0 } g2)
            Found((g2.Kinds & Dependency.RangeWrite) != 0 ? "G2" : "G2-item", g2.Text);
        if (strict && serializable.FindCircle(reads | against | Dependency.RealTime) is { } late && (late.Kinds & Dependency.RealTime) != 0)
            Found("strict", late.Text);
    }

    HistoryGraph WithoutThoseOf(Predicate<HistoryTransaction> isUnprotected) =>
        _graph.Without(Dependency.ReadWrite | Dependency.RangeWrite, node => node < _committed.Length && isUnprotected(_committed[node]));

    string NameOf(int transaction) => _committed[transaction].Name;

    void Found(string name, string what) => _found.Add(new(name, what));
}
