// LockModel: the oracle. Lists of holders and waiters, searched from end to end; circles by trying all ways; "is anybody stuck?" by letting
// everybody who can run finish, again and again, and seeing who is left. Slow, and short enough to be believed.

using Aevum.Engine.Sequencing.Locks;

namespace Aevum.Engine.Tests.Sequencing.Locks;

enum ModelVerdict
{
    Granted,
    Waiting,
    Busy,
}

sealed class LockModel
{
    readonly SortedDictionary<string, Place> _places = new(StringComparer.Ordinal);
    readonly Dictionary<ulong, List<(string Key, bool IsUpgrade)>> _taken = [];

    sealed record Waiter(ulong Owner, LockMode Mode, bool IsUpgrade);

    sealed class Place
    {
        public List<(ulong Owner, LockMode Mode)> Holders = [];
        public List<Waiter> Queue = [];

        public LockMode? ModeOf(ulong owner) => Holders.Where(h => h.Owner == owner).Select(h => (LockMode?)h.Mode).FirstOrDefault();
    }

    public LockModel Clone()
    {
        var clone = new LockModel();
        foreach (var (key, place) in _places) clone._places[key] = new Place { Holders = [.. place.Holders], Queue = [.. place.Queue] };
        foreach (var (owner, taken) in _taken) clone._taken[owner] = [.. taken];
        return clone;
    }

    static bool Clash(LockMode a, LockMode b) => a == LockMode.Exclusive || b == LockMode.Exclusive;

    public int Mark(ulong owner) => _taken.GetValueOrDefault(owner)?.Count ?? 0;

    public LockMode? ModeOf(ulong owner, string key) => _places.GetValueOrDefault(key)?.ModeOf(owner);

    public bool IsWaiting(ulong owner) => _places.Values.Any(p => p.Queue.Any(w => w.Owner == owner));

    public ulong[] Waiting => [.. _places.Values.SelectMany(p => p.Queue).Select(w => w.Owner)];

    /// <summary>Queues or grants; breaks no circles.</summary>
    public ModelVerdict Request(ulong owner, string key, LockMode mode, bool mayWait)
    {
        if (!_places.TryGetValue(key, out var place)) place = _places[key] = new Place();
        var held = place.ModeOf(owner);
        if (held is not null && (mode == LockMode.Shared || held == LockMode.Exclusive)) return ModelVerdict.Granted;
        var waiter = new Waiter(owner, mode, held is not null);
        var position = waiter.IsUpgrade ? place.Queue.Count(w => w.IsUpgrade) : place.Queue.Count;
        place.Queue.Insert(position, waiter);
        Promote(key);
        if (!IsWaiting(owner)) return ModelVerdict.Granted;
        if (mayWait) return ModelVerdict.Waiting;
        Withdraw(owner);
        return ModelVerdict.Busy;
    }

    public (string Key, LockMode Mode) WaitsAt(ulong owner) =>
        _places.SelectMany(p => p.Value.Queue.Where(w => w.Owner == owner).Select(w => (p.Key, w.Mode))).Single();

    public void Withdraw(params ulong[] owners)
    {
        foreach (var key in _places.Keys.ToArray())
            if (_places[key].Queue.RemoveAll(w => owners.Contains(w.Owner)) > 0) Promote(key);
    }

    public void ReleaseSince(ulong owner, int mark)
    {
        if (!_taken.TryGetValue(owner, out var taken)) return;
        var undone = taken.Skip(mark).Reverse().ToArray();
        taken.RemoveRange(mark, taken.Count - mark);
        foreach (var (key, isUpgrade) in undone)
        {
            var place = _places[key];
            place.Holders.RemoveAll(h => h.Owner == owner);
            if (isUpgrade) place.Holders.Add((owner, LockMode.Shared));
        }
        // Only now may others go on: a key that was upgraded and taken since is given back in one.
        foreach (var (key, _) in undone) Promote(key);
    }

    void Promote(string key)
    {
        if (!_places.TryGetValue(key, out var place)) return;
        while (place.Queue.Count > 0)
        {
            var first = place.Queue[0];
            if (place.Holders.Any(h => h.Owner != first.Owner && Clash(h.Mode, first.Mode))) break;
            place.Queue.RemoveAt(0);
            place.Holders.RemoveAll(h => h.Owner == first.Owner);
            place.Holders.Add((first.Owner, first.Mode));
            if (!_taken.TryGetValue(first.Owner, out var taken)) taken = _taken[first.Owner] = [];
            taken.Add((key, first.IsUpgrade));
        }
        if (place.Holders.Count == 0) _places.Remove(key);
    }

    IEnumerable<ulong> WaitsFor(ulong owner)
    {
        foreach (var place in _places.Values)
        {
            var position = place.Queue.FindIndex(w => w.Owner == owner);
            if (position < 0) continue;
            var mode = place.Queue[position].Mode;
            return place.Holders.Where(h => h.Owner != owner && Clash(h.Mode, mode)).Select(h => h.Owner)
                .Concat(place.Queue.Take(position).Where(w => Clash(w.Mode, mode)).Select(w => w.Owner)).Distinct();
        }
        return [];
    }

    /// <summary>All simple circles through an owner.</summary>
    public List<ulong[]> CirclesThrough(ulong owner)
    {
        var circles = new List<ulong[]>();
        var path = new List<ulong> { owner };
        void Walk(ulong at)
        {
            foreach (var next in WaitsFor(at))
            {
                if (next == owner) circles.Add([.. path]);
                if (path.Contains(next)) continue;
                path.Add(next);
                Walk(next);
                path.RemoveAt(path.Count - 1);
            }
        }
        Walk(owner);
        return circles;
    }

    /// <summary>What the model looks like after each of the victims gave way as the youngest of a circle that was there at its turn, in some
    /// order, and no circle is left; null if there is no such order.</summary>
    public LockModel? Explain(ulong start, ulong[] victims, Func<ulong, ulong> startOrder)
    {
        var circles = CirclesThrough(start);
        if (circles.Count == 0) return victims.Length == 0 ? this : null;
        foreach (var youngest in circles.Select(c => c.MaxBy(startOrder)).Distinct())
        {
            if (!victims.Contains(youngest)) continue;
            var next = Clone();
            next.Withdraw(youngest);
            if (next.Explain(start, [.. victims.Where(v => v != youngest)], startOrder) is { } explained) return explained;
        }
        return null;
    }

    /// <summary>Whether everybody who waits gets its lock in the end, if those who run finish.</summary>
    public bool EverybodyGetsThrough()
    {
        var future = Clone();
        while (true)
        {
            var waiting = future.Waiting;
            if (waiting.Length == 0) return true;
            var running = future._taken.Keys.Where(o => !waiting.Contains(o) && future._taken[o].Count > 0).ToArray();
            if (running.Length == 0) return false;
            foreach (var owner in running) future.ReleaseSince(owner, 0);
        }
    }

    public override string ToString() => string.Join('\n', _places.Select(p => Line(
        p.Key, p.Value.Holders, p.Value.Queue.Select(w => (w.Owner, w.Mode, w.IsUpgrade)))));

    /// <summary>A description by the table, in the model's words.</summary>
    public static string Show(IEnumerable<LockedKey> keys) => string.Join('\n', keys.Select(k => Line(System.Text.Encoding.ASCII.GetString(k.Key),
        k.Holders.Select(h => (h.OwnerId, h.Mode)), k.Waiters.Select(w => (w.OwnerId, w.Mode, w.IsUpgrade)))));

    static string Line(string key, IEnumerable<(ulong Owner, LockMode Mode)> holders, IEnumerable<(ulong, LockMode, bool)> queue) =>
        $"{key}: {string.Join(' ', holders.OrderBy(h => h.Owner))} | {string.Join(' ', queue)}";
}
