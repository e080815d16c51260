// ChannelOutput: what waits to be sent, as a list of chunks. Bytes are written at its end and leave at its beginning; none is ever moved.

using System.Diagnostics;

namespace Aevum.Core.Network;

unsafe struct ChannelOutput
{
    Chunk* _first, _last;

    public long Length { get; private set; }

    /// <summary>The first chunk; it holds bytes if there are any.</summary>
    public readonly Chunk* First => _first;

    public Span<byte> GetSpan(int bytes, ChunkPool pool)
    {
        if (_last is null)
        {
            _first = _last = pool.Rent(bytes, first: true);
        }
        else if (_last->Capacity - _last->End < bytes)
        {
            // An empty one is too small for a large reply: no use keeping it in the list.
            if (_last->End == 0 && _first == _last)
            {
                pool.Return(_last);
                _first = _last = pool.Rent(bytes, first: false);
            }
            else
            {
                var chunk = pool.Rent(bytes, first: false);
                _last->Next = chunk;
                _last = chunk;
            }
        }
        return new Span<byte>(Chunk.Bytes(_last) + _last->End, _last->Capacity - _last->End);
    }

    public void Advance(int bytes)
    {
        Debug.Assert(_last is not null && bytes >= 0 && bytes <= _last->Capacity - _last->End, "within the room that was given");
        _last->End += bytes;
        Length += bytes;
    }

    public readonly bool CanAdvance(int bytes) => bytes >= 0 && (bytes == 0 || (_last is not null && bytes <= _last->Capacity - _last->End));

    public void Append(ReadOnlySpan<byte> bytes, ChunkPool pool)
    {
        bytes.CopyTo(GetSpan(bytes.Length, pool));
        Advance(bytes.Length);
    }

    /// <summary>Puts blocks that were filled elsewhere at the end.</summary>
    public void Append(OutputBlocks blocks, ChunkPool pool)
    {
        var bytes = blocks.Length;
        var (first, last, count) = blocks.Take();
        if (count == 0) return;
        pool.Adopt(count);
        if (_last is null) _first = (Chunk*)first;
        else _last->Next = (Chunk*)first;
        _last = (Chunk*)last;
        Length += bytes;
    }

    /// <summary>So many bytes have left. Chunks without bytes go back to the pool.</summary>
    public void Consume(long bytes, ChunkPool pool)
    {
        Debug.Assert(bytes <= Length, "what leaves was there");
        Length -= bytes;
        while (_first is not null)
        {
            var here = Math.Min(bytes, _first->End - _first->Start);
            _first->Start += (int)here;
            bytes -= here;
            if (_first->Start < _first->End) return;
            var next = _first->Next;
            pool.Return(_first);
            _first = next;
        }
        _last = null;
    }

    public void Clear(ChunkPool pool) => Consume(Length, pool);
}
