// StreamIndex: which positions one stream has, and roughly where in the log they lie.
//
//   needed first .. last       the positions the owner still wants; first = last + 1 when it wants none
//   runs                       (position, address) pairs: from that address on, the stream's records from that position lie in the log
//                              in order, up to the position of the next run
//
// A run begins at a stream's first record in a segment, after a truncation, and otherwise wherever RunBytes of log have gone by since the
// last run began. So a look-up is a binary search and a walk over at most RunBytes of record headers, and the index takes 16 bytes for
// each 16 KiB of log (for streams that write rarely: for each record).
//
// Always true:
//   (1) within a run no record of a removed suffix is met before the run's last position: a truncation ends the run;
//   (2) the runs hold every position from the first run's to last.
//
// Not here: locking (CommitLog holds its gate), what the records hold.

using System.Diagnostics;

namespace Aevum.Storage.Log;

sealed class StreamIndex
{
    /// <summary>Bytes of log after which a look-up deserves a new run.</summary>
    public const uint RunBytes = 16 << 10;

    (ulong Position, LogAddress Address)[] _runs = [];
    int _start;
    int _count;
    ulong _nextRun;   // a record at or behind this address opens a run; addresses of later segments are greater by construction

    /// <summary>First position still needed.</summary>
    public ulong First { get; private set; } = 1;

    /// <summary>Last position; <see cref="First"/> - 1 if there is none.</summary>
    public ulong Last { get; private set; }

    /// <summary>Where the stream begins to need the log; null if it needs nothing.</summary>
    public LogAddress? OldestNeeded => First > Last || _count == 0 ? null : _runs[RunOf(Math.Max(First, _runs[_start].Position))].Address;

    /// <summary>The first position there is a record of, needed or not; <see cref="Last"/> + 1 if there is none.</summary>
    public ulong FirstHeld => _count == 0 ? Last + 1 : _runs[_start].Position;

    /// <summary>Notes that the next position lies at <paramref name="address"/>.</summary>
    public void Append(LogAddress address)
    {
        Last++;
        if (address.Value >= _nextRun) OpenRun(address);
    }

    /// <summary>Removes the positions from <paramref name="position"/> on.</summary>
    public void Truncate(ulong position)
    {
        Debug.Assert(position >= First && position <= Last);
        Last = position - 1;
        while (_count > 0 && _runs[_start + _count - 1].Position >= position) _count--;
        _nextRun = 0;
    }

    /// <summary>Lets go of positions below <paramref name="first"/>. If they go beyond the last one, the stream goes on from
    /// there.</summary>
    public void Release(ulong first)
    {
        if (first <= First) return;
        First = first;
        if (first > Last)
        {
            Last = first - 1;
            Forget();
        }
        while (_count > 1 && _runs[_start + 1].Position <= first) DropOldestRun();
    }

    /// <summary>What a bounds record says, taken over without question.</summary>
    public void SetBounds(ulong first, ulong last)
    {
        First = first;
        Last = last;
        Forget();
    }

    /// <summary>Lets go of everything whose records are not there.</summary>
    public void ReleaseWhatIsNotHeld() => Release(FirstHeld);

    /// <summary>The run that holds <paramref name="position"/>: where it begins, and the first position behind it.</summary>
    public (LogAddress Address, ulong First, ulong End) Locate(ulong position)
    {
        Debug.Assert(position >= First && position <= Last && _count > 0);
        var run = RunOf(position);
        return (_runs[run].Address, _runs[run].Position, run + 1 < _start + _count ? _runs[run + 1].Position : Last + 1);
    }

    /// <summary>The first position whose record lies at or behind an address, by runs: exact where a segment begins.</summary>
    public ulong FirstAtOrBehind(LogAddress address)
    {
        int lower = _start, upper = _start + _count;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (_runs[middle].Address < address) lower = middle + 1;
            else upper = middle;
        }
        return lower < _start + _count ? _runs[lower].Position : Last + 1;
    }

    int RunOf(ulong position)
    {
        int lower = _start, upper = _start + _count;
        while (upper - lower > 1)
        {
            var middle = (lower + upper) >>> 1;
            if (_runs[middle].Position <= position) lower = middle;
            else upper = middle;
        }
        return lower;
    }

    void OpenRun(LogAddress address)
    {
        if (_start + _count == _runs.Length) MakeRoom();
        _runs[_start + _count++] = (Last, address);
        _nextRun = address.Value + RunBytes;
    }

    void DropOldestRun()
    {
        _start++;
        _count--;
    }

    void Forget()
    {
        _start = _count = 0;
        _nextRun = 0;
    }

    void MakeRoom()
    {
        // Moving down what is left after releases keeps the array at about twice of what is used.
        if (_start > _count) Array.Copy(_runs, _start, _runs, 0, _count);
        else
        {
            var larger = new (ulong, LogAddress)[Math.Max(4, 2 * _count)];
            Array.Copy(_runs, _start, larger, 0, _count);
            _runs = larger;
        }
        _start = 0;
    }
}
