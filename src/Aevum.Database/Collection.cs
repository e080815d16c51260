// Collection: a named set of vectors under keys. Its rows lie in the store like any other data: in the same batches and transactions, with their history
// (kept for ever unless told otherwise). Its index is derived and follows them; a search covers what was written right before it all the same.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Indexes;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;

namespace Aevum;

/// <summary>How a collection is searched.</summary>
public sealed record VectorSearchOptions
{
    /// <summary>The nearest, as the collection's own options say, now.</summary>
    public static VectorSearchOptions Default { get; } = new();

    /// <summary>Candidates that the search keeps: recall against time. 0: the collection's own.</summary>
    public int Ef { get; init; }

    /// <summary>So many of the nearest are passed over.</summary>
    public int Offset { get; init; }

    /// <summary>Only what is at most this far; null: however far.</summary>
    public float? DistanceMax { get; init; }

    /// <summary>Looks at every row, and so misses none.</summary>
    public bool Exact { get; init; }

    /// <summary>The collection as of this moment; null: the session's.</summary>
    public SystemTime? AsOf { get; init; }
}

/// <summary>A vector that was found.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Distance">Smaller is nearer: Euclidean, 1 - cosine, the negative product, and so on.</param>
public readonly record struct CollectionMatch(byte[] Key, float Distance);

/// <summary>What a collection holds, and how far its index is.</summary>
/// <param name="Count">Vectors.</param>
/// <param name="Indexed">Keys in the graph.</param>
/// <param name="Tail">Changes that are not in the graph yet; searches look at each.</param>
/// <param name="MemoryBytes">Of the index.</param>
/// <param name="State">"building", "following", "ended", or why it does not follow.</param>
/// <param name="Damage">Which file of the index was found damaged when the database was opened, so that it was built anew; null: none.</param>
public sealed record CollectionStatistics(long Count, long Indexed, long Tail, long MemoryBytes, string State, string? Damage)
{
    /// <summary>How many of those in the graph are codes (<see cref="CollectionOptions.Quantization"/>).</summary>
    public long Coded { get; init; }

    /// <summary>Memory of graph or codes for each vector in the graph; whole vectors that lie in files beside their codes are not in it.</summary>
    public double BytesPerVector { get; init; }
}

/// <summary>A named set of vectors under keys. May be used from several threads.</summary>
public sealed class Collection
{
    readonly Session _session;

    internal Collection(Session session, KeyspaceId id)
    {
        _session = session;
        Rows = new Keyspace(session, id);
    }

    internal Keyspace Rows { get; }

    /// <summary>Its name now.</summary>
    public string Name => Rows.Name;

    /// <summary>Dimension, metric, how it is indexed.</summary>
    public CollectionOptions Options => Rows.Options.Collection!;

    internal CollectionIndex? Index => _session.Database.Shards.Indexes?.Find(Rows.Id);

    // ------------------------------------------------------------------------------------------------ writing

    /// <summary>Gives a key a vector.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <returns>The commit's system time.</returns>
    /// <exception cref="AevumException">InvalidArgument: another dimension, a component that is not finite, zero everywhere under cosine. LimitExceeded:
    /// the index has no memory. Also those of <see cref="Keyspace.Put"/>.</exception>
    public SystemTime Put(ReadOnlySpan<byte> key, ReadOnlySpan<float> vector) => PutRow(key, RowOf(vector));

    /// <summary>The same for components in the collection's element type, little endian.</summary>
    public SystemTime PutElements(ReadOnlySpan<byte> key, ReadOnlySpan<byte> elements) => PutRow(key, RowOf(elements));

    SystemTime PutRow(ReadOnlySpan<byte> key, byte[] row)
    {
        Index?.WaitForRoom();
        return Rows.Put(key, row);
    }

    /// <summary>Deletes a key.</summary>
    /// <returns>True if it had a vector.</returns>
    public bool Delete(ReadOnlySpan<byte> key) => Rows.Delete(key);

    internal byte[] RowOf(ReadOnlySpan<float> vector) => RowOf(VectorElements.FromFloats(Options, vector));

    internal byte[] RowOf(ReadOnlySpan<byte> elements)
    {
        var options = Options;
        VectorRow.Require(elements, options);
        var row = new byte[VectorRow.LengthOf(options)];
        VectorRow.Write(row, elements);
        return row;
    }

    // ------------------------------------------------------------------------------------------------ reading

    /// <summary>The vector of a key; null if it has none.</summary>
    /// <param name="asOf">The moment to read at; null: the session's.</param>
    /// <exception cref="HistoryUnavailableException">The moment lies below the history floor.</exception>
    public float[]? Get(ReadOnlySpan<byte> key, SystemTime? asOf = null) =>
        Rows.Get(key, asOf) is { } row ? VectorElements.ToFloats(Options, VectorRow.Read(row, Options)) : null;

    /// <summary>The same as components in the collection's element type.</summary>
    public byte[]? GetElements(ReadOnlySpan<byte> key, SystemTime? asOf = null) =>
        Rows.Get(key, asOf) is { } row ? VectorRow.Read(row, Options).ToArray() : null;

    /// <summary>Whether a key has a vector.</summary>
    public bool Exists(ReadOnlySpan<byte> key, SystemTime? asOf = null) => Rows.Exists(key, asOf);

    /// <summary>Keys in order.</summary>
    public IEnumerable<byte[]> Keys(ScanOptions? options = null)
    {
        using var cursor = Rows.OpenCursor(options);
        while (cursor.MoveNext()) yield return cursor.Key.ToArray();
    }

    /// <summary>The nearest vectors, nearest first.</summary>
    /// <param name="query">Shape [d].</param>
    /// <param name="k">How many at most; fewer come only where fewer exist.</param>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this collection, or an option out of its range. LimitExceeded: more than a million
    /// answers.</exception>
    /// <exception cref="HistoryUnavailableException">The moment lies below the history floor.</exception>
    public IReadOnlyList<CollectionMatch> Search(ReadOnlySpan<float> query, int k, VectorSearchOptions? options = null) =>
        Search(VectorElements.FromFloats(Options, query), k, options, isChecked: true);

    /// <summary>The same for components in the collection's element type.</summary>
    public IReadOnlyList<CollectionMatch> SearchElements(ReadOnlyMemory<byte> query, int k, VectorSearchOptions? options = null) =>
        Search(query, k, options, isChecked: false);

    CollectionMatch[] Search(ReadOnlyMemory<byte> query, int k, VectorSearchOptions? options, bool isChecked)
    {
        if (!isChecked) VectorRow.Require(query.Span, Options);
        options ??= VectorSearchOptions.Default;
        var found = Find(new VectorQuestion
        {
            Elements = query,
            K = k,
            Ef = options.Ef,
            Offset = options.Offset,
            DistanceMax = options.DistanceMax,
            Exact = options.Exact,
            AsOf = options.AsOf ?? _session.Moment,
        });
        return [.. found.Select(answer => new CollectionMatch(answer.Key, answer.Distance))];
    }

    internal List<VectorAnswer> Find(in VectorQuestion question)
    {
        _session.RequireOpen();
        var options = Options;
        if (Index is { } index) return index.Search(question);
        var view = question.AsOf is { } moment ? ReadView.AsOf(moment) : ReadView.Present;
        return CollectionIndex.SearchRows(_session.Database.Router, Rows.Id, options, view, question);
    }

    /// <summary>How many vectors there are.</summary>
    public long Count
    {
        get
        {
            if (_session.Moment is null && Index?.CountRows() is { } known) return known;
            long count = 0;
            using var cursor = Rows.OpenCursor();
            while (cursor.MoveNext()) count++;
            return count;
        }
    }

    /// <summary>What it holds, and how far its index is.</summary>
    public CollectionStatistics Describe()
    {
        var index = Index;
        return new CollectionStatistics(Count, index?.Indexed ?? 0, index?.TailRows ?? 0, index?.MemoryBytes ?? 0,
            index is null ? "none" : index.Refusal?.Message ?? index.State.ToString().ToLowerInvariant(), index?.Damage)
        {
            Coded = index?.Coded ?? 0, BytesPerVector = index?.BytesPerVector ?? 0,
        };
    }

    /// <summary>Returns when everything that was written by now is in the graph. Not needed for searches to find it.</summary>
    /// <returns>False: it is not, and will not be soon: the index has no memory, or has ended.</returns>
    public bool WaitIndexed() => Index?.WaitIndexed() ?? false;

    /// <summary>Every version of a key that may still be asked about, newest first; values are rows (docs/formats/vectors.md).</summary>
    public IReadOnlyList<HistoryEntry> History(ReadOnlySpan<byte> key) => Rows.History(key);
}
