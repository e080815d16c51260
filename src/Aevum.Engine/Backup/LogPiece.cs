// LogPiece: a stretch of a database's log as a backup store keeps it: of every stream the records behind the piece before, up to one moment. Each
// backup brings one. Pieces that follow each other without a gap are what a restore to any moment between two backups lives on.
//
//   header    "AEVMLOGP" | format version u32 | CRC-32C of those 12 bytes
//   record    payload length u32 | CRC-32C of all else u32 | stream u32 | position u64 | payload
//   ...
//   record    of stream 0, position 0: what the piece holds (LogPieceInfo)
//   trailer   offset of that record u64 | CRC-32C of those 8 bytes | "PEND"
//
// Always true: stream by stream, each from its first position to its last, dense; all batches of the database at or below the moment are in it or in
// a piece before; every byte is under some checksum. Bytes: docs/formats/backup.md.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Storage.Log;

namespace Aevum.Engine.Backup;

/// <summary>What a piece holds of one stream.</summary>
/// <param name="Id">The stream: a shard's id.</param>
/// <param name="First">Position of the first record; <paramref name="Last"/> + 1 if there is none.</param>
/// <param name="Last">The stream's last position at the moment.</param>
/// <param name="LastHash">XXH3-64 of the payload at that position; 0 if it is not known.</param>
readonly record struct PieceStream(uint Id, ulong First, ulong Last, ulong LastHash);

/// <param name="Number">That of the backup it came with.</param>
/// <param name="Previous">The piece whose positions it goes on from; 0: none, it begins a stretch.</param>
/// <param name="Moment">Nothing that was committed at or below it is missing.</param>
sealed record LogPieceInfo(
    ulong Number, ulong Previous, Guid DatabaseId, uint Timeline, SystemTime Moment, IReadOnlyList<PieceStream> Streams)
{
    /// <summary>Length of the file; not stored in it.</summary>
    public long Bytes { get; init; }

    public byte[] Encode()
    {
        var target = new ByteFields();
        target.Write(Number);
        target.Write(Previous);
        target.WriteBytes(DatabaseId.ToByteArray(bigEndian: true));
        target.Write(Timeline);
        target.WriteFixed(Moment.Value);
        target.Write((ulong)Streams.Count);
        foreach (var (id, first, last, hash) in Streams)
        {
            target.Write(id);
            target.Write(first);
            target.Write(last);
            target.WriteFixed(hash);
        }
        return target.ToArray();
    }

    /// <exception cref="CorruptionException">The bytes describe no piece.</exception>
    public static LogPieceInfo Decode(ReadOnlySpan<byte> bytes, string file, long offset)
    {
        var source = new FieldReader(bytes, file, offset);
        var number = source.Read();
        var previous = source.Read();
        var database = source.ReadGuid();
        var timeline = source.ReadUInt32();
        var moment = new SystemTime(source.ReadFixed());
        var streams = new PieceStream[source.ReadCount(11)];
        for (var i = 0; i < streams.Length; i++)
        {
            streams[i] = new(source.ReadUInt32(), source.Read(), source.Read(), source.ReadFixed());
            var (id, first, last, _) = streams[i];
            if (id == 0 || first == 0 || first > last + 1 || last == ulong.MaxValue || (i > 0 && streams[i - 1].Id >= id))
                source.Fail("streams in the order of their ids, each with positions");
        }
        source.RequireEnd();
        if (number == 0 || previous >= number) source.Fail("a piece behind its previous one");
        return new(number, previous, database, timeline, moment, streams);
    }
}

static class LogPieceFormat
{
    public const uint Version = 1;
    public const int HeaderBytes = 16, RecordHeaderBytes = 20, TrailerBytes = 16;
    public static ReadOnlySpan<byte> Magic => "AEVMLOGP"u8;
    public static ReadOnlySpan<byte> EndMagic => "PEND"u8;

    public static uint Checksum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        Crc32C.Extend(Crc32C.Extend(Crc32C.Compute(header[..4]), header[8..RecordHeaderBytes]), payload);
}

/// <summary>Writes a piece from front to back.</summary>
sealed class LogPieceWriter
{
    const int FlushBytes = 1 << 20;

    readonly IWritableFile _file;
    readonly BackupWork _work;
    byte[] _buffer = new byte[FlushBytes + (64 << 10)];
    int _length;

    public LogPieceWriter(IWritableFile file, BackupWork work)
    {
        _file = file;
        _work = work;
        FormatHeader.Write(Room(LogPieceFormat.HeaderBytes), LogPieceFormat.Magic, LogPieceFormat.Version);
    }

    public void Add(uint stream, ulong position, ReadOnlySpan<byte> payload)
    {
        var record = Room(LogPieceFormat.RecordHeaderBytes + payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], stream);
        BinaryPrimitives.WriteUInt64LittleEndian(record[12..], position);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], LogPieceFormat.Checksum(record, payload));
        payload.CopyTo(record[LogPieceFormat.RecordHeaderBytes..]);
        if (_length >= FlushBytes) Flush();
    }

    /// <summary>Ends the piece and syncs it.</summary>
    public void Finish(LogPieceInfo info)
    {
        var at = (ulong)(_file.Length + _length);
        Add(0, 0, info.Encode());
        var trailer = Room(LogPieceFormat.TrailerBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, at);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[8..], Crc32C.Compute(trailer[..8]));
        LogPieceFormat.EndMagic.CopyTo(trailer[12..]);
        Flush();
        _file.Sync();
    }

    Span<byte> Room(int bytes)
    {
        if (_length + bytes > _buffer.Length)
        {
            Flush();
            if (bytes > _buffer.Length) _buffer = new byte[bytes];
        }
        _length += bytes;
        return _buffer.AsSpan(_length - bytes, bytes);
    }

    void Flush()
    {
        if (_length == 0) return;
        _file.Append(_buffer.AsSpan(0, _length));
        _work.Step(_length);
        _length = 0;
    }
}

/// <summary>Walks a piece from front to back. Every record's checksum is checked before it is handed out.</summary>
sealed class LogPieceReader : IDisposable
{
    const int WindowBytes = 1 << 20;

    readonly IReadableFile _file;
    readonly string _path;
    readonly long _end;      // where the records of streams end
    byte[] _window = [];
    long _windowStart;
    int _windowLength;
    long _next = LogPieceFormat.HeaderBytes;
    int _payloadLength;

    public LogPieceReader(IFileSystem files, string path)
    {
        _path = path;
        _file = files.OpenRead(path);
        try
        {
            if (_file.Length < LogPieceFormat.HeaderBytes + LogPieceFormat.RecordHeaderBytes + LogPieceFormat.TrailerBytes)
                Throw.Corruption(path, _file.Length, "a whole piece of a log");
            FormatHeader.Read(GetSpan(0, LogPieceFormat.HeaderBytes), LogPieceFormat.Magic, LogPieceFormat.Version, path, "a piece of a log");
            var trailerAt = _file.Length - LogPieceFormat.TrailerBytes;
            var trailer = GetSpan(trailerAt, LogPieceFormat.TrailerBytes);
            var at = BinaryPrimitives.ReadUInt64LittleEndian(trailer);
            if (!trailer[12..].SequenceEqual(LogPieceFormat.EndMagic) || BinaryPrimitives.ReadUInt32LittleEndian(trailer[8..]) != Crc32C.Compute(trailer[..8])
                || at < LogPieceFormat.HeaderBytes || at > (ulong)(trailerAt - LogPieceFormat.RecordHeaderBytes))
                Throw.Corruption(path, trailerAt, "the end of a piece of a log");
            _end = (long)at;
            var description = ReadRecord(_end, trailerAt);
            if (Stream != 0 || Position != 0 || _end + LogPieceFormat.RecordHeaderBytes + _payloadLength != trailerAt)
                Throw.Corruption(path, _end, "the description of a piece of a log");
            Info = LogPieceInfo.Decode(description, path, _end + LogPieceFormat.RecordHeaderBytes) with { Bytes = _file.Length };
            Position = 0;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public LogPieceInfo Info { get; }

    public uint Stream { get; private set; }

    public ulong Position { get; private set; }

    /// <summary>Where the present record begins.</summary>
    public long Offset { get; private set; }

    /// <summary>Where the next one does.</summary>
    public long Next => _next;

    /// <summary>Valid until the next move.</summary>
    public ReadOnlySpan<byte> Payload => GetSpan(Offset + LogPieceFormat.RecordHeaderBytes, _payloadLength);

    /// <returns>False at the end.</returns>
    public bool MoveNext()
    {
        if (_next == _end) return false;
        ReadRecord(_next, _end);
        if (Stream == 0 || Position == 0) Throw.Corruption(_path, _next, "a record of a stream");
        _next += LogPieceFormat.RecordHeaderBytes + _payloadLength;
        return true;
    }

    ReadOnlySpan<byte> ReadRecord(long at, long end)
    {
        if (end - at < LogPieceFormat.RecordHeaderBytes) Throw.Corruption(_path, at, "another record");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(GetSpan(at, LogPieceFormat.RecordHeaderBytes));
        if (length > CommitLog.PayloadBytesMax || length > end - at - LogPieceFormat.RecordHeaderBytes) Throw.Corruption(_path, at, "the length of a record");
        var record = GetSpan(at, LogPieceFormat.RecordHeaderBytes + (int)length);
        var payload = record[LogPieceFormat.RecordHeaderBytes..];
        if (BinaryPrimitives.ReadUInt32LittleEndian(record[4..]) != LogPieceFormat.Checksum(record, payload))
            Throw.Corruption(_path, at, "a record whose checksum holds");
        Stream = BinaryPrimitives.ReadUInt32LittleEndian(record[8..]);
        Position = BinaryPrimitives.ReadUInt64LittleEndian(record[12..]);
        Offset = at;
        _payloadLength = (int)length;
        return payload;
    }

    ReadOnlySpan<byte> GetSpan(long offset, int length)
    {
        if (offset < _windowStart || offset + length > _windowStart + _windowLength)
        {
            if (_window.Length < length) _window = new byte[Math.Max(length, (int)Math.Min(WindowBytes, _file.Length))];
            (_windowStart, _windowLength) = (offset, 0);
            var read = _file.Read(offset, _window);
            if (read < length) Throw.Corruption(_path, offset + read, "more bytes");
            _windowLength = read;
        }
        return _window.AsSpan((int)(offset - _windowStart), length);
    }

    public void Dispose() => _file.Dispose();
}
