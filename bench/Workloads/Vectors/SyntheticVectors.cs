// SyntheticVectors: clusters of unequal size and spread in twenty dimensions, laid into many by a random map, with a little noise. So graphs behave on
// them as on real descriptors: independent normal components would be unfairly hard, and tight clusters unfairly easy.
//
//   x = z W + 0.05 n     z = centre of a cluster + spread * n     W: 20 x d, normal / sqrt(20)
//   clusters: max(64, count / 1000), centres normal in 20 dimensions, spreads uniform in 0.3 to 0.7, shares exponential
//
// Queries are drawn as the rows are, after them. The same seed gives the same bytes wherever Math.Log, Cos and Sqrt agree to the last bits.

using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Vectors;

sealed class SyntheticVectors
{
    const int Inner = 20;

    readonly SeededRandom _random;
    readonly float[] _map;
    readonly float[] _centres;
    readonly float[] _spreads;
    readonly double[] _shares;   // running sum, last is 1
    readonly int _dimension;
    double _spare = double.NaN;

    SyntheticVectors(int count, int dimension, ulong seed)
    {
        _random = new SeededRandom(seed);
        _dimension = dimension;
        var clusters = Math.Max(64, count / 1000);
        _map = Normals(Inner * dimension, 1 / Math.Sqrt(Inner));
        _centres = Normals(clusters * Inner, 1);
        _spreads = [.. Enumerable.Range(0, clusters).Select(_ => (float)(0.3 + (0.4 * _random.NextDouble())))];
        _shares = [.. Enumerable.Range(0, clusters).Select(_ => -Math.Log(1 - _random.NextDouble()))];
        for (var i = 1; i < clusters; i++) _shares[i] += _shares[i - 1];
        var all = _shares[^1];
        for (var i = 0; i < clusters; i++) _shares[i] /= all;
    }

    public static void Write(string rowsFile, string queriesFile, int count, int dimension, int queries, ulong seed)
    {
        var vectors = new SyntheticVectors(count, dimension, seed);
        VectorFile.Write(rowsFile, dimension, count, (_, row) => vectors.Next(row));
        VectorFile.Write(queriesFile, dimension, queries, (_, row) => vectors.Next(row));
    }

    void Next(Span<float> row)
    {
        var cluster = Array.BinarySearch(_shares, _random.NextDouble());
        if (cluster < 0) cluster = Math.Min(~cluster, _shares.Length - 1);
        for (var c = 0; c < row.Length; c++) row[c] = (float)(0.05 * Normal());
        for (var i = 0; i < Inner; i++)
        {
            var z = _centres[(cluster * Inner) + i] + (_spreads[cluster] * (float)Normal());
            var map = _map.AsSpan(i * _dimension, _dimension);
            for (var c = 0; c < row.Length; c++) row[c] += z * map[c];
        }
    }

    float[] Normals(int count, double scale) => [.. Enumerable.Range(0, count).Select(_ => (float)(Normal() * scale))];

    // Box and Muller: two at a time.
    double Normal()
    {
        if (!double.IsNaN(_spare))
        {
            var spare = _spare;
            _spare = double.NaN;
            return spare;
        }
        var length = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()));
        var (sin, cos) = Math.SinCos(2 * Math.PI * _random.NextDouble());
        _spare = length * sin;
        return length * cos;
    }
}
