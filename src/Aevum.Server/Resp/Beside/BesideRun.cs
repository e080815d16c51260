// BesideRun: a whole command, run on a worker against one moment, whose result may be more than a commit holds.
//
//   reads     as of the moment. Which heads were looked at, and when the first row that was seen expires, is remembered: every change of an object writes
//             its head, so if these are the same when the last step runs, the command would find then what it has found now
//   writes    elements of the one object that the command makes go to a BesideWriter as they come; all else (its head, rows for the collector) is kept
//             for the last step (BesideEnd)
//   signals   are kept, too, and told by the last step to those who want to hear them then
//
// Not here: elements are not read back: who makes an object here puts no element twice. Streams as sources: their groups change without their heads.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Diagnostics;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Beside;

/// <summary>A head that was looked at.</summary>
/// <param name="Version">None: the key held nothing.</param>
readonly record struct SeenHead(byte[] Key, SystemTime Version);

/// <summary>A row that is written with the head.</summary>
/// <param name="Value">Null: it is deleted.</param>
readonly record struct LastWrite(byte[] Key, byte[]? Value, SystemTime Expiry);

sealed class BesideRun : IProcedureContext
{
    const int LookedBackAt = 4;   // commands look at a head again soon, or not at all

    readonly Session _session;
    readonly IShard _shard;
    readonly ViewReader _reader;
    BesideWriter? _writer;

    BesideRun(Session session, IShard shard, SystemTime moment)
    {
        (_session, _shard) = (session, shard);
        _reader = new ViewReader(session.Database.Router) { View = ReadView.AsOf(moment), Time = moment };
    }

    /// <summary>Runs a command.</summary>
    /// <param name="shard">That has its keys.</param>
    /// <param name="packed">The request, as a step's argument.</param>
    public static BesideRun Of(Session session, IShard shard, DataCommand command, DataSurroundings surroundings, byte[] packed)
    {
        using var moment = session.Database.Router.HoldNow();
        var run = new BesideRun(session, shard, moment.At);
        // Who wants to hear of it is asked when it is committed.
        var call = new DataCall { Surroundings = surroundings with { Interest = SignalInterest.InEverything }, Beside = run };
        run.Reply.Version = CommandProcedure.VersionOf(packed);
        call.Begin(run, run, CommandProcedure.KeyspaceOf(packed), run.Reply);
        call.Chance = CommandProcedure.ChanceOf(packed);
        command.Run(call, CommandProcedure.ArgumentsOf(packed));
        run._writer?.Commit();
        run.Signals = [.. call.Signals];
        return run;
    }

    public ReplyWriter Reply { get; } = new();

    public KeySignal[] Signals { get; private set; } = [];

    /// <summary>Heads that must be as they were.</summary>
    public List<SeenHead> Seen { get; } = [];

    /// <summary>When the first row that was seen expires; None: none does.</summary>
    public SystemTime Until { get; private set; }

    /// <summary>What is left to be written, in order.</summary>
    public List<LastWrite> Writes { get; } = [];

    /// <summary>The head's key of the object that the command makes in the place of any other; null: there is none.</summary>
    public byte[]? Replaced { get; private set; }

    /// <summary>Whether it held something.</summary>
    public bool ReplacedExisted { get; private set; }

    /// <summary>What was written beside; null: the object is small, and is in its head.</summary>
    public BesideElements? Elements => _writer?.Elements;

    /// <summary>True: what was to come in the place of something is empty.</summary>
    public bool MakesNothing => _writer is null && !Writes.Exists(w => w.Value is not null && w.Key.AsSpan().SequenceEqual(Replaced));

    /// <summary>False: there is nothing to commit; what was found is as of the moment.</summary>
    public bool HasWritten => Writes.Count > 0 || _writer is not null;

    // ------------------------------------------------------------------------------------------------ for the command

    /// <summary>An object is made in the place of whatever a key holds.</summary>
    /// <returns>Whether that is anything. What becomes of it is the last step's, whatever it is by then.</returns>
    public bool Replace(ReadOnlySpan<byte> headKey)
    {
        Replaced = headKey.ToArray();
        return ReplacedExisted = _reader.TryRead(headKey, out _);
    }

    /// <summary>The object is a large one from now on.</summary>
    /// <returns>Its incarnation.</returns>
    public ulong BeginLarge(ReadOnlySpan<byte> headKey)
    {
        Invariant.Require(_writer is null, "a command that runs beside makes one large object");
        _writer = new BesideWriter(_session, _shard, headKey.ToArray(), BesideWriter.Lease);
        _writer.Begin();
        return _writer.Incarnation;
    }

    public SystemTime Time => _reader.Time;

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        Invariant.Require(!IsOwn(key), "elements that are written beside are not read back");
        for (var i = Writes.Count - 1; i >= 0; i--)
        {
            if (!key.SequenceEqual(Writes[i].Key)) continue;
            value = new FoundValue { Bytes = Writes[i].Value, Version = Time, Expiry = Writes[i].Expiry };
            return Writes[i].Value is not null;
        }
        var isThere = _reader.TryRead(key, out value);
        if (isThere) SeeExpiry(value.Expiry);
        if (StructureKey.HeadLengthOf(key) != key.Length) return isThere;
        See(key, isThere ? value.Version : SystemTime.None);
        if (isThere) SeeFields(StructureHead.Read(value.Bytes));
        return isThere;
    }

    // Fields of a packed hash expire within their row.
    void SeeFields(in StructureHead head)
    {
        if (!head.FieldsExpire || head.IsLarge) return;
        var at = 0;
        for (var i = 1; PackedEntries.TryRead(head.Rest, ref at, out var entry); i++)
            if (i % 3 == 0 && !entry.IsEmpty && new SystemTime(BinaryPrimitives.ReadUInt64BigEndian(entry)) is var expiry && expiry > Time) SeeExpiry(expiry);
    }

    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false) =>
        _reader.Scan(start, end, new Looking(this, visitor), descending);

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default)
    {
        if (IsOwn(key)) _writer!.Put(key, value, expiry);
        else Writes.Add(new LastWrite(key.ToArray(), value.ToArray(), expiry));
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        Invariant.Require(!IsOwn(key), "elements that are written beside are not taken back");
        Writes.Add(new LastWrite(key.ToArray(), null, default));
    }

    public void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand) => throw new NotSupportedException("a command that runs beside merges nothing");

    public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end) =>
        throw new NotSupportedException("a command that runs beside deletes no ranges");

    public void Return(long number) => throw new NotSupportedException("a command returns nothing but its reply");

    public void Return(ReadOnlySpan<byte> bytes) => throw new NotSupportedException("a command returns nothing but its reply");

    bool IsOwn(ReadOnlySpan<byte> key) => _writer is not null && key.StartsWith(_writer.Prefix);

    void See(ReadOnlySpan<byte> key, SystemTime version)
    {
        for (var i = Seen.Count - 1; i >= 0 && i >= Seen.Count - LookedBackAt; i--)
            if (key.SequenceEqual(Seen[i].Key)) return;
        Seen.Add(new SeenHead(key.ToArray(), version));
    }

    void SeeExpiry(SystemTime expiry)
    {
        if (expiry != SystemTime.None && (Until == SystemTime.None || expiry < Until)) Until = expiry;
    }

    sealed class Looking(BesideRun run, IRowVisitor visitor) : IRowVisitor
    {
        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            run.SeeExpiry(value.Expiry);
            return visitor.Visit(key, value);
        }
    }
}
