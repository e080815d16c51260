// HistoryGraph: who must come before whom, and whether that goes round in a circle.

using System.Text;

namespace Aevum.Testing.Histories;

[Flags]
enum Dependency
{
    /// <summary>Wrote the version after the other's.</summary>
    WriteWrite = 1,

    /// <summary>Read what the other wrote.</summary>
    WriteRead = 2,

    /// <summary>Overwrote what the other had read of a key.</summary>
    ReadWrite = 4,

    /// <summary>Changed what the other had found in a range.</summary>
    RangeWrite = 8,

    /// <summary>Began when the other had ended.</summary>
    RealTime = 16,
}

sealed class HistoryGraph(IReadOnlyList<string> names)
{
    readonly record struct Edge(int To, Dependency Kind, string Key);

    readonly List<List<Edge>> _edges = [.. names.Select(_ => new List<Edge>())];
    readonly List<string> _names = [.. names];

    public int Count => _edges.Count;

    /// <summary>A node that stands for no transaction.</summary>
    public int AddNode(string name)
    {
        _names.Add(name);
        _edges.Add([]);
        return _edges.Count - 1;
    }

    public void Add(int from, int to, Dependency kind, string key)
    {
        if (from != to) _edges[from].Add(new(to, kind, key));
    }

    /// <summary>The same without the edges of some kinds that leave some nodes.</summary>
    public HistoryGraph Without(Dependency kinds, Predicate<int> from)
    {
        var other = new HistoryGraph(_names);
        for (var node = 0; node < Count; node++)
            other._edges[node].AddRange(from(node) ? _edges[node].Where(e => (e.Kind & kinds) == 0) : _edges[node]);
        return other;
    }

    /// <summary>A short circle of edges of these kinds, with few of the spaced; null if there is none.</summary>
    /// <param name="kinds">Those that may stand anywhere.</param>
    /// <param name="spaced">Those that may stand only where the edge before and the edge behind are of the others.</param>
    /// <returns>Its text, and all kinds in it with how many anti-dependencies.</returns>
    public (string Text, Dependency Kinds, int Spaced)? FindCircle(Dependency kinds, Dependency spaced = 0)
    {
        (string Text, Dependency Kinds, int Spaced)? best = null;
        foreach (var start in NodesInCircles(kinds | spaced))
        {
            if (FindCircleThrough(start, kinds, spaced) is not { } circle) continue;
            if (best is null || circle.Spaced < best.Value.Spaced) best = circle;
            // None, or one where some may be, is the simplest thing to look at.
            if (best.Value.Spaced <= 1) break;
        }
        return best;
    }

    // Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1972; without recursion.
    IEnumerable<int> NodesInCircles(Dependency kinds)
    {
        var index = new int[Count];
        var low = new int[Count];
        var onStack = new bool[Count];
        var stack = new Stack<int>();
        var next = 0;
        for (var root = 0; root < Count; root++)
        {
            if (index[root] != 0) continue;
            var calls = new Stack<(int Node, int Edge)>();
            calls.Push((root, 0));
            while (calls.Count > 0)
            {
                var (node, at) = calls.Pop();
                if (at == 0)
                {
                    index[node] = low[node] = ++next;
                    stack.Push(node);
                    onStack[node] = true;
                }
                else
                {
                    low[node] = Math.Min(low[node], low[_edges[node][at - 1].To]);
                }
                var descends = false;
                for (; at < _edges[node].Count; at++)
                {
                    var (to, kind, _) = _edges[node][at];
                    if ((kind & kinds) == 0) continue;
                    if (index[to] == 0)
                    {
                        calls.Push((node, at + 1));
                        calls.Push((to, 0));
                        descends = true;
                        break;
                    }
                    if (onStack[to]) low[node] = Math.Min(low[node], index[to]);
                }
                if (descends || low[node] != index[node]) continue;
                var component = new List<int>();
                do
                {
                    component.Add(stack.Pop());
                    onStack[component[^1]] = false;
                }
                while (component[^1] != node);
                if (component.Count > 1)
                    foreach (var one in component) yield return one;
            }
        }
    }

    // Breadth first over (node, whether the edge that led there was spaced): a spaced edge may not follow one, the last and the first included.
    (string Text, Dependency Kinds, int Spaced)? FindCircleThrough(int start, Dependency kinds, Dependency spaced)
    {
        foreach (var firstIsSpaced in new[] { false, true })
        {
            var from = new Dictionary<(int Node, bool Spaced), ((int Node, bool Spaced) Before, Edge Edge)>();
            var queue = new Queue<(int Node, bool Spaced)>();
            void Step((int Node, bool Spaced) at, bool isFirst)
            {
                foreach (var edge in _edges[at.Node])
                {
                    var isSpaced = (edge.Kind & spaced) != 0;
                    if (!isSpaced && (edge.Kind & kinds) == 0) continue;
                    if (isFirst ? isSpaced != firstIsSpaced : isSpaced && at.Spaced) continue;
                    if (from.TryAdd((edge.To, isSpaced), (at, edge))) queue.Enqueue((edge.To, isSpaced));
                }
            }
            // The beginning is a state of its own, or a circle could not come back to it.
            Step((start, false), isFirst: true);
            while (queue.Count > 0)
            {
                var at = queue.Dequeue();
                if (at.Node == start)
                {
                    if (at.Spaced && firstIsSpaced) continue;
                    return Tell(start, at, from);
                }
                Step(at, isFirst: false);
            }
        }
        return null;

        (string, Dependency, int) Tell(
            int begin, (int Node, bool Spaced) end, Dictionary<(int Node, bool Spaced), ((int Node, bool Spaced) Before, Edge Edge)> from)
        {
            var path = new List<(int Node, Edge Edge)>();
            var at = end;
            do
            {
                var (before, edge) = from[at];
                path.Add((before.Node, edge));
                at = before;
            }
            while (at.Node != begin);
            path.Reverse();
            var text = new StringBuilder(_names[begin]);
            Dependency all = 0;
            var count = 0;
            foreach (var (_, edge) in path)
            {
                text.Append($" -{NameOf(edge.Kind)}({edge.Key})-> {_names[edge.To]}");
                all |= edge.Kind;
                if ((edge.Kind & (Dependency.ReadWrite | Dependency.RangeWrite)) != 0) count++;
            }
            return (text.ToString(), all, count);
        }
    }

    static string NameOf(Dependency kind) => kind switch
    {
        Dependency.WriteWrite => "ww",
        Dependency.WriteRead => "wr",
        Dependency.ReadWrite => "rw",
        Dependency.RangeWrite => "rw range",
        _ => "rt",
    };
}
