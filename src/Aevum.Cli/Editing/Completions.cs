namespace Aevum.Cli.Editing;

/// <summary>What the word before the cursor may become.</summary>
/// <param name="Start">Where the word begins.</param>
/// <param name="Words">What it may be, as it would be typed; in order.</param>
/// <param name="Common">What all of them begin with, those included that are too many to be listed.</param>
readonly record struct Completions(int Start, IReadOnlyList<string> Words, string Common)
{
    public static Completions None => new(0, [], "");

    /// <param name="start">Where the word begins.</param>
    /// <param name="word">What there is of it.</param>
    /// <param name="all">Words; those that begin so are taken.</param>
    public static Completions Among(int start, string word, IEnumerable<string> all)
    {
        var fitting = all.Where(w => w.StartsWith(word, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        return fitting.Count == 0 ? None : new Completions(start, fitting, CommonOf(fitting[0], fitting[^1]));
    }

    /// <summary>What two texts begin with; no half of a character. Of texts in order: of the first and last, and so of all between.</summary>
    public static string CommonOf(string one, string other)
    {
        var length = one.AsSpan().CommonPrefixLength(other);
        if (length > 0 && char.IsHighSurrogate(one[length - 1])) length--;
        return one[..length];
    }
}
