using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

/// <summary>The row of a packed object while it is changed: its tag and its entries, in memory that is kept and used again.</summary>
public sealed class PackedBuffer
{
    byte[] _row = new byte[256];
    int _length = 1;

    /// <summary>A number that is another one after every change: places noted before it may lie anywhere.</summary>
    public int Changes { get; private set; }

    /// <summary>The whole row.</summary>
    public ReadOnlySpan<byte> Row => _row.AsSpan(0, _length);

    /// <summary>The entries. Valid until the next change.</summary>
    public ReadOnlySpan<byte> Entries => _row.AsSpan(1, _length - 1);

    /// <summary>Bytes of the entries.</summary>
    public int Length => _length - 1;

    /// <summary>Begins with the entries of a row.</summary>
    public void Load(StructureKind kind, ReadOnlySpan<byte> entries)
    {
        if (_row.Length < entries.Length + 1) _row = new byte[Math.Max(entries.Length + 1, 2 * _row.Length)];
        _row[0] = StructureHead.TagOf(kind);
        entries.CopyTo(_row.AsSpan(1));
        _length = entries.Length + 1;
        Changes++;
    }

    /// <summary>Puts an entry in at a place.</summary>
    /// <param name="at">A byte of <see cref="Entries"/> at which an entry begins, or their end.</param>
    /// <returns>Where the next entry begins.</returns>
    public int Insert(int at, ReadOnlySpan<byte> entry)
    {
        var size = PackedEntries.SizeOf(entry.Length);
        PackedEntries.Write(Splice(at, at, size), entry);
        return at + size;
    }

    /// <summary>Puts an entry in the place of others.</summary>
    public void Replace(int start, int end, ReadOnlySpan<byte> entry) => PackedEntries.Write(Splice(start, end, PackedEntries.SizeOf(entry.Length)), entry);

    /// <summary>Takes entries out.</summary>
    public void Remove(int start, int end) => Splice(start, end, 0);

    /// <summary>Adds an entry.</summary>
    public void Append(ReadOnlySpan<byte> entry) => Insert(Length, entry);

    // Room in the place of [start, end).
    Span<byte> Splice(int start, int end, int size)
    {
        if ((uint)start > (uint)end || end > Length) Throw.Invalid("a place outside of packed entries");
        var length = _length - (end - start) + size;
        if (length > _row.Length) Array.Resize(ref _row, Math.Max(length, 2 * _row.Length));
        if (length != _length) Array.Copy(_row, end + 1, _row, start + 1 + size, _length - end - 1);
        _length = length;
        Changes++;
        return _row.AsSpan(start + 1, size);
    }
}
