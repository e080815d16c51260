// DataSet: what is indexed and what is asked for, as files that both sides read. Made once, kept under artifacts/.
//
//   wordnet           vectors of WordNet's 117,659 synsets (AEVUM_DATASETS), 1,000 of them, by a fixed shuffle, held out as queries
//   1m128, 100k768    made by SyntheticVectors: 1,000,000 x 128 and 100,000 x 768, with 1,000 queries; so is 50k128
//
// A quick run takes a tenth of the rows, a tiny one a five-hundredth and 100 queries; each size is a file of its own.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Vectors;

sealed class DataSet : IDisposable
{
    /// <summary>Where files of benchmarks are kept between runs.</summary>
    public const string Cache = "artifacts/vectors";

    const int WordNetDimension = 128;

    DataSet(string name, string rowsFile, string queriesFile)
    {
        Name = name;
        Rows = VectorFile.Read(rowsFile);
        Queries = VectorFile.Read(queriesFile);
    }

    public string Name { get; }

    public VectorFile Rows { get; }

    public VectorFile Queries { get; }

    public static DataSet Open(string name, Scale scale, TextWriter progress, string cache = Cache)
    {
        var share = scale switch { Scale.Full => 1, Scale.Quick => 10, _ => 500 };
        var queries = scale == Scale.Tiny ? 100 : 1000;
        var stem = Path.GetFullPath(Path.Combine(cache, string.Create(CultureInfo.InvariantCulture, $"{name}-{share}")));
        string rowsFile = stem + ".rows", queriesFile = stem + ".queries";
        if (!File.Exists(rowsFile) || !File.Exists(queriesFile))
        {
            progress.WriteLine($"making the data set {name}");
            switch (name)
            {
                case "wordnet":
                    WriteWordNet(rowsFile, queriesFile, share, queries);
                    break;
                case "50k128":
                    SyntheticVectors.Write(rowsFile, queriesFile, 50_000 / share, 128, queries, seed: 42);
                    break;
                case "1m128":
                    SyntheticVectors.Write(rowsFile, queriesFile, 1_000_000 / share, 128, queries, seed: 42);
                    break;
                case "100k768":
                    SyntheticVectors.Write(rowsFile, queriesFile, 100_000 / share, 768, queries, seed: 42);
                    break;
                default:
                    throw new BenchException($"there is no data set {name}");
            }
        }
        return new DataSet(name, rowsFile, queriesFile);
    }

    public void Dispose()
    {
        Rows.Dispose();
        Queries.Dispose();
    }

    static void WriteWordNet(string rowsFile, string queriesFile, int share, int queries)
    {
        var folder = Environment.GetEnvironmentVariable("AEVUM_DATASETS");
        var path = folder is null ? null : Path.Combine(folder, "wordnet", "vectors-128.f16");
        if (path is null || !File.Exists(path)) throw new BenchException("the vectors of WordNet are not under AEVUM_DATASETS");
        var halves = File.ReadAllBytes(path);
        var count = halves.Length / (2 * WordNetDimension);
        var order = Shuffle(count, seed: 5);
        void Fill(int at, Span<float> row)
        {
            var source = halves.AsSpan(order[at] * 2 * WordNetDimension, 2 * WordNetDimension);
            for (var i = 0; i < row.Length; i++) row[i] = (float)BitConverter.ToHalf(source[(2 * i)..]);
        }

        VectorFile.Write(queriesFile, WordNetDimension, queries, Fill);
        VectorFile.Write(rowsFile, WordNetDimension, (count - queries) / share, (i, row) => Fill(queries + i, row));
    }

    static int[] Shuffle(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        var order = Enumerable.Range(0, count).ToArray();
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
