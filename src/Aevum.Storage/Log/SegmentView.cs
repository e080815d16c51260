// SegmentView: the bytes of one segment for one reader at a time, whether they are mapped or must be read.
//
// A span it hands out is valid until the next call; of a mapped segment, as long as the segment is open.

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Storage.Log;

sealed unsafe class SegmentView
{
    const int WindowBytes = 256 << 10;

    readonly IAppendRegion? _region;
    readonly IReadableFile? _file;
    readonly byte* _mapped;
    byte[] _window = [];
    long _windowStart;
    int _windowLength;

    public SegmentView(IAppendRegion region) => _region = region;

    public SegmentView(IReadableFile file)
    {
        _file = file;
        if (!file.TryMap(out _mapped)) _mapped = null;
    }

    /// <summary>The bytes [offset, offset + length), which lie inside the segment.</summary>
    public ReadOnlySpan<byte> GetSpan(long offset, int length)
    {
        if (_region is not null) return _region.GetSpan(offset, length);
        if (_mapped != null) return new ReadOnlySpan<byte>(_mapped + offset, length);
        if (offset < _windowStart || offset + length > _windowStart + _windowLength) Fill(offset, length);
        return _window.AsSpan((int)(offset - _windowStart), length);
    }

    void Fill(long offset, int length)
    {
        if (_window.Length < length) _window = new byte[Math.Max(length, WindowBytes)];
        _windowStart = offset;
        _windowLength = 0;   // in case the read throws
        var read = _file!.Read(offset, _window);
        if (read < length) BecameShorter(_file.Path, offset + length);
        _windowLength = read;
    }

    static void BecameShorter(string path, long than) =>
        throw new AevumException(ErrorCode.InputOutput, $"{path}: the file became shorter than {than} bytes while it was open");
}
