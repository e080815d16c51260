// CopyBeside: the elements of a large object, copied behind another key before anything refers to them (Beside/BesideWriter), on a worker.
//
//   1  a moment is held; the source's head is read at it
//   2  elements as of the moment are written behind the target's head
//   3  [the command's own step, StructureCopy] the head, if the source is still as it was at the moment: every change of an object writes its head, but those
//      of a stream's consumer groups, which write a row of the group or of a consumer
//
// Nobody sees any of it before the third; if that finds that the source has changed, the collector takes away what was copied.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class CopyBeside(BesideWriter writer, int sourceBytes) : IRowVisitor
{
    const int KeptBytes = 4 * sizeof(ulong);

    byte[] _key = [];
    byte[] _last = [];
    bool _areMore;

    /// <summary>Copies the elements of a large object.</summary>
    /// <param name="source">Its head's key.</param>
    /// <param name="target">The head's key that they are to lie behind.</param>
    /// <returns>What the last step wants to know; null: there is no large object.</returns>
    public static byte[]? Run(Session session, byte[] source, byte[] target) => Run(session, source, target, BesideWriter.Lease);

    /// <param name="lease">For how long elements that no head has are safe; a shorter one is put off sooner.</param>
    internal static byte[]? Run(Session session, byte[] source, byte[] target, TimeSpan lease)
    {
        var router = session.Database.Router;
        using var moment = router.HoldNow();
        var reader = new ViewReader(router) { View = ReadView.AsOf(moment.At), Time = moment.At };
        if (!reader.TryRead(source, out var row)) return null;
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge) return null;
        var kept = new byte[KeptBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(kept, row.Version.Value);
        var (start, end) = StructureKey.RangeOf(head.Home.IsEmpty ? source : head.Home, head.Incarnation);
        var shard = router.ShardOf(target);
        if (router.ShardOf(source) != shard) throw new AevumException(ErrorCode.InvalidArgument, "the keys lie in several shards");
        var writer = new BesideWriter(session, shard, target, lease);
        writer.Begin();
        new CopyBeside(writer, start.Length).Copy(reader, start, end);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(sizeof(ulong)), writer.Incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(2 * sizeof(ulong)), writer.Elements.Due.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(3 * sizeof(ulong)), moment.At.Value);
        return kept;
    }

    void Copy(ViewReader reader, byte[] start, byte[] end)
    {
        do
        {
            _areMore = false;
            reader.Scan(_last.Length == 0 ? StructureCopy.FirstElement(start) : [.. _last, 0], end, this);
            writer.Commit();
        }
        while (_areMore);
    }

    public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
    {
        var tail = key[sourceBytes..];
        var length = writer.Prefix.Length + tail.Length;
        _areMore = !writer.HasRoomFor(length, value.Bytes.Length);
        if (_areMore) return false;
        if (_key.Length < length) _key = new byte[2 * length];
        writer.Prefix.CopyTo(_key, 0);
        tail.CopyTo(_key.AsSpan(writer.Prefix.Length));
        writer.Put(_key.AsSpan(0, length), value.Bytes, value.Expiry);
        _last = key.ToArray();
        return true;
    }

    // ------------------------------------------------------------------------------------------------ the last step

    /// <summary>Asked within the step that writes the head: takes away what only stood for the elements while no head had them.</summary>
    /// <param name="kept">What <see cref="Run(Session, byte[], byte[])"/> said.</param>
    /// <param name="incarnation">Of the elements.</param>
    /// <returns>False: the source is another one now, or they are gone. What there is of them is put down for the collector.</returns>
    public static bool TryTake(DataCall call, ReadOnlySpan<byte> kept, byte[] source, byte[] target, out ulong incarnation)
    {
        var version = BinaryPrimitives.ReadUInt64LittleEndian(kept);
        incarnation = BinaryPrimitives.ReadUInt64LittleEndian(kept[sizeof(ulong)..]);
        var due = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(kept[(2 * sizeof(ulong))..]));
        var moment = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(kept[(3 * sizeof(ulong))..]));
        if (new BesideElements(target, incarnation, due).TryTake(call.Writes) && call.Rows.TryRead(source, out var row) && row.Version.Value == version
            && !HaveGroupsChanged(call.Rows, source, StructureHead.Read(row.Bytes), moment)) return true;
        Elements.PutDown(call, target, incarnation);
        return false;
    }

    static bool HaveGroupsChanged(IRowReader rows, byte[] source, in StructureHead head, SystemTime moment)
    {
        if (head.Kind != StructureKind.Stream) return false;
        var newer = new NewerRow(moment);
        var (start, end) = Streams.StreamRows.GroupRange(head.Home.IsEmpty ? source : head.Home, head.Incarnation);
        rows.Scan(start, end, newer);
        return newer.IsThere;
    }

    sealed class NewerRow(SystemTime moment) : IRowVisitor
    {
        public bool IsThere { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value) => !(IsThere = value.Version > moment);
    }
}
