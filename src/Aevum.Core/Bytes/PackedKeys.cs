namespace Aevum.Core.Bytes;

/// <summary>Several keys one behind the other in the same bytes.</summary>
/// <param name="bytes">The keys.</param>
/// <param name="ends">Where each ends; the first begins at 0, the others where the one before ends.</param>
public readonly ref struct PackedKeys(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ends)
{
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public ReadOnlySpan<int> Ends { get; } = ends;

    public int Count => Ends.Length;

    public ReadOnlySpan<byte> this[int index] => Bytes[(index == 0 ? 0 : Ends[index - 1])..Ends[index]];
}
