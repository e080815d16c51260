namespace Aevum.Cli.Shell;

/// <summary>One command of the shell.</summary>
/// <param name="Usage">Its name and arguments, as help shows them: [X] may be left out, X... may be several.</param>
/// <param name="Meaning">For help.</param>
/// <param name="Run">Given the arguments, of a right number.</param>
sealed record ShellVerb(string Usage, string Meaning, Action<ShellSession, IReadOnlyList<byte[]>> Run)
{
    // "[--ttl TIME]" is one part of two words.
    readonly string[] _parts = Usage.Replace("[--ttl TIME]", "[--ttl] [TIME]", StringComparison.Ordinal).Split(' ');

    public string Name => _parts[0];

    public bool Takes(int count)
    {
        var needed = _parts.Skip(1).Count(p => p[0] != '[');
        var takesMore = Usage.EndsWith("...", StringComparison.Ordinal) || Usage.EndsWith("...]", StringComparison.Ordinal);
        return count >= needed && (count < _parts.Length || takesMore);
    }
}
