// CommitNotes: the rows that join history to its author: one a commit, found by the commit's system time.
//
//   key      SystemKeyspaces.Notes | system time u64, big endian
//   value    format u8 (1) | namespace u32 | fields u8, a bit each | each field present: length varint | UTF-8
//   fields   bit 0 actor, 1 run, 2 source, 3 trace, 4 idempotency key
//
// Bytes: docs/formats/engine-rows.md.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.History;

public static class CommitNotes
{
    const byte Format = 1;
    const int HeaderBytes = 6;
    const int FieldCount = 5;
    public const int KeyBytes = KeyspaceId.PrefixBytes + sizeof(ulong);

    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] KeyOf(SystemTime time)
    {
        var key = new byte[KeyBytes];
        SystemKeyspaces.Notes.WriteTo(key);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(KeyspaceId.PrefixBytes), time.Value);
        return key;
    }

    /// <summary>The commit that a row's key speaks of.</summary>
    public static SystemTime TimeOf(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeyBytes) throw new CorruptionException("the key of a commit note is malformed");
        return new(BinaryPrimitives.ReadUInt64BigEndian(key[KeyspaceId.PrefixBytes..]));
    }

    /// <exception cref="AevumException">LimitExceeded, InvalidArgument: a field is too long, or no valid text.</exception>
    public static byte[] Encode(uint @namespace, CommitNote note)
    {
        var fields = FieldsOf(note);
        var size = HeaderBytes;
        foreach (var field in fields) size += field is null ? 0 : Varint.MaxBytes32 + MeasureField(field);
        var value = new byte[size];
        value[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(1), @namespace);
        var at = HeaderBytes;
        for (var i = 0; i < FieldCount; i++)
        {
            if (fields[i] is not { } text) continue;
            value[5] |= (byte)(1 << i);
            at += Varint.Write(value.AsSpan(at), (uint)Strict.GetByteCount(text));
            at += Strict.GetBytes(text, value.AsSpan(at));
        }
        return value.AsSpan(0, at).ToArray();
    }

    static string?[] FieldsOf(CommitNote note) => [note.Actor, note.Run, note.Source, note.Trace, note.IdempotencyKey];

    static int MeasureField(string text)
    {
        int length;
        try
        {
            length = Strict.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            throw new AevumException(ErrorCode.InvalidArgument, "a field of a commit note is no valid Unicode text");
        }
        if (length > CommitNote.FieldBytesMax) Throw.Limit("the length of a commit note's field", length, CommitNote.FieldBytesMax);
        return length;
    }

    /// <exception cref="CorruptionException">The bytes are no note.</exception>
    public static CommitNote Decode(ReadOnlySpan<byte> value, out uint @namespace)
    {
        if (value.Length < HeaderBytes || value[0] != Format || value[5] >> FieldCount != 0) Malformed();
        @namespace = BinaryPrimitives.ReadUInt32LittleEndian(value[1..]);
        var present = value[5];
        var rest = value[HeaderBytes..];
        var fields = new string?[FieldCount];
        for (var i = 0; i < FieldCount; i++)
        {
            if ((present >> i & 1) == 0) continue;
            if (!Varint.TryRead(rest, out uint length, out var used) || length > CommitNote.FieldBytesMax || length > (uint)(rest.Length - used)) Malformed();
            try
            {
                fields[i] = Strict.GetString(rest.Slice(used, (int)length));
            }
            catch (DecoderFallbackException)
            {
                Malformed();
            }
            rest = rest[(used + (int)length)..];
        }
        if (!rest.IsEmpty) Malformed();
        return new CommitNote(fields[0], fields[1], fields[2], fields[3], fields[4]);
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Malformed() => throw new CorruptionException("a commit note is malformed");
}
