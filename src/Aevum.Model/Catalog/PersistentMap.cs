// PersistentMap: an immutable ordered map. A change gives a new map that shares all but the path to the change with the old one.
//
// It is an AVL tree (Adelson-Velsky and Landis, "An algorithm for the organization of information", 1962) whose nodes are copied, not
// changed.
//
// Always true: keys ascend from left to right; the heights of a node's children differ by at most one, so a path has at most 1.44 log2(n)
// nodes.
//
// Why not one of the base library: those that share structure cannot be asked with a span in place of a string. Why not a hash trie: the
// order of what is listed would hang on hashes, and users choose the names.

namespace Aevum.Model.Catalog;

/// <summary>What is looked for, where making a key would allocate. Orders itself among keys as an equal key would.</summary>
interface IProbe<TKey>
{
    /// <returns>Below zero if it lies before the key, zero if it is the key.</returns>
    int CompareTo(in TKey key);
}

sealed class PersistentMap<TKey, TValue> where TKey : struct, IComparable<TKey>
{
    sealed class Node(TKey key, TValue value, Node? left, Node? right)
    {
        public readonly TKey Key = key;
        public readonly TValue Value = value;
        public readonly Node? Left = left, Right = right;
        public readonly int Height = 1 + Math.Max(HeightOf(left), HeightOf(right));
    }

    public static PersistentMap<TKey, TValue> Empty { get; } = new(null, 0);

    readonly Node? _root;

    PersistentMap(Node? root, int count) => (_root, Count) = (root, count);

    public int Count { get; }

    internal int Height => HeightOf(_root);

    /// <summary>Walks the whole tree: whether what is always true of it is.</summary>
    internal bool IsBalanced
    {
        get
        {
            static bool Holds(Node? node) => node is null
                || (Math.Abs(HeightOf(node.Left) - HeightOf(node.Right)) <= 1 && Holds(node.Left) && Holds(node.Right));
            return Holds(_root);
        }
    }

    public bool TryFind(TKey key, out TValue value)
    {
        for (var node = _root; node is not null;)
        {
            var order = key.CompareTo(node.Key);
            if (order == 0)
            {
                value = node.Value;
                return true;
            }
            node = order < 0 ? node.Left : node.Right;
        }
        value = default!;
        return false;
    }

    public bool TryFind<TProbe>(TProbe probe, out TValue value) where TProbe : IProbe<TKey>, allows ref struct
    {
        for (var node = _root; node is not null;)
        {
            var order = probe.CompareTo(in node.Key);
            if (order == 0)
            {
                value = node.Value;
                return true;
            }
            node = order < 0 ? node.Left : node.Right;
        }
        value = default!;
        return false;
    }

    public PersistentMap<TKey, TValue> With(TKey key, TValue value)
    {
        var added = false;
        var root = Insert(_root, key, value, ref added);
        return new(root, Count + (added ? 1 : 0));
    }

    /// <returns>This map if the key is not in it.</returns>
    public PersistentMap<TKey, TValue> Without(TKey key)
    {
        var removed = false;
        var root = Remove(_root, key, ref removed);
        return removed ? new(root, Count - 1) : this;
    }

    /// <summary>All from the first key at or after <paramref name="first"/>, in order.</summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> From(TKey first)
    {
        // The path to the next node: those whose left side is done and that are themselves still to come.
        var path = new Stack<Node>();
        for (var node = _root; node is not null;)
        {
            var isBefore = node.Key.CompareTo(first) < 0;
            if (!isBefore) path.Push(node);
            node = isBefore ? node.Right : node.Left;
        }
        while (path.TryPop(out var next))
        {
            yield return new(next.Key, next.Value);
            for (var node = next.Right; node is not null; node = node.Left) path.Push(node);
        }
    }

    static int HeightOf(Node? node) => node?.Height ?? 0;

    static Node Insert(Node? node, TKey key, TValue value, ref bool added)
    {
        if (node is null)
        {
            added = true;
            return new Node(key, value, null, null);
        }
        var order = key.CompareTo(node.Key);
        if (order == 0) return new Node(key, value, node.Left, node.Right);
        return order < 0
            ? Join(node, Insert(node.Left, key, value, ref added), node.Right)
            : Join(node, node.Left, Insert(node.Right, key, value, ref added));
    }

    static Node? Remove(Node? node, TKey key, ref bool removed)
    {
        if (node is null) return null;
        var order = key.CompareTo(node.Key);
        if (order < 0)
        {
            var left = Remove(node.Left, key, ref removed);
            return removed ? Join(node, left, node.Right) : node;
        }
        if (order > 0)
        {
            var right = Remove(node.Right, key, ref removed);
            return removed ? Join(node, node.Left, right) : node;
        }
        removed = true;
        if (node.Left is null) return node.Right;
        if (node.Right is null) return node.Left;
        var next = node.Right;
        while (next.Left is not null) next = next.Left;
        return Join(next, node.Left, Remove(node.Right, next.Key, ref removed));
    }

    // A node with middle's key and value over two trees whose heights differ by at most two, turned so that they differ by at most one.
    static Node Join(Node middle, Node? left, Node? right)
    {
        var tilt = HeightOf(left) - HeightOf(right);
        if (tilt > 1)
        {
            if (HeightOf(left!.Left) >= HeightOf(left.Right)) return Over(left, left.Left, Over(middle, left.Right, right));
            var inner = left.Right!;
            return Over(inner, Over(left, left.Left, inner.Left), Over(middle, inner.Right, right));
        }
        if (tilt < -1)
        {
            if (HeightOf(right!.Right) >= HeightOf(right.Left)) return Over(right, Over(middle, left, right.Left), right.Right);
            var inner = right.Left!;
            return Over(inner, Over(middle, left, inner.Left), Over(right, inner.Right, right.Right));
        }
        return Over(middle, left, right);
    }

    static Node Over(Node middle, Node? left, Node? right) => new(middle.Key, middle.Value, left, right);
}
