// Checking: reads every posting and compares what is on disk with what is in memory: for tests, and for whoever doubts a disk.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class PostingIndex
{
    /// <summary>Looks at everything.</summary>
    /// <exception cref="AevumException">Corruption: bytes are not as they were written, or something does not fit (see the head of PostingIndex).</exception>
    public void Check()
    {
        lock (_writing)
        {
            ThrowIfClosed();
            Require(_store.Postings.ToHashSet().SetEquals(_postings.Keys), "a posting for each number");
            Require(_centroids.Count == _postings.Count, "a centroid for each posting");
            var homes = new Dictionary<ulong, uint>();
            var centroid = new float[Shape.Dimension];
            foreach (var (number, info) in _postings)
            {
                ReadOnlySpan<uint> one = [number];
                _store.Read(one, _read);
                var posting = _read.Posting(0, out var length);
                Require(length >= 0, $"posting {number}");
                var count = EntriesOf(length, number);
                Require(count == info.Entries, $"{info.Entries} entries in posting {number}, not {count}");
                Require(_centroids.TryGet(number, centroid), $"a centroid of posting {number}");
                var live = 0;
                for (var i = 0; i < count; i++)
                {
                    var entry = posting + CentroidBytes + ((nint)i * EntryBytes);
                    if (!IsLive(entry) || IsReplica(entry)) continue;
                    live++;
                    Require(homes.TryAdd(Unsafe.ReadUnaligned<ulong>(entry + 8), number), "one home for each id");
                }
                Require(live == info.Live, $"{info.Live} vectors at home in posting {number}, not {live}");
            }
            Require(homes.Count == _versions.Count, $"{_versions.Count} ids, not {homes.Count}");
            _versions.ForEach((id, _, home) => Require(homes.TryGetValue(id, out var at) && at == home, $"id {id} in posting {home}"));
        }

        static void Require(bool holds, string expected)
        {
            if (!holds) Throw.Corruption("the postings", 0, expected);
        }
    }
}
