// Readers: hands out scratches, and knows which searches may still stand on something that was taken out of the graph (epoch-based reclamation,
// Fraser 2004, section 5.2.3).
//
//   a search    Enter: notes the present epoch in its scratch, full fence, reads the graph, Leave: notes 0
//   a writer    unlinks something, then asks for NextEpoch, e; when IsPast(e) holds, no search that began before is left: it may be reused
//
// Always true: a scratch is lent to one thread at a time; renting takes no lock and allocates nothing unless more searches run at once than ever.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

sealed class Readers(MemoryBudget budget) : IDisposable
{
    readonly Lock _gate = new();
    SearchScratch?[] _free = new SearchScratch?[16];
    volatile SearchScratch[] _all = [];
    long _epoch = 1;
    volatile bool _closed;

    /// <summary>A scratch whose search counts as standing on the graph until <see cref="Leave"/>.</summary>
    /// <exception cref="AevumException">Closed.</exception>
    public SearchScratch Enter()
    {
        var scratch = Rent();
        Volatile.Write(ref scratch.Active, Volatile.Read(ref _epoch));
        // Nothing of the graph may be read before a writer can see that we read it.
        Interlocked.MemoryBarrier();
        if (!_closed) return scratch;
        Leave(scratch);
        Throw.Closed("the index");
        return scratch;
    }

    public void Leave(SearchScratch scratch)
    {
        Volatile.Write(ref scratch.Active, 0);
        var free = _free;
        for (var i = 0; i < free.Length; i++)
            if (free[i] is null && Interlocked.CompareExchange(ref free[i], scratch, null) is null) return;
        // More searches at once than there are places: the next one of them makes a place for it.
        lock (_gate)
        {
            var more = new SearchScratch?[_free.Length * 2];
            for (var i = 0; i < _free.Length; i++) more[i] = Interlocked.Exchange(ref _free[i], null);
            more[_free.Length] = scratch;
            _free = more;
        }
    }

    /// <summary>A new epoch: searches that enter from now on begin at it or later.</summary>
    public long NextEpoch() => Interlocked.Increment(ref _epoch);

    /// <summary>Whether every search on the graph began at <paramref name="epoch"/> or later.</summary>
    public bool IsPast(long epoch)
    {
        Interlocked.MemoryBarrier();
        foreach (var scratch in _all)
            if (Volatile.Read(ref scratch.Active) is not 0 and var active && active < epoch) return false;
        return true;
    }

    /// <summary>Refuses new searches and waits for those that run.</summary>
    public void Close()
    {
        _closed = true;
        var epoch = NextEpoch() + 1;
        var spin = new SpinWait();
        while (!IsPast(epoch)) spin.SpinOnce();
    }

    public void Dispose()
    {
        foreach (var scratch in _all) scratch.Dispose();
        _all = [];
    }

    SearchScratch Rent()
    {
        var free = _free;
        for (var i = 0; i < free.Length; i++)
            if (free[i] is not null && Interlocked.Exchange(ref free[i], null) is { } scratch) return scratch;
        var made = new SearchScratch(budget);
        lock (_gate) _all = [.. _all, made];
        return made;
    }
}
