namespace Aevum.Bench.Workloads.Vectors;

/// <summary>One way to index a data set, as a row measures it. To add one: implement this and <see cref="IBuiltIndex"/>, and name it in
/// <see cref="IndexVariants"/>.</summary>
interface IIndexVariant
{
    /// <summary>Indexes all rows, under their row numbers.</summary>
    /// <param name="threads">How many insert at once.</param>
    IBuiltIndex Build(DataSet set, int threads);
}

/// <summary>An index that can be asked. One thread at a time.</summary>
interface IBuiltIndex : IDisposable
{
    /// <summary>Bytes a vector in memory: codes, links, upper levels, row id; told beside the rows.</summary>
    double BytesPerVector { get; }

    /// <summary>Asks every query once, on the calling thread.</summary>
    /// <param name="ef">Candidates kept while walking, or whatever trades time for recall here: a greater one never means less work.</param>
    /// <param name="found"><see cref="Truth.K"/> row numbers a query, nearest first; uint.MaxValue where there are fewer.</param>
    void SearchAll(DataSet set, int ef, Span<uint> found);
}

/// <summary>An index that reads whole vectors from a file.</summary>
interface IDroppedIndex : IBuiltIndex
{
    /// <summary>Lets the system forget what it holds of the file.</summary>
    void DropCache();
}
