using Aevum.Core.Time;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Every version of every id, looked through one by one: what an index should answer, now and as of any moment.</summary>
sealed class VectorIndexModel(VectorShape shape)
{
    readonly Dictionary<ulong, List<(ulong From, ulong To, byte[] Stored, float[] Vector)>> _versions = [];

    public ulong LastTime { get; private set; }

    public IEnumerable<ulong> Ids => _versions.Where(v => v.Value[^1].To == ulong.MaxValue).Select(v => v.Key).Order();

    public int Count => _versions.Count(v => v.Value[^1].To == ulong.MaxValue);

    public bool Contains(ulong id) => _versions.TryGetValue(id, out var versions) && versions[^1].To == ulong.MaxValue;

    public float[] Vector(ulong id) => _versions[id][^1].Vector;

    public bool Put(ulong id, float[] vector, ulong from)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        LastTime = Math.Max(LastTime, from);
        var isNew = !Contains(id);
        if (!_versions.TryGetValue(id, out var versions)) _versions[id] = versions = [];
        if (!isNew) versions[^1] = versions[^1] with { To = from };
        versions.Add((from, ulong.MaxValue, stored, vector));
        return isNew;
    }

    public bool Delete(ulong id, ulong at)
    {
        LastTime = Math.Max(LastTime, at);
        if (!Contains(id)) return false;
        var versions = _versions[id];
        versions[^1] = versions[^1] with { To = at };
        return true;
    }

    /// <summary>Ids and distances, nearest first.</summary>
    public (ulong Id, float Distance)[] Search(float[] query, SystemTime? asOf = null, Func<ulong, bool>? filter = null)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, query, stored);
        var time = asOf?.Value ?? LastTime;
        return [.. _versions.Where(v => filter is null || filter(v.Key))
            .SelectMany(v => v.Value.Where(e => e.From <= time && time < e.To).Select(e => (v.Key, Distance(stored, e.Stored))))
            .OrderBy(v => v.Item2).ThenBy(v => v.Key)];
    }

    unsafe float Distance(byte[] a, byte[] b)
    {
        fixed (byte* x = a, y = b)
        {
            var visitor = new OneDistance(x, y);
            return DistanceDispatch.Run<OneDistance, float>(shape, ref visitor, KernelWidth.Scalar);
        }
    }

    readonly unsafe struct OneDistance(byte* a, byte* b) : IDistanceVisitor<float>
    {
        public float Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance => distance.One(a, b);
    }
}
