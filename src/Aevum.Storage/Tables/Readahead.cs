// Readahead: fetches the blocks of one cursor. A long forward scan reads several blocks at once.
//
// A block that starts where the last one ended is a step of a scan. After a few such steps that missed the cache, the cursor reads ahead:
// first a little, doubling with each read, into a buffer of its own, from which it then takes block after block, each checked as ever.
//
// A scan over cached blocks waits for main memory instead: blocks lie scattered. So the next one is pinned early, and its lines are asked
// for while the cursor is still in this one: first its head and its columns (Expect), then, with each step of the cursor, the lines as far
// into the next block as the cursor has come in this one (TableCursor.FetchAhead). All at once would fill the core's queue of misses and
// stop it. What the cache knows of the block after the next is asked for too: finding a block is two misses in a row otherwise.

using System.Runtime.Intrinsics.X86;
using Aevum.Storage.Caching;

namespace Aevum.Storage.Tables;

unsafe struct Readahead : IDisposable
{
    const int StepsBefore = 2;
    const int HeadBytes = 192;
    const int TailBytes = 256;
    const int WholeBytesMax = 8 << 10;

    readonly BlockSource _source;
    readonly TableCursorOptions _options;
    readonly bool _atOnce;
    GrowingBytes _buffer;
    ulong _bufferOffset;
    ulong _lastEnd;
    int _steps;
    long _nextBytes;

    // The block that the scan will come to next, if it was in the cache.
    BlockLease _expected;
    ulong _expectedOffset;

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
        if (_expected.HoldsBlock && handle.Offset == _expectedOffset)
        {
            lease.Dispose();
            lease = _expected;
            _expected = default;
            return;
        }
        if (IsBuffered(handle))
        {
            UseBuffered(handle, ref lease);
            return;
        }
        if (!(_atOnce && !_options.FillCache) && _source.TryReadCached(handle, ref lease, isProbe: false)) return;

        _steps = isStep || _atOnce ? _steps + 1 : 0;
        if (_steps <= StepsBefore && !_atOnce)
        {
            _source.Read(handle, ordinal, BlockContent.Data, _options.FillCache, ref lease);
            return;
        }
        Fill(handle);
        UseBuffered(handle, ref lease);
    }

    /// <summary>The scan will come to this block next: brings its head and its end nearer if it is in the cache.</summary>
    /// <param name="whole">All of it, for a cursor that will not ask for more as it goes.</param>
    /// <returns>Where it will lie; null if that is not known.</returns>
    public byte* Expect(BlockHandle handle, bool whole)
    {
        if (_source.IsMapped)
        {
            var mapped = _source.MappedBlock(handle);
            Prefetch(mapped, (long)handle.Length, whole);
            return mapped;
        }
        if (IsBuffered(handle) || (_atOnce && !_options.FillCache)) return null;
        _expected.Dispose();
        if (!_source.TryReadCached(handle, ref _expected, isProbe: true)) return null;
        _expectedOffset = handle.Offset;
        Prefetch(_expected.Memory, _expected.Length, whole);
        return _expected.Memory;
    }

    /// <summary>The scan will come to this block after the next: asks for what is needed to find it. Twice, since the second thing needed
    /// follows from the first: first as <paramref name="far"/>, then, when that has come, as near.</summary>
    public readonly void Approach(BlockHandle handle, bool far) => _source.PrefetchLookup(handle, far);

    static void Prefetch(byte* memory, long length, bool whole)
    {
        if (!Sse.IsSupported) return;
        var end = memory + length;
        var headEnd = memory + Math.Min(length, whole ? WholeBytesMax : HeadBytes);
        for (var at = memory; at < headEnd; at += 64) Sse.Prefetch1(at);
        for (var at = end - Math.Min(length, TailBytes); at < end; at += 64) Sse.Prefetch1(at);
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

    public void Dispose()
    {
        _expected.Dispose();
        _buffer.Dispose();
    }
}
