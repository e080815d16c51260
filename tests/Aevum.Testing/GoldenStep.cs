using System.Globalization;

namespace Aevum.Testing;

/// <summary>One step of a golden script: a name, arguments on the same line, and lines of input.</summary>
/// <param name="Script">Path of the script, as the test was given it.</param>
/// <param name="Line">Line of the step's name, from 1.</param>
/// <param name="Name">First word.</param>
/// <param name="Arguments">The other words of the line: plain words, or key=value.</param>
/// <param name="Input">The lines between the name and the dashes, joined by line feeds; empty if there are none.</param>
public sealed record GoldenStep(string Script, int Line, string Name, IReadOnlyList<string> Arguments, string Input)
{
    /// <summary>The input's lines; none if there is no input.</summary>
    public IReadOnlyList<string> InputLines => Input.Length == 0 ? [] : Input.Split('\n');

    /// <summary>True if the plain word stands among the arguments.</summary>
    public bool Has(string word) => Arguments.Contains(word);

    /// <summary>The value of key=value; <paramref name="otherwise"/> if the key is not there.</summary>
    public string Argument(string key, string otherwise) =>
        Arguments.FirstOrDefault(a => a.StartsWith(key + "=", StringComparison.Ordinal))?[(key.Length + 1)..] ?? otherwise;

    /// <summary>The value of key=value as a number.</summary>
    public long Argument(string key, long otherwise)
    {
        var text = Argument(key, "");
        if (text.Length == 0) return otherwise;
        return long.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : throw Wrong($"{key}={text} is not a number");
    }

    /// <summary>For the last arm of a switch over <see cref="Name"/>.</summary>
    public Exception Unknown() => Wrong($"no step is called '{Name}' here");

    /// <summary>An error in the script itself.</summary>
    public Exception Wrong(string message) => new FormatException($"{Script}:{Line}: {message}");
}
