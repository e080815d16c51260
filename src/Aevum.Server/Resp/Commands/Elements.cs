// Elements: rows of large structures that are gone. Deleting or overwriting a structure writes its head only; that its elements may go is put down as a
// row of a system keyspace, and the collector takes them away in the background:
//
//   SystemKeyspaces.Garbage | due u64, big endian | head key | incarnation u64        value: empty
//
// due is 0 for what is gone already, and a system time for what will have expired by then.

using System.Buffers.Binary;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp.Commands;

static class Elements
{
    /// <summary>Puts elements down that may go, now or from a time on.</summary>
    public static void PutDown(DataCall call, ReadOnlySpan<byte> headKey, ulong incarnation, SystemTime due = default)
    {
        var row = new byte[KeyspaceId.PrefixBytes + sizeof(ulong) + headKey.Length + sizeof(ulong)];
        SystemKeyspaces.Garbage.WriteTo(row);
        BinaryPrimitives.WriteUInt64BigEndian(row.AsSpan(KeyspaceId.PrefixBytes), due.Value);
        headKey.CopyTo(row.AsSpan(KeyspaceId.PrefixBytes + sizeof(ulong)));
        BinaryPrimitives.WriteUInt64BigEndian(row.AsSpan(row.Length - sizeof(ulong)), incarnation);
        call.Writes.Put(row, default);
    }
}
