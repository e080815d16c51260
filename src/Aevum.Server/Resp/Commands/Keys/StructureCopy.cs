// StructureCopy: what a key holds, written under another key, maybe of another database: the head as it is, and of a large object its elements, which are
// written anew, under an incarnation of their own: rows of the old one may still lie there, from a copy before.
//
// Rows are gathered some at a time, for who walks over rows must not write any. All of it is one batch, which BatchLimits bounds: so only what stands in
// a transaction is copied this way. Else elements are copied before (CopyBeside), and what is left is the head.

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
    /// <param name="copied">The incarnation under which elements were copied there before; 0: they were not.</param>
    public static void Run(DataCall call, byte[] from, byte[] to, KeyspaceId target, ulong copied = 0)
    {
        var source = call.HeadKey(from).ToArray();
        if (!call.Rows.TryRead(source, out var row)) return;
        var home = call.Enter(target);
        var copy = call.HeadKey(to).ToArray();
        call.Enter(home);
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge)
        {
            call.Writes.Put(copy, row.Bytes.ToArray(), row.Expiry);
            return;
        }
        var value = new byte[StructureHead.PrefixBytesMax + head.Body.Length];
        var at = StructureHead.WritePrefix(
            value, head.Kind, isLarge: true, head.ExpiryOf(row.Expiry), head.FieldsExpire, head.FieldsUntil, out var expiry);
        head.Body.CopyTo(value.AsSpan(at));
        var (start, end) = StructureKey.RangeOf(head.Home.IsEmpty ? source : head.Home, head.Incarnation);
        var incarnation = copied != 0 ? copied : Elements.UnusedIncarnation(call, copy);
        StructureHead.WriteIncarnation(value, incarnation);
        call.Writes.Put(copy, value.AsSpan(0, at + value.Length - StructureHead.PrefixBytesMax), expiry);
        if (copied == 0) CopyElements(call, start, end, copy, incarnation);
        if (expiry != default) Elements.PutDown(call, copy, incarnation, expiry);
    }

    static void CopyElements(DataCall call, byte[] start, byte[] end, byte[] copy, ulong incarnation)
    {
        byte[] prefix = [.. copy, .. BigEndian(incarnation)];
        var some = new Some(start.Length);
        var next = FirstElement(start);
        do
        {
            some.Rows.Clear();
            call.Rows.Scan(next, end, some);
            foreach (var (tail, element, elementExpiry) in some.Rows) call.Writes.Put([.. prefix, .. tail], element, elementExpiry);
            if (some.Rows.Count > 0) next = [.. start, .. some.Rows[^1].Tail, 0];
        }
        while (some.Rows.Count == RowsAtOnce);
    }

    /// <summary>The first key of an incarnation's rows that an element can have: whose they are is no part of the object.</summary>
    public static byte[] FirstElement(byte[] start) => [.. start, StructureKey.OwnerFamily + 1];

    public static byte[] BigEndian(ulong number)
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
