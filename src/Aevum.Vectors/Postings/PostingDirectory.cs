// PostingDirectory: in which pieces of which files a posting lies, and how much of each file is still of use.
//
// Always true: the live bytes of a segment are those of its pieces with their headers (an empty piece is one, too). Not thread-safe.

using System.Buffers.Binary;

namespace Aevum.Vectors.Postings;

/// <param name="Checksum">CRC-32C of its bytes.</param>
readonly record struct PostingPiece(uint Segment, long Offset, int Length, uint Checksum);

sealed class PostingDirectory
{
    readonly Dictionary<uint, List<PostingPiece>> _pieces = [];
    readonly Dictionary<uint, long> _live = [];

    public IReadOnlyCollection<uint> Postings => _pieces.Keys;

    public IEnumerable<uint> Segments => _live.Where(l => l.Value > 0).Select(l => l.Key);

    /// <summary>Null: there is no such posting.</summary>
    public List<PostingPiece>? Pieces(uint posting) => _pieces.GetValueOrDefault(posting);

    /// <summary>Bytes of all pieces; -1: there is no such posting. More than 2 GiB is refused when written.</summary>
    public int Length(uint posting)
    {
        if (!_pieces.TryGetValue(posting, out var pieces)) return -1;
        var length = 0;
        foreach (var piece in pieces) length += piece.Length;
        return length;
    }

    /// <summary>Bytes of pieces in a segment, with their headers.</summary>
    public long Live(uint segment) => _live.GetValueOrDefault(segment);

    public void Set(uint posting, PostingPiece piece)
    {
        Delete(posting);
        _pieces[posting] = [piece];
        _live[piece.Segment] = Live(piece.Segment) + Weight(piece);
    }

    /// <returns>False: there is no such posting.</returns>
    public bool Append(uint posting, PostingPiece piece)
    {
        if (!_pieces.TryGetValue(posting, out var pieces)) return false;
        pieces.Add(piece);
        _live[piece.Segment] = Live(piece.Segment) + Weight(piece);
        return true;
    }

    public bool Delete(uint posting)
    {
        if (!_pieces.Remove(posting, out var pieces)) return false;
        foreach (var piece in pieces) _live[piece.Segment] -= Weight(piece);
        return true;
    }

    /// <summary>Posting u32, pieces u32; for each piece segment u32, length i32, offset i64, checksum u32.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[checked((int)_pieces.Sum(p => 8L + (20L * p.Value.Count)))];
        var at = 0;
        foreach (var (posting, pieces) in _pieces.OrderBy(p => p.Key))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), posting);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 4), pieces.Count);
            at += 8;
            foreach (var piece in pieces)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), piece.Segment);
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 4), piece.Length);
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 8), piece.Offset);
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 16), piece.Checksum);
                at += 20;
            }
        }
        return bytes;
    }

    /// <param name="isThere">Whether a segment has the bytes of a piece.</param>
    /// <returns>False: these are no bytes of a directory.</returns>
    public bool TryRead(ReadOnlySpan<byte> bytes, int postings, Func<PostingPiece, bool> isThere)
    {
        for (var i = 0; i < postings; i++)
        {
            if (bytes.Length < 8) return false;
            var posting = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            var count = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
            bytes = bytes[8..];
            if (count < 1 || bytes.Length / 20 < count || _pieces.ContainsKey(posting)) return false;
            long length = 0;
            for (var j = 0; j < count; j++, bytes = bytes[20..])
            {
                var piece = new PostingPiece(BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
                    BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]));
                length += piece.Length;
                if (piece.Length < 0 || piece.Offset < 0 || length > int.MaxValue || !isThere(piece)) return false;
                if (j == 0) Set(posting, piece);
                else Append(posting, piece);
            }
        }
        return bytes.Length == 0;
    }

    static long Weight(PostingPiece piece) => ChangeHeader.Bytes + (long)piece.Length;
}
