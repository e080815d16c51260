namespace Aevum.Cli.Benching;

/// <summary>Errors by their text, as many texts as fit on a page. Any thread: errors are rare, or the load is none.</summary>
sealed class ErrorTally
{
    const int TextsMax = 20;
    const string Others = "others";

    readonly Lock _gate = new();
    readonly Dictionary<string, long> _counts = [];

    public void Add(string text)
    {
        lock (_gate)
        {
            if (_counts.Count >= TextsMax && !_counts.ContainsKey(text)) text = Others;
            _counts[text] = _counts.GetValueOrDefault(text) + 1;
        }
    }

    /// <summary>All of them, the most frequent first.</summary>
    public (string Text, long Count)[] All()
    {
        lock (_gate) return [.. _counts.Select(c => (c.Key, c.Value)).OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal)];
    }
}
