// KeyFile: what an index needs beside its graph to go on where it was saved: the keys under their numbers, and where in the stream it stood.
//
//   header    magic 8 | version u32 | save u64 | complete from u64 | token length u32 | keys u32 | token
//   key       system time u64, the top bit: live | length u32 | key          in the order of numbers from 0
//   end       CRC-32C of everything before                                    all little endian
//
// A file of its own for each save, named by the save's number; the graph's manifest carries the same number, and is written last: so the two fit together,
// whenever the process dies. Bytes: docs/formats/index-keys.md.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Engine.Indexes;

sealed class KeyFile
{
    const ulong Magic = 0x7379654B78496541;   // `AeIxKeys` in ASCII
    const uint Version = 1;
    const int HeaderBytes = 36;
    const int KeyHeaderBytes = 12;
    const ulong LiveBit = 1UL << 63;
    const int PieceBytes = 64 << 10;
    const string Prefix = "keys-";

    readonly List<byte> _piece = new(PieceBytes + 1024);
    readonly IWritableFile _file;
    uint _crc;

    KeyFile(IWritableFile file) => _file = file;

    static string NameOf(ulong save) => Prefix + save.ToString("D8", CultureInfo.InvariantCulture);

    /// <summary>Writes the file of a save; on return it survives a power cut once its directory is synced.</summary>
    /// <param name="count">Keys of the table to write.</param>
    /// <param name="versionOf">What is known of a number, for the file.</param>
    public static void Write(
        IFileSystem files, string directory, ulong save, ulong completeFrom, string token, KeyTable keys, int count,
        Func<uint, (ulong Version, bool IsLive)> versionOf)
    {
        using var file = files.Create(FilePaths.Combine(directory, NameOf(save)));
        var writer = new KeyFile(file);
        Span<byte> header = stackalloc byte[HeaderBytes];
        var text = Encoding.ASCII.GetBytes(token);
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(header[12..], save);
        BinaryPrimitives.WriteUInt64LittleEndian(header[20..], completeFrom);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], text.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[32..], count);
        writer.Add(header);
        writer.Add(text);
        Span<byte> before = stackalloc byte[KeyHeaderBytes];
        for (var number = 0u; number < count; number++)
        {
            var (version, isLive) = versionOf(number);
            var key = keys.KeyOf(number);
            BinaryPrimitives.WriteUInt64LittleEndian(before, version | (isLive ? LiveBit : 0));
            BinaryPrimitives.WriteInt32LittleEndian(before[8..], key.Length);
            writer.Add(before);
            writer.Add(key);
        }
        writer.Flush();
        BinaryPrimitives.WriteUInt32LittleEndian(before, writer._crc);
        file.Append(before[..sizeof(uint)]);
        file.Sync();
    }

    void Add(ReadOnlySpan<byte> bytes)
    {
        _piece.AddRange(bytes);
        if (_piece.Count >= PieceBytes) Flush();
    }

    void Flush()
    {
        var piece = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_piece);
        _crc = Crc32C.Extend(_crc, piece);
        _file.Append(piece);
        _piece.Clear();
    }

    /// <summary>Reads the file of a save into an empty table.</summary>
    /// <returns>The token, and from which moment on the index holds every version.</returns>
    /// <exception cref="AevumException">NotFound, Corruption, UnsupportedFormat, InputOutput.</exception>
    public static (string Token, ulong CompleteFrom) Read(IFileSystem files, string directory, ulong save, KeyTable keys)
    {
        var path = FilePaths.Combine(directory, NameOf(save));
        var bytes = files.ReadAllBytes(path).AsSpan();
        if (bytes.Length < HeaderBytes + sizeof(uint)) Throw.Corruption(path, bytes.Length, $"at least {HeaderBytes + sizeof(uint)} bytes");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic) Throw.Corruption(path, 0, "the magic number of an index's keys");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != Version) Throw.UnsupportedFormat(path, $"{version}", $"{Version}");
        var end = bytes.Length - sizeof(uint);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[end..]) != Crc32C.Compute(bytes[..end])) Throw.Corruption(path, end, "the checksum");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]) != save) Throw.Corruption(path, 12, $"save {save}");
        var completeFrom = BinaryPrimitives.ReadUInt64LittleEndian(bytes[20..]);
        var tokenLength = BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]);
        if (tokenLength > (uint)(end - HeaderBytes)) Throw.Corruption(path, 28, "a token within the file");
        var token = Encoding.ASCII.GetString(bytes.Slice(HeaderBytes, (int)tokenLength));
        var at = HeaderBytes + (int)tokenLength;
        for (var number = 0u; number < count; number++)
        {
            if (end - at < KeyHeaderBytes) Throw.Corruption(path, at, "another key");
            var time = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 8)..]);
            at += KeyHeaderBytes;
            if (length > (uint)(end - at)) Throw.Corruption(path, at, "a key within the file");
            if (keys.FindOrAdd(bytes.Slice(at, (int)length)) != number) Throw.Corruption(path, at, "a key that was not there before");
            keys.Note(number, time & ~LiveBit, (time & LiveBit) != 0);
            at += (int)length;
        }
        if (at != end) Throw.Corruption(path, at, "the end");
        return (token, completeFrom);
    }

    /// <summary>Deletes the files of other saves.</summary>
    public static void DeleteOthers(IFileSystem files, string directory, ulong save)
    {
        var kept = NameOf(save);
        foreach (var name in files.ListFiles(directory))
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && name != kept) files.Delete(FilePaths.Combine(directory, name));
    }
}
