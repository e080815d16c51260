// StructureCopy: what a key holds, written under another key, maybe of another database: the head as it is, and of a large object its elements, which lie
// behind the head's key and so are written anew, under an incarnation of their own: rows of the old one may still lie there, from a copy before.
//
// Rows are gathered some at a time, for who walks over rows must not write any. Known limit: all of it is one batch, which BatchLimits bounds.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys;

static class StructureCopy
{
    const int RowsAtOnce = 1000;

    /// <summary>Writes what a key holds under another one, which holds nothing, with its expiry.</summary>
    /// <param name="target">The database of the other key.</param>
    public static void Run(DataCall call, byte[] from, byte[] to, KeyspaceId target)
    {
        if (!call.Rows.TryRead(call.HeadKey(from), out var row)) return;
        var head = StructureHead.Read(row.Bytes);
        var (isLarge, incarnation, expiry) = (head.IsLarge, head.Incarnation, row.Expiry);
        var value = row.Bytes.ToArray();
        var source = call.HeadKey(from).ToArray();
        var home = call.Enter(target);
        var copy = call.HeadKey(to).ToArray();
        call.Enter(home);
        var own = isLarge ? Elements.UnusedIncarnation(call, copy) : 0;
        if (isLarge) StructureHead.WriteIncarnation(value, own);
        call.Writes.Put(copy, value, expiry);
        if (!isLarge) return;
        byte[] start = [.. source, .. BigEndian(incarnation)];
        byte[] end = [.. source, .. BigEndian(incarnation + 1)];
        var some = new Some(source.Length + sizeof(ulong));
        do
        {
            some.Rows.Clear();
            call.Rows.Scan(start, end, some);
            foreach (var (tail, element, elementExpiry) in some.Rows) call.Writes.Put([.. copy, .. BigEndian(own), .. tail], element, elementExpiry);
            if (some.Rows.Count > 0) start = [.. source, .. BigEndian(incarnation), .. some.Rows[^1].Tail, 0];
        }
        while (some.Rows.Count == RowsAtOnce);
        if (expiry != default) Elements.PutDown(call, copy, own, expiry);
    }

    static byte[] BigEndian(ulong number)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }

    sealed class Some(int prefixBytes) : IRowVisitor
    {
        public List<(byte[] Tail, byte[] Value, SystemTime Expiry)> Rows { get; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            Rows.Add((key[prefixBytes..].ToArray(), value.Bytes.ToArray(), value.Expiry));
            return Rows.Count < RowsAtOnce;
        }
    }
}
