// Readahead: fetches the blocks of one cursor. A long forward scan reads several blocks at once.
//
// A block that starts where the last one ended is a step of a scan. After a few such steps that missed the cache, the cursor reads ahead:
// first a little, doubling with each read, into a buffer of its own, from which it then takes block after block, each checked as ever.

using Aevum.Storage.Caching;

namespace Aevum.Storage.Tables;

unsafe struct Readahead : IDisposable
{
    const int StepsBefore = 2;

    readonly BlockSource _source;
    readonly TableCursorOptions _options;
    readonly bool _atOnce;
    NativeBuffer _buffer;
    ulong _bufferOffset;
    ulong _lastEnd;
    int _steps;
    long _nextBytes;

    public Readahead(BlockSource source, TableCursorOptions options)
    {
        _source = source;
        _options = options;
        _atOnce = options.ReadaheadBytesMax > 0 && options.ReadaheadBytesMin >= options.ReadaheadBytesMax;
        _nextBytes = Math.Min(options.ReadaheadBytesMin, options.ReadaheadBytesMax);
        _lastEnd = ulong.MaxValue;
    }

    /// <summary>The block of this handle. It may lie in the buffer, and then stays until the next call.</summary>
    public void Read(BlockHandle handle, ulong ordinal, ref BlockLease lease)
    {
        var isStep = handle.Offset == _lastEnd;
        _lastEnd = handle.End;
        if (!isStep) _nextBytes = Math.Min(_options.ReadaheadBytesMin, _options.ReadaheadBytesMax);
        if (_options.ReadaheadBytesMax == 0 || _source.IsMapped)
        {
            _source.Read(handle, ordinal, BlockContent.Data, _options.FillCache, ref lease);
            return;
        }
        if (IsBuffered(handle))
        {
            UseBuffered(handle, ref lease);
            return;
        }
        if (!(_atOnce && !_options.FillCache) && _source.TryReadCached(handle, ref lease)) return;

        _steps = isStep || _atOnce ? _steps + 1 : 0;
        if (_steps <= StepsBefore && !_atOnce)
        {
            _source.Read(handle, ordinal, BlockContent.Data, _options.FillCache, ref lease);
            return;
        }
        Fill(handle);
        UseBuffered(handle, ref lease);
    }

    readonly bool IsBuffered(BlockHandle handle) => handle.Offset >= _bufferOffset && handle.End <= _bufferOffset + (ulong)_buffer.Length;

    void UseBuffered(BlockHandle handle, ref BlockLease lease) =>
        _source.Use(_buffer.Start + (handle.Offset - _bufferOffset), handle, _options.FillCache, ref lease);

    void Fill(BlockHandle handle)
    {
        var left = (long)(_source.DataLength - handle.Offset);
        var bytes = Math.Max((long)(handle.End - handle.Offset), Math.Min(_nextBytes, left));
        _nextBytes = Math.Min(_nextBytes * 2, _options.ReadaheadBytesMax);
        _buffer.Clear();
        _buffer.Reserve(bytes);
        _bufferOffset = handle.Offset;
        _source.ReadRaw(handle.Offset, _buffer.Start, bytes);
        _buffer.Length = bytes;
    }

    public void Dispose() => _buffer.Dispose();
}
