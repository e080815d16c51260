// MemoryContent: the bytes of one file in memory, apart from its names.
//
// The bytes lie in one array of the pinned heap. It is replaced by a longer one as the file grows and otherwise never moves, so a reader
// may keep a pointer into the array it saw: what it saw of an append-only file stays true. The collector frees it when neither a
// name nor a handle is left, and a stale span can never touch memory that belongs to somebody else.
//
// Always true: the array holds at least Length bytes; a reader that has read Length sees all of them (the array is stored first).

using Aevum.Core.Errors;

namespace Aevum.Core.Files;

sealed class MemoryContent
{
    const int CapacityMin = 4096;

    byte[] _bytes;
    long _length;

    public MemoryContent() => _bytes = [];

    /// <summary>A region: zeros, all there from the start.</summary>
    public MemoryContent(string path, long length)
    {
        _bytes = Allocate(path, length);
        _length = length;
    }

    /// <summary>Whose lock it is, if it is a lock file that is held.</summary>
    public string? LockedBy { get; set; }

    /// <summary>How many hold it together.</summary>
    public int SharedLocks { get; set; }

    public long Length => Volatile.Read(ref _length);

    /// <summary>At least <see cref="Length"/> bytes at an address that stays.</summary>
    public byte[] Bytes => Volatile.Read(ref _bytes);

    public int Read(long offset, Span<byte> target)
    {
        var length = Length;
        if (offset >= length) return 0;
        var count = (int)Math.Min(target.Length, length - offset);
        Bytes.AsSpan((int)offset, count).CopyTo(target);
        return count;
    }

    /// <summary>Overwrites or lengthens; one writer at a time. A gap between the present end and <paramref name="offset"/> is
    /// zeros.</summary>
    public void Write(string path, long offset, ReadOnlySpan<byte> bytes)
    {
        var end = offset + bytes.Length;
        if (end > _bytes.Length)
        {
            if (end > Array.MaxLength) Throw.Limit($"{path}: the length of a file in memory", end, Array.MaxLength);
            var longer = Allocate(path, Math.Clamp(_bytes.Length * 2L, Math.Max(end, CapacityMin), Array.MaxLength));
            _bytes.AsSpan(0, (int)_length).CopyTo(longer);
            Volatile.Write(ref _bytes, longer);
        }
        bytes.CopyTo(_bytes.AsSpan((int)offset));
        if (end > _length) Volatile.Write(ref _length, end);
    }

    /// <summary>Gives back what growing took too much, once nothing more will be appended.</summary>
    public void Trim(string path)
    {
        if (_bytes.Length - _length < Math.Max(_length / 4, CapacityMin)) return;
        var exact = Allocate(path, _length);
        _bytes.AsSpan(0, (int)_length).CopyTo(exact);
        Volatile.Write(ref _bytes, exact);
    }

    static byte[] Allocate(string path, long length)
    {
        if (length > Array.MaxLength) Throw.Limit($"{path}: the length of a file in memory", length, Array.MaxLength);
        return GC.AllocateArray<byte>((int)length, pinned: true);
    }
}
