// HeadDraw: a key of a database at random, where keys are ordered by their bytes and nobody knows how many there are.
//
// Sampling and importance resampling (Rubin 1987) over random descents of the trie of keys. A descent goes down from the common beginning of all keys,
// byte by byte, to a child of equal chance with its siblings, until few keys are left below, of which it takes one. The chance p with which a
// descent ends at the key it ended at is the product of what it chose from, so it is known. Of DescentsMax descents one is taken, each with a
// weight of 1/p: that makes up for lopsided tries, where a descent alone would find a lone "zzz" beside a million "user:..." half of the time.
//
// A database of at most NearMax keys is drawn from exactly. A larger one costs a seek for every child of every level passed, and nothing that grows with
// its keys but by the depth of the trie. Near-uniform, not uniform: the more descents, the nearer.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class HeadDraw(IRowReader rows, KeyspaceId keyspace, SeededRandom random)
{
    const int NearMax = 64;
    const int DescentsMax = 8;

    readonly KeyBuffer _key = new();
    readonly Dictionary<byte[], Node> _nodes = new(KeyComparer.Instance);

    // What lies below the beginning of keys: all keys, if they are few; else the longer beginnings one byte on.
    sealed record Node(List<byte[]> Keys, List<byte[]> Children);

    /// <summary>A user's key; null: there is none.</summary>
    public byte[]? Draw()
    {
        var root = new byte[KeyspaceId.PrefixBytes];
        keyspace.WriteTo(root);
        byte[]? drawn = null;
        var total = 0.0;
        for (var i = 0; i < DescentsMax; i++)
        {
            var (key, weight) = Descend(root);
            if (key is null) continue;
            total += weight;
            if (drawn is null || random.NextDouble() * total < weight) drawn = key;
            if (NodeOf(root).Children.Count == 0) break;   // exact already
        }
        return drawn;
    }

    (byte[]? Key, double Weight) Descend(byte[] at)
    {
        var weight = 1.0;
        while (true)
        {
            var node = NodeOf(at);
            if (node.Children.Count == 0)
                return node.Keys.Count == 0 ? (null, 0) : (node.Keys[random.Next(node.Keys.Count)], weight * node.Keys.Count);
            weight *= node.Children.Count;
            at = node.Children[random.Next(node.Children.Count)];
        }
    }

    Node NodeOf(byte[] prefix)
    {
        if (_nodes.TryGetValue(prefix, out var known)) return known;
        var node = new Node([], []);
        var end = KeyRange.PrefixEnd(prefix);
        HeadWalk.Run(rows, keyspace, prefix, (key, _, _) =>
        {
            node.Keys.Add(key.ToArray());
            return node.Keys.Count <= NearMax;
        }, end);
        if (node.Keys.Count > NearMax)
        {
            FindChildren(prefix, end, node.Keys[0], node.Children);
            node.Keys.Clear();
        }
        return _nodes[prefix] = node;
    }

    void FindChildren(byte[] prefix, byte[]? end, byte[] firstKey, List<byte[]> children)
    {
        var first = _key.HeadOf(keyspace, firstKey).ToArray();
        var last = new LastRow();
        rows.Scan(prefix, end ?? [], last, descending: true);
        // The last row may be an element, even one of an object that is gone: then less is known to be common, and what is, is.
        var common = Math.Max(prefix.Length, first.AsSpan().CommonPrefixLength(last.Key));
        var next = first;
        while (next is not null)
        {
            var child = next[..Math.Min(common + 1, next.Length)];
            children.Add(child);
            next = KeyRange.PrefixEnd(child) is { } behind && (end is null || behind.AsSpan().SequenceCompareTo(end) < 0) ? FirstHead(behind, end) : null;
        }
    }

    byte[]? FirstHead(byte[] from, byte[]? end)
    {
        byte[]? found = null;
        HeadWalk.Run(rows, keyspace, from, (key, _, _) =>
        {
            found = _key.HeadOf(keyspace, key).ToArray();
            return false;
        }, end);
        return found;
    }

    sealed class LastRow : IRowVisitor
    {
        public byte[] Key { get; private set; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            Key = key.ToArray();
            return false;
        }
    }
}
