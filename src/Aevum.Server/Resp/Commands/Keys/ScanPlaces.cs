// ScanPlaces: where scans of databases go on. Keys are in the order of their bytes and of any length, so no number of 53 bits, which is what clients
// keep of a cursor, could say where a scan stands: cursors are numbers without a meaning, and the place of each is remembered here.
//
//   cursor     53 bits at most, never given twice while the server lives; begins at a number drawn at the start, so that those of an earlier process
//              mean nothing here
//   bounded    each scan keeps its last two places (a client may ask again with the cursor before), all scans together PlacesMax places of
//              BytesMax bytes; what was not used for longest goes first
//
// Always true: a cursor whose place is gone begins the scan anew. So nothing is ever passed over, whatever happens to cursors: keys are told twice at
// worst, which a scan may. Thread safe: scans run on loops, beside them, and in the sequencer.

using Aevum.Core.Scheduling;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class ScanPlaces(SeededRandom chances)
{
    const int PlacesMax = 1 << 14;
    const long BytesMax = 16 << 20;
    const ulong CursorsEnd = 1UL << 53;

    readonly Lock _gate = new();
    readonly Dictionary<ulong, LinkedListNode<Place>> _places = [];
    readonly LinkedList<Place> _byUse = new();
    ulong _last = chances.NextUInt64() % (CursorsEnd / 2);
    long _bytes;

    // From: the cursor with which this one was asked for.
    sealed record Place(ulong Cursor, byte[] At, ulong From);

    /// <summary>Remembers a place.</summary>
    /// <param name="from">The cursor of the scan so far; 0: it has just begun.</param>
    public ulong Add(byte[] at, ulong from)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(from, out var before)) Forget(before.Value.From);
            _last = _last + 1 < CursorsEnd ? _last + 1 : 1;
            Forget(_last);
            _places[_last] = _byUse.AddLast(new Place(_last, at, from));
            _bytes += at.Length;
            while (_places.Count > PlacesMax || (_bytes > BytesMax && _places.Count > 1)) Forget(_byUse.First!.Value.Cursor);
            return _last;
        }
    }

    /// <summary>The place of a cursor.</summary>
    /// <returns>Null: it is not known any more, or never was.</returns>
    public byte[]? Find(ulong cursor)
    {
        lock (_gate)
        {
            if (!_places.TryGetValue(cursor, out var node)) return null;
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value.At;
        }
    }

    void Forget(ulong cursor)
    {
        if (!_places.Remove(cursor, out var node)) return;
        _bytes -= node.Value.At.Length;
        _byUse.Remove(node);
    }
}
