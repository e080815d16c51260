// BesideWriter: elements of a large object, written before anything refers to them, in as many commits as it takes, on a worker.
//
//   1  [Begin]       an incarnation that nothing has is taken behind the key: a row there says so (StructureKey.OwnerFamily), and a row for the collector says
//                    from when all of it may go: the lease
//   2  [Put, Commit] elements are written, some in each commit; the collector's row is put off while that lasts
//   3  [TryTake]     within the step that writes the head: both rows go, and the elements are the head's
//
// Nobody sees any of it before the third. If the server dies before, or what was written does not fit any more, the collector takes the elements away: at
// the time that its row says, or at once. A FLUSHDB meanwhile takes the owner's row with it, which is what TryTake looks for.
//
// Always true: a commit is no larger than a batch may be, but for one row that is, and goes alone.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp.Beside;

/// <summary>What was written behind a key and waits for a head.</summary>
/// <param name="Home">The head's key that the elements lie behind.</param>
/// <param name="Due">When the collector may take them away.</param>
readonly record struct BesideElements(byte[] Home, ulong Incarnation, SystemTime Due)
{
    /// <summary>Asked within the step that writes the head: takes away what only stood for the elements while no head had them.</summary>
    /// <returns>False: they are gone, and no head may have them.</returns>
    public bool TryTake(IProcedureContext context)
    {
        context.Delete(BesideWriter.LeaseRow(Home, Incarnation, Due));
        var owner = StructureKey.OwnerOf(Home, Incarnation);
        if (!context.TryRead(owner, out _)) return false;
        context.Delete(owner);
        return true;
    }
}

sealed class BesideWriter(Session session, IShard shard, byte[] home, TimeSpan lease)
{
    const int RowsPerCommit = 2000;
    const int BytesPerCommit = 512 << 10;
    const int EncodedMax = 32;   // what a row takes in a batch beside its key and value

    /// <summary>For so long nobody takes elements away that no head has.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    readonly StepBatch _batch = new(session.Database.Options.Limits);
    readonly StepBatch _putOff = new(session.Database.Options.Limits);   // apart: a row may be as large as a batch may be, and then goes alone
    readonly int _bytesPerCommit = Math.Min(BytesPerCommit, session.Database.Options.Limits.BatchBytesMax);
    SystemTime _due;

    /// <summary>What the keys of elements begin with; empty before <see cref="Begin"/>.</summary>
    public byte[] Prefix { get; private set; } = [];

    public BesideElements Elements => new(home, Incarnation, _due);

    public ulong Incarnation { get; private set; }

    /// <summary>Takes an incarnation.</summary>
    public void Begin()
    {
        _due = DueFromNow();
        Span<byte> due = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(due, _due.Value);
        _batch.Call(BeginStep.Instance, home, due);
        _batch.Namespace = session.Default.Id.Namespace;
        shard.BeginCommit(_batch);
        var result = _batch.ResultOf(0);
        if (result.Status == StepStatus.Failed) throw new AevumException(result.Code, result.Message ?? "an object could not be begun");
        Incarnation = (ulong)result.Number;
        _batch.Clear();
        Prefix = new byte[home.Length + sizeof(ulong)];
        home.CopyTo(Prefix, 0);
        BinaryPrimitives.WriteUInt64BigEndian(Prefix.AsSpan(home.Length), Incarnation);
    }

    SystemTime DueFromNow() => SystemTime.FromMicroseconds(session.Database.Clock.Now.Microseconds + (ulong)lease.TotalMicroseconds);

    /// <summary>False: a row of that key and value would not go into the commit that is filling.</summary>
    public bool HasRoomFor(int keyBytes, int valueBytes) =>
        _batch.Count == 0 || (_batch.Count < RowsPerCommit && _batch.Effects.Encoded.Length + keyBytes + valueBytes + EncodedMax <= _bytesPerCommit);

    /// <summary>Writes a row of an element, with what is full before it.</summary>
    /// <param name="key">All of it, beginning with <see cref="Prefix"/>.</param>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        if (!HasRoomFor(key.Length, value.Length)) Commit();
        _batch.Put(key, value, expiry);
    }

    /// <summary>Commits what has been put. It is not durable yet, where that is waited for: the last step is, and all before it.</summary>
    public void Commit()
    {
        if (_batch.Count == 0) return;
        if (session.Database.Clock.Now.Microseconds + ((ulong)lease.TotalMicroseconds / 2) >= _due.Microseconds) PutOff();
        _batch.Namespace = session.Default.Id.Namespace;
        shard.BeginCommit(_batch);
        _batch.Clear();
    }

    void PutOff()
    {
        var before = LeaseRow(home, Incarnation, _due);
        _due = DueFromNow();
        _putOff.Clear();
        _putOff.Namespace = session.Default.Id.Namespace;
        _putOff.Delete(before);
        _putOff.Put(LeaseRow(home, Incarnation, _due), default);
        shard.BeginCommit(_putOff);
    }

    /// <summary>The collector's row of elements that wait for a head.</summary>
    public static byte[] LeaseRow(ReadOnlySpan<byte> home, ulong incarnation, SystemTime due)
    {
        var row = new byte[GarbageRow.LengthOf(home.Length)];
        GarbageRow.Write(row, due, home, incarnation);
        return row;
    }

    sealed class BeginStep : IProcedure
    {
        public static BeginStep Instance { get; } = new();

        public string Name => "resp.beside.begin";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            var incarnation = Commands.Elements.UnusedIncarnation(context, key);
            context.Put(StructureKey.OwnerOf(key, incarnation), key);
            context.Put(LeaseRow(key, incarnation, new SystemTime(BinaryPrimitives.ReadUInt64BigEndian(argument))), default);
            context.Return((long)incarnation);
        }
    }
}
