// CommitAnswers: what a batch with an idempotency key was answered, so that the same batch sent again is not done again.
//
//   key      SystemKeyspaces.Answers | namespace u32, big endian | idempotency key, UTF-8
//   value    format u8 (1) | system time u64 | plain u8 (1: every step was done; nothing follows)
//            | else steps varint, then each: status u8 | version u64 | number i64 | bytes: length varint, bytes
//
// A batch that was refused as a whole leaves no answer: nothing was done, and the same key may be tried again. Of a step that a procedure refused
// the status is kept and the message is not. Bytes: docs/formats/engine-rows.md.

using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.History;

public static class CommitAnswers
{
    const byte Format = 1;
    const int HeaderBytes = 10;
    const int StepHeaderBytes = 17;

    public static byte[] KeyOf(uint @namespace, string idempotencyKey)
    {
        var bytes = Encoding.UTF8.GetByteCount(idempotencyKey);
        if (bytes is 0 or > CommitNote.FieldBytesMax) Throw.Invalid($"an idempotency key has 1 to {CommitNote.FieldBytesMax} bytes, not {bytes}");
        var key = new byte[KeyspaceId.PrefixBytes + sizeof(uint) + bytes];
        SystemKeyspaces.Answers.WriteTo(key);
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(KeyspaceId.PrefixBytes), @namespace);
        Encoding.UTF8.GetBytes(idempotencyKey, key.AsSpan(KeyspaceId.PrefixBytes + sizeof(uint)));
        return key;
    }

    /// <summary>The answer of a batch whose steps have been decided.</summary>
    /// <param name="time">The system time its effects get.</param>
    public static byte[] Encode(StepBatch batch, SystemTime time)
    {
        var target = new ArrayBufferWriter<byte>(64);
        var header = target.GetSpan(HeaderBytes);
        header[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(header[1..], time.Value);
        header[9] = (byte)(batch.IsPlain ? 1 : 0);
        target.Advance(HeaderBytes);
        if (batch.IsPlain) return target.WrittenSpan.ToArray();
        WriteVarint(target, (uint)batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            ref readonly var result = ref batch.MutableResult(i);
            var step = target.GetSpan(StepHeaderBytes);
            step[0] = (byte)result.Status;
            BinaryPrimitives.WriteUInt64LittleEndian(step[1..], result.Version.Value);
            BinaryPrimitives.WriteInt64LittleEndian(step[9..], result.Number);
            target.Advance(StepHeaderBytes);
            var bytes = batch.ReturnedBytes(i);
            WriteVarint(target, (uint)bytes.Length);
            target.Write(bytes);
        }
        return target.WrittenSpan.ToArray();
    }

    static void WriteVarint(ArrayBufferWriter<byte> target, uint value) => target.Advance(Varint.Write(target.GetSpan(Varint.MaxBytes32), value));

    /// <summary>Gives a batch the answer of an earlier one.</summary>
    /// <exception cref="CorruptionException">The bytes are no answer.</exception>
    /// <exception cref="AevumException">InvalidArgument: the answer is that of a batch with other steps.</exception>
    public static void Restore(ReadOnlySpan<byte> value, StepBatch batch)
    {
        if (value.Length < HeaderBytes || value[0] != Format || value[9] > 1) Malformed();
        var time = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(value[1..]));
        var rest = value[HeaderBytes..];
        if (value[9] == 1)
        {
            if (!rest.IsEmpty) Malformed();
            if (!batch.IsPlain) Other();
            batch.EndResults(CommitStatus.Repeated, time);
            return;
        }
        if (!Varint.TryRead(rest, out uint count, out var used)) Malformed();
        rest = rest[used..];
        if (batch.IsPlain || count != (uint)batch.Count) Other();
        for (var i = 0; i < batch.Count; i++)
        {
            if (rest.Length < StepHeaderBytes || rest[0] > (byte)StepStatus.Failed) Malformed();
            ref var result = ref batch.MutableResult(i);
            result.Status = (StepStatus)rest[0];
            result.Version = new(BinaryPrimitives.ReadUInt64LittleEndian(rest[1..]));
            result.Number = BinaryPrimitives.ReadInt64LittleEndian(rest[9..]);
            rest = rest[StepHeaderBytes..];
            if (!Varint.TryRead(rest, out uint length, out used) || length > (uint)(rest.Length - used)) Malformed();
            batch.KeepReturned(i, rest.Slice(used, (int)length));
            rest = rest[(used + (int)length)..];
        }
        if (!rest.IsEmpty) Malformed();
        batch.EndResults(CommitStatus.Repeated, time);
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Other() => Throw.Invalid("the idempotency key was used before, by a batch with other steps");

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Malformed() => throw new CorruptionException("the answer kept for an idempotency key is malformed");
}
