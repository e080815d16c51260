// OutputBlocks: a large answer made beside the loop, in the memory that it will be sent from: handing it to a channel costs the loop the same whether it is a
// kilobyte or a gigabyte. (Copying tens of megabytes into fresh memory takes a loop as many milliseconds, in which nobody else is served.)
//
//   filling    one owner, any thread      Append
//   handed     the channel's              IChannel.Append; blocks are freed as they leave

namespace Aevum.Core.Network;

public sealed unsafe class OutputBlocks : IDisposable
{
    Chunk* _first, _last;

    /// <summary>Bytes appended.</summary>
    public long Length { get; private set; }

    ~OutputBlocks() => Free();

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_last is null || _last->End == _last->Capacity)
            {
                var chunk = ChunkPool.MakeLarge();
                if (_last is null) _first = chunk;
                else _last->Next = chunk;
                _last = chunk;
            }
            var part = bytes[..Math.Min(bytes.Length, _last->Capacity - _last->End)];
            part.CopyTo(new Span<byte>(Chunk.Bytes(_last) + _last->End, part.Length));
            _last->End += part.Length;
            Length += part.Length;
            bytes = bytes[part.Length..];
        }
    }

    /// <summary>Copies everything to where a channel takes bytes, for channels that send from memory of their own.</summary>
    public void CopyTo(IChannel channel)
    {
        for (var chunk = _first; chunk is not null; chunk = chunk->Next)
        {
            new ReadOnlySpan<byte>(Chunk.Bytes(chunk), chunk->End).CopyTo(channel.GetSpan(chunk->End));
            channel.Advance(chunk->End);
        }
    }

    /// <summary>Gives the blocks away; this is empty afterwards.</summary>
    internal (nint First, nint Last, int Count) Take()
    {
        var count = 0;
        for (var chunk = _first; chunk is not null; chunk = chunk->Next) count++;
        var taken = ((nint)_first, (nint)_last, count);
        _first = _last = null;
        Length = 0;
        return taken;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    void Free()
    {
        ChunkPool.Free(ref _first);
        _last = null;
        Length = 0;
    }
}
