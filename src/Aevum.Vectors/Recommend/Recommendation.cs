// Recommendation: what is near to some examples and far from others, over any index that can search by a vector.
//
//   AverageVector   one search. With p the mean of the positive examples and n that of the negative ones, the query is
//                       p                 without negative examples
//                       p + (p - n)       with them: p, moved away from n by as far as n is away from p
//                   Under Cosine every example counts with length 1, and so does the query.
//   BestScore       one search for each positive example; then every row found is scored by its best example. With d+ the least distance to a positive
//                   example and d- the least to a negative one,
//                       score = 1 / (1 + d+)              where d+ <= d-, or without negative examples
//                       score = -1 / (1 + d-)             where a negative example is nearer
//                   under InnerProduct, whose distances have no least value, with sigmoid(-d) in place of 1 / (1 + d).
//
// The average suits examples that mean one thing; the best score keeps several tastes apart, and costs a search for each positive example. A row is
// never among the results if it is one of the examples by id. Deterministic: the higher score first, among equal ones the lower id.
//
// Not here: an index. The caller gives two functions: search by a vector, and read a vector by id. Managed memory is used; a recommendation is a few searches.

using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Recommend;

/// <summary>How examples become an order.</summary>
public enum RecommendStrategy : byte
{
    AverageVector = 1,
    BestScore = 2,
}

/// <summary>An example: a vector, or the id of a row whose vector is meant and which is no result itself.</summary>
public readonly record struct Example
{
    Example(float[]? vector, ulong? id) => (Vector, Id) = (vector, id);

    public float[]? Vector { get; }

    public ulong? Id { get; }

    public static Example Of(float[] vector) => new(vector, null);

    public static Example Of(ulong id) => new(null, id);
}

/// <param name="Id">Of the row.</param>
/// <param name="Score">Greater is better. AverageVector: the negated distance from the query. BestScore: the formula at the head of this file.</param>
public readonly record struct Recommended(ulong Id, float Score);

/// <summary>The <paramref name="results"/>.Length rows nearest to a vector, nearest first; returns how many there are.</summary>
public delegate int SearchByVector(ReadOnlySpan<float> vector, Span<VectorMatch> results);

/// <summary>The vector of an id; false where there is none.</summary>
public delegate bool ReadVector(ulong id, Span<float> vector);

public sealed class Recommendation(VectorShape shape, SearchByVector search, ReadVector read)
{
    /// <summary>Rows looked for with each positive example, for each row asked for: those nearest to one may be ruled out by a negative one.</summary>
    const int BestScoreDepth = 4;

    const int ExamplesMax = 1024;

    /// <summary>At most <paramref name="count"/> rows, best first.</summary>
    /// <param name="positives">At least one.</param>
    /// <param name="negatives">May be empty.</param>
    /// <exception cref="AevumException">InvalidArgument: no positive example, a vector that is none of this shape, vectors of bits by average, examples that
    /// cancel each other out under Cosine. NotFound: an id of an example. LimitExceeded: too many examples.</exception>
    public Recommended[] Find(ReadOnlySpan<Example> positives, ReadOnlySpan<Example> negatives, int count, RecommendStrategy strategy)
    {
        if (count < 0) Throw.Invalid($"the number of recommendations is at least 0, not {count}");
        if (positives.IsEmpty) Throw.Invalid("a recommendation needs a positive example");
        if (positives.Length + negatives.Length > ExamplesMax) Throw.Limit("the number of examples", positives.Length + negatives.Length, ExamplesMax);
        if (!Enum.IsDefined(strategy)) Throw.Invalid($"there is no strategy {(int)strategy}");
        var excluded = new HashSet<ulong>();
        var likes = Read(positives, excluded);
        var dislikes = Read(negatives, excluded);
        if (count == 0) return [];
        return strategy == RecommendStrategy.AverageVector ? ByAverage(likes, dislikes, excluded, count) : ByBestScore(likes, dislikes, excluded, count);
    }

    Recommended[] ByAverage(List<float[]> likes, List<float[]> dislikes, HashSet<ulong> excluded, int count)
    {
        if (shape.Element is ElementType.Bit or ElementType.Int8) Throw.Invalid($"vectors of {shape} have no average; use the best score");
        var query = Mean(likes);
        if (dislikes.Count > 0)
        {
            var away = Mean(dislikes);
            for (var i = 0; i < query.Length; i++) query[i] += query[i] - away[i];
        }
        var matches = new VectorMatch[checked(count + excluded.Count)];
        var found = search(query, matches);
        return [.. matches[..found].Where(m => !excluded.Contains(m.Id)).Take(count).Select(m => new Recommended(m.Id, -m.Distance))];
    }

    Recommended[] ByBestScore(List<float[]> likes, List<float[]> dislikes, HashSet<ulong> excluded, int count)
    {
        var candidates = new HashSet<ulong>();
        var matches = new VectorMatch[checked((int)Math.Min((BestScoreDepth * (long)count) + excluded.Count, int.MaxValue / 64))];
        foreach (var like in likes)
            foreach (var match in matches.AsSpan(0, search(like, matches)))
                if (!excluded.Contains(match.Id)) candidates.Add(match.Id);
        var stored = new byte[shape.Bytes];
        var positive = likes.ConvertAll(v => Encode(v));
        var negative = dislikes.ConvertAll(v => Encode(v));
        var vector = new float[shape.Dimension];
        var scored = new List<Recommended>(candidates.Count);
        foreach (var id in candidates)
        {
            // Deleted since it was found: no result.
            if (!read(id, vector)) continue;
            VectorEncoder.Encode(shape, vector, stored);
            var near = positive.Min(p => Distance(p, stored));
            var far = negative.Count == 0 ? float.PositiveInfinity : negative.Min(n => Distance(n, stored));
            scored.Add(new(id, near <= far ? Nearness(near) : -Nearness(far)));
        }
        return [.. scored.OrderByDescending(s => s.Score).ThenBy(s => s.Id).Take(count)];
    }

    /// <summary>From 1 (as near as can be) down to 0.</summary>
    float Nearness(float distance) => shape.Metric == Metric.InnerProduct ? 1 / (1 + MathF.Exp(distance)) : 1 / (1 + distance);

    List<float[]> Read(ReadOnlySpan<Example> examples, HashSet<ulong> excluded)
    {
        var vectors = new List<float[]>(examples.Length);
        foreach (var example in examples)
        {
            var vector = example.Vector;
            if (example.Id is { } id)
            {
                vector = new float[shape.Dimension];
                if (!read(id, vector)) throw new AevumException(ErrorCode.NotFound, $"there is no vector {id} to take as an example");
                excluded.Add(id);
            }
            if (vector is null) Throw.Invalid("an example is a vector or an id");
            Encode(vector);   // refuses what is no vector of this shape
            vectors.Add(vector);
        }
        return vectors;
    }

    float[] Mean(List<float[]> vectors)
    {
        var sums = new double[shape.Dimension];
        foreach (var vector in vectors)
        {
            var length = shape.Metric == Metric.Cosine ? Math.Sqrt(vector.Sum(x => (double)x * x)) : 1;
            for (var i = 0; i < sums.Length; i++) sums[i] += vector[i] / length;
        }
        return Array.ConvertAll(sums, s => (float)(s / vectors.Count));
    }

    byte[] Encode(float[] vector)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        return stored;
    }

    unsafe float Distance(byte[] a, byte[] b)
    {
        fixed (byte* x = a, y = b)
        {
            var visitor = new OneDistance { Query = x, Vector = y };
            return DistanceDispatch.Run<OneDistance, float>(shape, ref visitor);
        }
    }

    unsafe struct OneDistance : IDistanceVisitor<float>
    {
        public byte* Query;
        public byte* Vector;

        public readonly float Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => distance.One(Query, Vector);
    }
}
