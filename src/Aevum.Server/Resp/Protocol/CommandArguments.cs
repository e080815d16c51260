namespace Aevum.Server.Resp.Protocol;

/// <summary>Where an argument lies in the bytes of its request.</summary>
readonly record struct ArgumentRange(int Offset, int Length);

/// <summary>A request: the command's name and its arguments, where they were received.</summary>
readonly ref struct CommandArguments(ReadOnlySpan<byte> bytes, ReadOnlySpan<ArgumentRange> ranges)
{
    readonly ReadOnlySpan<byte> _bytes = bytes;
    readonly ReadOnlySpan<ArgumentRange> _ranges = ranges;

    /// <summary>The name counts.</summary>
    public int Count => _ranges.Length;

    /// <summary>Up to the end of the last one, the protocol's own among them.</summary>
    public int Bytes => _ranges.IsEmpty ? 0 : _ranges[^1].Offset + _ranges[^1].Length;

    /// <summary>The name is 0.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var range = _ranges[index];
            return _bytes.Slice(range.Offset, range.Length);
        }
    }

    /// <summary>The request without its first words: a subcommand's own.</summary>
    public CommandArguments From(int index) => new(_bytes, _ranges[index..]);

    /// <summary>True if an argument is a word, in small letters or large ones.</summary>
    /// <param name="word">In small letters.</param>
    public bool Is(int index, ReadOnlySpan<byte> word) => Words.EqualsIgnoreCase(this[index], word);
}
