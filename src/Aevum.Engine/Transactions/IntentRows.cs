// IntentRows: what a commit over several shards leaves in each of them, until it is through.
//
//   intent     key SystemKeyspaces.Intents | transaction id 16 bytes      value: coordinator's shard id u32 | the effects, an encoded batch
//   decision   key SystemKeyspaces.Decisions | transaction id 16 bytes    value: system time of the commit u64
//
// Little endian. An intent without a decision was never committed. Bytes: docs/formats/engine-rows.md.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Engine.Transactions;

static class IntentRows
{
    public const int IdBytes = 16;

    public static byte[] IntentKey(ReadOnlySpan<byte> id) => KeyLayout.Make(SystemKeyspaces.Intents, id);

    public static byte[] DecisionKey(ReadOnlySpan<byte> id) => KeyLayout.Make(SystemKeyspaces.Decisions, id);

    public static byte[] EncodeIntent(uint coordinator, ReadOnlySpan<byte> effects)
    {
        var value = new byte[sizeof(uint) + effects.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(value, coordinator);
        effects.CopyTo(value.AsSpan(sizeof(uint)));
        return value;
    }

    /// <exception cref="CorruptionException">The row is malformed.</exception>
    public static (uint Coordinator, byte[] Effects) DecodeIntent(ReadOnlySpan<byte> value)
    {
        if (value.Length < sizeof(uint) + WriteBatch.HeaderBytes) throw new CorruptionException("the row of an intent is malformed");
        var effects = value[sizeof(uint)..].ToArray();
        var reader = new BatchReader(effects);
        while (reader.TryRead(out _)) { }   // throws if they are no effects
        return (BinaryPrimitives.ReadUInt32LittleEndian(value), effects);
    }

    public static byte[] EncodeDecision(SystemTime time)
    {
        var value = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, time.Value);
        return value;
    }

    /// <exception cref="CorruptionException">The row is malformed.</exception>
    public static SystemTime DecodeDecision(ReadOnlySpan<byte> value)
    {
        if (value.Length != sizeof(ulong)) throw new CorruptionException("the row of a decision is malformed");
        return new(BinaryPrimitives.ReadUInt64LittleEndian(value));
    }
}
