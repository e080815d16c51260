// CopyBeside: the elements of a large object, copied behind another key before anything refers to them, in as many commits as it takes, on a worker.
//
//   1  a moment is held; the source's head is read at it
//   2  an incarnation that nothing has is taken behind the target's head: a row there says so (StructureKey.OwnerFamily), and a row for the collector says
//      from when all of it may go
//   3  elements as of the moment are written, some in each commit; the collector's row is put off while that lasts
//   4  [the command's own step, StructureCopy] the head, if the source is still as it was at the moment: every change of an object writes its head, but those
//      of a stream's consumer groups, which write a row of the group or of a consumer
//
// Nobody sees any of it before the fourth. If the server dies between, or the source changes, the collector takes away what was copied: at the time
// that its row says, or at once. A FLUSHDB of the target meanwhile takes the row of (2) with it, which the last step looks for.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class CopyBeside(Session session, IHeldMoment moment, byte[] source, byte[] target, TimeSpan lease) : IRowVisitor
{
    const int RowsPerCommit = 2000;
    const int BytesPerCommit = 512 << 10;
    const int KeptBytes = 4 * sizeof(ulong);

    // For so long nobody takes the elements away although no head has them.
    static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    readonly StepBatch _batch = new(session.Database.Options.Limits);
    readonly StepBatch _putOff = new(session.Database.Options.Limits);   // apart: a row may be as large as a batch may be, and then goes alone
    IShard _shard = null!;
    byte[] _prefix = [];
    byte[] _last = [];
    byte[] _lease = [];
    SystemTime _due;
    ulong _incarnation;
    int _sourceBytes;
    int _rows, _bytes;
    bool _areMore;

    /// <summary>Copies the elements of a large object.</summary>
    /// <param name="source">Its head's key.</param>
    /// <param name="target">The head's key that they are to lie behind.</param>
    /// <returns>What the last step wants to know; null: there is no large object.</returns>
    public static byte[]? Run(Session session, byte[] source, byte[] target) => Run(session, source, target, Lease);

    /// <param name="lease">For how long elements that no head has are safe; a shorter one is put off sooner.</param>
    internal static byte[]? Run(Session session, byte[] source, byte[] target, TimeSpan lease)
    {
        using var moment = session.Database.Router.HoldNow();
        return new CopyBeside(session, moment, source, target, lease).Run();
    }

    byte[]? Run()
    {
        var router = session.Database.Router;
        var reader = new ViewReader(router) { View = ReadView.AsOf(moment.At), Time = moment.At };
        if (!reader.TryRead(source, out var row)) return null;
        var head = StructureHead.Read(row.Bytes);
        if (!head.IsLarge) return null;
        var kept = new byte[KeptBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(kept, row.Version.Value);
        var (start, end) = StructureKey.RangeOf(head.Home.IsEmpty ? source : head.Home, head.Incarnation);
        _shard = router.ShardOf(target);
        if (router.ShardOf(source) != _shard) throw new AevumException(ErrorCode.InvalidArgument, "the keys lie in several shards");
        _sourceBytes = start.Length;
        Begin();
        do
        {
            (_rows, _bytes, _areMore) = (0, 0, false);
            reader.Scan(_last.Length == 0 ? StructureCopy.FirstElement(start) : [.. _last, 0], end, this);
            if (_rows > 0) Commit();
        }
        while (_areMore);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(sizeof(ulong)), _incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(2 * sizeof(ulong)), _due.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(kept.AsSpan(3 * sizeof(ulong)), moment.At.Value);
        return kept;
    }

    void Begin()
    {
        _due = DueFromNow();
        _batch.Call(BeginStep.Instance, target, StructureCopy.BigEndian(_due.Value));
        Commit();
        _prefix = [.. target, .. StructureCopy.BigEndian(_incarnation)];
        _lease = LeaseRow(target, _incarnation, _due);
    }

    SystemTime DueFromNow() => SystemTime.FromMicroseconds(session.Database.Clock.Now.Microseconds + (ulong)lease.TotalMicroseconds);

    public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
    {
        // A row may be larger than all that go together otherwise: then it goes alone.
        var bytes = key.Length + value.Bytes.Length;
        _areMore = _rows > 0 && (_rows == RowsPerCommit || _bytes + bytes > BytesPerCommit);
        if (_areMore) return false;
        _batch.Put([.. _prefix, .. key[_sourceBytes..]], value.Bytes, value.Expiry);
        _rows++;
        _bytes += bytes;
        _last = key.ToArray();
        return true;
    }

    // Not durable yet, where that is waited for: the last step is, and all before it.
    void Commit()
    {
        if (_incarnation != 0 && session.Database.Clock.Now.Microseconds + ((ulong)lease.TotalMicroseconds / 2) >= _due.Microseconds) PutOff();
        _batch.Namespace = session.Default.Id.Namespace;
        _shard.BeginCommit(_batch);
        if (_incarnation == 0) _incarnation = (ulong)_batch.ResultOf(0).Number;
        _batch.Clear();
    }

    void PutOff()
    {
        _due = DueFromNow();
        _putOff.Clear();
        _putOff.Namespace = session.Default.Id.Namespace;
        _putOff.Delete(_lease);
        _putOff.Put(_lease = LeaseRow(target, _incarnation, _due), default);
        _shard.BeginCommit(_putOff);
    }

    static byte[] LeaseRow(ReadOnlySpan<byte> target, ulong incarnation, SystemTime due)
    {
        var row = new byte[GarbageRow.LengthOf(target.Length)];
        GarbageRow.Write(row, due, target, incarnation);
        return row;
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
        var owner = StructureKey.OwnerOf(target, incarnation);
        call.Writes.Delete(LeaseRow(target, incarnation, new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(kept[(2 * sizeof(ulong))..]))));
        var moment = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(kept[(3 * sizeof(ulong))..]));
        if (call.Rows.TryRead(owner, out _) && call.Rows.TryRead(source, out var row) && row.Version.Value == version
            && !HaveGroupsChanged(call.Rows, source, StructureHead.Read(row.Bytes), moment))
        {
            call.Writes.Delete(owner);
            return true;
        }
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

    sealed class BeginStep : IProcedure
    {
        public static BeginStep Instance { get; } = new();

        public string Name => "resp.copy.begin";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            var incarnation = Elements.UnusedIncarnation(context, key);
            context.Put(StructureKey.OwnerOf(key, incarnation), key);
            context.Put(LeaseRow(key, incarnation, new SystemTime(BinaryPrimitives.ReadUInt64BigEndian(argument))), default);
            context.Return((long)incarnation);
        }
    }
}
