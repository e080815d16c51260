// VectorFilter: a set of ids that a search is limited to. Graphs are filtered by rows; which rows these are is found once for each segment, and again only
// after the segment has changed.
//
// Always true: the set never changes. Any number of searches use it at a time. It holds rows of the indexes it was used on until it is disposed.

using Aevum.Core.Bitmaps;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed class VectorFilter : IDisposable
{
    readonly HashSet<ulong> _ids;
    readonly Lock _gate = new();
    readonly Dictionary<HnswIndex, (long Changes, uint Death, PreparedFilter Rows)> _rows = [];
    readonly System.Runtime.CompilerServices.ConditionalWeakTable<CodedSegment, PreparedFilter> _codedRows = [];
    readonly List<PreparedFilter> _outdated = [];
    bool _disposed;

    public VectorFilter(IEnumerable<ulong> ids) => _ids = [.. ids];

    /// <param name="ids">Ids below 2^32, compressed.</param>
    public VectorFilter(Bitmap ids)
    {
        _ids = [];
        foreach (var id in ids) _ids.Add(id);
    }

    public int Count => _ids.Count;

    public bool Contains(ulong id) => _ids.Contains(id);

    /// <summary>The rows of an index that hold ids of the set. Whoever asks has entered the index's readers, so rows are not used anew meanwhile.</summary>
    /// <param name="death">Rows that died after this are still seen by who asks.</param>
    internal PreparedFilter RowsOf(HnswIndex index, bool isNamed, uint death)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var changes = index.Changes;
            if (_rows.TryGetValue(index, out var known) && known.Changes == changes && (int)(death - known.Death) >= 0) return known.Rows;
            var words = new ulong[(index.RowCount + 63) / 64];
            if (isNamed && _ids.Count < index.Count / 4)
            {
                foreach (var id in _ids)
                    if (index.RowOf(id) is { } row) Mark(row);
            }
            else
            {
                index.ForEachEntry((row, id, _, _) =>
                {
                    if (_ids.Contains(id)) Mark(row);
                }, death);
            }
            var made = new PreparedFilter(words);
            // Others may be searching with the one before.
            if (known.Rows is not null) _outdated.Add(known.Rows);
            if (_outdated.Count > 16) _outdated.RemoveRange(0, 8);   // freed by their finalizers once nobody searches with them
            _rows[index] = (changes, death, made);
            return made;

            // There may be more rows by now.
            void Mark(uint row)
            {
                if (row / 64 >= words.Length) Array.Resize(ref words, (int)(row / 64) + 1);
                words[row / 64] |= 1UL << (int)(row % 64);
            }
        }
    }

    /// <summary>The rows of a segment of codes that hold ids of the set. Rows that are dead may be among them, and more die later: searches pass over these
    /// themselves, and none comes to life, so this is made once.</summary>
    internal PreparedFilter RowsOf(CodedSegment segment)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_codedRows.TryGetValue(segment, out var known)) return known;
            var words = new ulong[(segment.Rows + 63) / 64];
            if (_ids.Count < segment.Rows / 16)
            {
                foreach (var id in _ids)
                    if (segment.TryFind(id, out var row)) words[row / 64] |= 1UL << (int)(row % 64);
            }
            else
            {
                for (var row = 0u; row < segment.Rows; row++)
                    if (_ids.Contains(segment.Id(row))) words[row / 64] |= 1UL << (int)(row % 64);
            }
            var made = new PreparedFilter(words);
            _codedRows.Add(segment, made);
            return made;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var (_, _, rows) in _rows.Values) rows.Dispose();
            foreach (var rows in _outdated) rows.Dispose();
            foreach (var (_, rows) in _codedRows) rows.Dispose();
            _codedRows.Clear();
            _rows.Clear();
            _outdated.Clear();
        }
    }
}
