namespace Aevum.Core.Files;

/// <summary>Page numbers, each once, from which one can be drawn at random in constant time.</summary>
sealed class PageSet
{
    readonly List<int> _pages = [];
    readonly Dictionary<int, int> _positions = [];

    public int Count => _pages.Count;

    public int this[int position] => _pages[position];

    public void Add(int page)
    {
        if (_positions.TryAdd(page, _pages.Count)) _pages.Add(page);
    }

    public void Remove(int page)
    {
        if (!_positions.Remove(page, out var position)) return;
        var last = _pages[^1];
        _pages.RemoveAt(_pages.Count - 1);
        if (last == page) return;
        _pages[position] = last;
        _positions[last] = position;
    }

    public void Clear()
    {
        _pages.Clear();
        _positions.Clear();
    }

    public int[] ToSortedArray()
    {
        var pages = _pages.ToArray();
        Array.Sort(pages);
        return pages;
    }
}
