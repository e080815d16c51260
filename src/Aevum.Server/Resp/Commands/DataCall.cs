// DataCall: one data command at work: the keys it sees, the reply it writes, what others want to hear of it. Kept and used again.
//
// Errors are replies, not exceptions: they are common, and the reply is all that comes of them. Keys of rows are put together in buffers of the
// call; a span of one is valid until the same buffer is used again.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Commands.Hashes;
using Aevum.Server.Resp.Commands.Lists;
using Aevum.Server.Resp.Commands.Sets;
using Aevum.Server.Resp.Commands.SortedSets;
using Aevum.Server.Resp.Commands.Streams;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Resp.Commands;

/// <summary>Something that happened to a key, told to those who wait, watch or listen once it is committed.</summary>
/// <param name="Event">As keyspace notifications name it: "set", "lpush", "expired".</param>
/// <param name="IsReady">True: somebody who waits for the key may go on.</param>
readonly record struct KeySignal(KeyspaceId Keyspace, byte[] Key, string Event, NotificationClass Class, bool IsReady)
{
    /// <summary>The event of a database all of whose keys have gone; it has no key.</summary>
    public const string Flushed = "flushed";

    /// <summary>The system time of what happened.</summary>
    public SystemTime At { get; init; }

    /// <summary>The step of the batch that it comes from.</summary>
    public int Step { get; init; }

    /// <summary>When the key expires as it was left, if somebody wants to know; None: never, or it is gone.</summary>
    public SystemTime Expiry { get; init; }

    public bool IsFlush => ReferenceEquals(Event, Flushed);

    /// <summary>That a key's time was over.</summary>
    public static KeySignal OfExpired(KeyspaceId keyspace, byte[] key) => new(keyspace, key, "expired", NotificationClass.Expired, false);
}

sealed class DataCall
{
    static readonly byte[] WrongTypeText = "WRONGTYPE Operation against a key holding the wrong kind of value"u8.ToArray();

    const int ScratchKeptMax = 8 << 20;

    readonly KeyBuffer[] _keys = [new(), new(), new()];
    readonly KeyBuffer _signalled = new();
    byte[] _scratch = new byte[256];
    byte[] _memory = [];
    int _kept;
    IProcedureContext? _writes;
    int _counted;   // 1: keys looked at are counted

    public DataCall()
    {
        Hashes = new RowsPool<HashRows>(this);
        Lists = new RowsPool<ListRows>(this);
        Sets = new RowsPool<SetRows>(this);
        SortedSets = new RowsPool<SortedSetRows>(this);
        Streams = new RowsPool<StreamRows>(this);
    }

    public RowsPool<HashRows> Hashes { get; }

    public RowsPool<ListRows> Lists { get; }

    public RowsPool<SetRows> Sets { get; }

    public RowsPool<SortedSetRows> SortedSets { get; }

    public RowsPool<StreamRows> Streams { get; }

    /// <summary>A number drawn when the request was taken: what a command leaves to chance follows from it.</summary>
    public ulong Chance { get; set; }

    /// <summary>Where rows are read; what was written before by this command, or earlier in its batch, included.</summary>
    public IRowReader Rows { get; private set; } = null!;

    /// <summary>Where rows are written.</summary>
    /// <exception cref="InvalidOperationException">The command only reads.</exception>
    public IProcedureContext Writes
    {
        get
        {
            HasWritten = true;
            return _writes ?? throw new InvalidOperationException("a command that only reads wants to write");
        }
    }

    /// <summary>What the command runs in if it runs beside: elements that it makes are committed as they come. Null: it does not.</summary>
    public BesideRun? Beside { get; init; }

    /// <summary>True if the command may write: it is a step of a batch, and all of its reads are of one moment.</summary>
    public bool IsStep => _writes is not null;

    /// <summary>True if the command has written something.</summary>
    public bool HasWritten { get; private set; }

    /// <summary>Commands that have written something; whoever counts them takes them away.</summary>
    public int Changes { get; set; }

    /// <summary>The database.</summary>
    public KeyspaceId Keyspace { get; private set; }

    public ReplyWriter Reply { get; private set; } = null!;

    /// <summary>The moment of the command: of a write its system time.</summary>
    public SystemTime Now => Rows.Time;

    public long NowMilliseconds => (long)(Now.Microseconds / 1000);

    /// <summary>What it sees of the server.</summary>
    public DataSurroundings Surroundings { get; set; } = DataSurroundings.Alone;

    /// <summary>What CONFIG sets.</summary>
    public RespSettings Settings => Surroundings.Settings;

    SignalInterest Interest => Surroundings.Interest;

    /// <summary>What happened, in order, of what somebody wants to hear.</summary>
    public List<KeySignal> Signals { get; } = [];

    /// <summary>Where the command stands in its batch.</summary>
    public int Step { get; set; }

    /// <summary>True if a command that finds nothing may wait.</summary>
    public bool MayBlock { get; set; }

    /// <summary>Set by a command that found nothing and waits; it has written no reply.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Set by a command that was run as a read and would rather be a step: it is run anew as one, and this reply dropped.</summary>
    public bool WantsWrites { get; private set; }

    /// <summary>Begins a command.</summary>
    /// <param name="isRead">It only reads, though it could write where it runs: keys that it looks at are counted as found or missed.</param>
    /// <param name="writes">Null: it only reads.</param>
    public void Begin(IRowReader rows, IProcedureContext? writes, KeyspaceId keyspace, ReplyWriter reply, bool isRead = false)
    {
        Rows = rows;
        _writes = writes;
        _counted = writes is null || isRead ? 1 : 0;
        Keyspace = keyspace;
        Reply = reply;
        IsBlocked = false;
        WantsWrites = false;
        HasWritten = false;
        if (_scratch.Length > ScratchKeptMax) _scratch = new byte[256];
        Hashes.Reset();
        Lists.Reset();
        Sets.Reset();
        SortedSets.Reset();
        Streams.Reset();
        HasWaited = false;
        ReadyKey = -1;
        _kept = 0;
    }

    /// <summary>Goes to another database.</summary>
    /// <returns>The one it was in.</returns>
    public KeyspaceId Enter(KeyspaceId keyspace)
    {
        var before = Keyspace;
        Keyspace = keyspace;
        return before;
    }

    /// <summary>Keys that a command which only reads has looked at, and that held something; those who count them take them away.</summary>
    public int Hits { get; set; }

    /// <summary>And those that held nothing.</summary>
    public int Misses { get; set; }

    /// <summary>Asked by a command that reads, before it writes down what it found out on the way.</summary>
    /// <returns>False: it must not write here; it is asked again where it may, if it may at all.</returns>
    public bool TryWantWrites()
    {
        WantsWrites = _writes is null;
        return !WantsWrites;
    }

    /// <summary>Waits until one of the command's keys gets something.</summary>
    /// <param name="keep">What the request wants to know when it runs again.</param>
    public void Block(ReadOnlySpan<byte> keep = default)
    {
        IsBlocked = true;
        Keep(keep);
    }

    /// <summary>True if the request ran before, found nothing and has been waiting.</summary>
    public bool HasWaited { get; private set; }

    /// <summary>Of a request that has waited: which of its keys got something, in the order of <see cref="RespCommand.FindKeys"/>; -1: it is not
    /// known.</summary>
    public int ReadyKey { get; private set; } = -1;

    /// <summary>What the request kept when it began to wait.</summary>
    public ReadOnlySpan<byte> Kept => _memory.AsSpan(0, _kept);

    /// <summary>True of a request that has waited, and of a key that holds another kind by now: what was put there for it has gone again (a transaction
    /// may do both), and it waits on. Who comes anew is told WRONGTYPE.</summary>
    public bool IsPassedOver(ReadOnlySpan<byte> userKey, StructureKind kind) =>
        HasWaited && Rows.TryRead(HeadKey(userKey), out var row) && StructureHead.Read(row.Bytes).Kind != kind;

    /// <summary>Goes on with a request that has waited.</summary>
    public void GoOn(int readyKey, ReadOnlySpan<byte> kept)
    {
        HasWaited = true;
        ReadyKey = readyKey;
        Keep(kept);
    }

    void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_memory.Length < bytes.Length) _memory = new byte[bytes.Length];
        bytes.CopyTo(_memory);
        _kept = bytes.Length;
    }

    /// <summary>Told once it is committed.</summary>
    public void Signal(ReadOnlySpan<byte> key, string what, NotificationClass kind, bool isReady = false)
    {
        if (Interest.Wants(kind, isReady)) Signals.Add(new KeySignal(Keyspace, key.ToArray(), what, kind, isReady) { Step = Step, At = Now });
    }

    /// <summary>Called when a command is over: says when the keys expire that it told of. By the time that others are told some may have expired.</summary>
    /// <param name="from">The command's first signal.</param>
    public void NoteExpiries(int from)
    {
        if (!Interest.HearsExpiries) return;
        for (var i = from; i < Signals.Count; i++)
        {
            var signal = Signals[i];
            if (signal.IsFlush || !Rows.TryRead(_signalled.HeadOf(signal.Keyspace, signal.Key), out var row) || row.Expiry == SystemTime.None) continue;
            Signals[i] = signal with { Expiry = row.Expiry };
        }
    }

    /// <summary>Told before something is put where nothing was.</summary>
    public void SignalIfNew(ReadOnlySpan<byte> userKey, ReadOnlySpan<byte> headKey)
    {
        if (Interest.Wants(NotificationClass.New, isReady: false) && !Rows.TryRead(headKey, out _)) Signal(userKey, "new", NotificationClass.New);
    }

    /// <summary>Told of a key that was read and holds nothing.</summary>
    public void SignalMiss(ReadOnlySpan<byte> key)
    {
        if (_counted != 0) Signal(key, "keymiss", NotificationClass.KeyMiss);
    }

    /// <summary>Told once it is committed: every key of a database has gone.</summary>
    public void SignalFlush(KeyspaceId keyspace)
    {
        if (Interest.Wants(NotificationClass.All, isReady: false))
            Signals.Add(new KeySignal(keyspace, [], KeySignal.Flushed, NotificationClass.None, false) { Step = Step });
    }

    // ------------------------------------------------------------------------------------------------ heads

    /// <summary>The key of a head.</summary>
    /// <param name="buffer">0 to 2: which buffer it is written to.</param>
    public ReadOnlySpan<byte> HeadKey(ReadOnlySpan<byte> userKey, int buffer = 0) => _keys[buffer].HeadOf(Keyspace, userKey);

    /// <summary>The key of a row of a vector collection. Valid until the next key of a head or a row.</summary>
    public ReadOnlySpan<byte> RowKey(KeyspaceId collection, ReadOnlySpan<byte> userKey) => _keys[0].RowOf(collection, userKey);

    /// <summary>Reads what a key holds.</summary>
    /// <param name="head">Valid until rows are read again.</param>
    /// <param name="row">Its expiry is the object's own (<see cref="KeyExpiry"/>).</param>
    /// <returns>False: nothing.</returns>
    public bool TryReadHead(ReadOnlySpan<byte> userKey, out StructureHead head, out FoundValue row, int buffer = 0)
    {
        head = default;
        if (!Rows.TryRead(HeadKey(userKey, buffer), out row))
        {
            Misses += _counted;
            SignalMiss(userKey);
            return false;
        }
        Hits += _counted;
        head = StructureHead.Read(row.Bytes);
        if (head.HasOwnExpiry) row = new FoundValue { Bytes = row.Bytes, Version = row.Version, Expiry = head.ExpiryOf(row.Expiry) };
        return true;
    }

    /// <summary>Reads a key that must hold a kind, or nothing. If it holds another the reply is WRONGTYPE.</summary>
    /// <param name="exists">False: it holds nothing.</param>
    /// <returns>False: the reply has been written, and the command ends.</returns>
    public bool TryExpect(ReadOnlySpan<byte> userKey, StructureKind kind, out bool exists, out StructureHead head, out FoundValue row, int buffer = 0)
    {
        exists = TryReadHead(userKey, out head, out row, buffer);
        if (!exists || head.Kind == kind) return true;
        Reply.Error(WrongTypeText);
        return false;
    }

    /// <summary>Gives a key that holds something another expiry.</summary>
    public void RewriteHead(ReadOnlySpan<byte> userKey, SystemTime expiry)
    {
        if (!Rows.TryRead(HeadKey(userKey), out var row)) return;
        var head = StructureHead.Read(row.Bytes);
        Surroundings.Ranks.TellOfHead(HeadKey(userKey), head, row.Version, Now);
        if (!head.HasOwnExpiry && !head.FieldsExpire && !KeyExpiry.IsFar(expiry))
        {
            Writes.Put(HeadKey(userKey), row.Bytes, expiry);   // read in place, and copied by the put
            return;
        }
        var value = Scratch(StructureHead.PrefixBytesMax + head.Home.Length + head.Body.Length);
        var at = StructureHead.WritePrefix(value, head.Kind, head.IsLarge, expiry, head.FieldsExpire, head.FieldsUntil, out var rowExpiry, head.Home);
        head.Body.CopyTo(value[at..]);
        Writes.Put(HeadKey(userKey), value[..(at + head.Body.Length)], rowExpiry);
    }

    public void WrongType() => Reply.Error(WrongTypeText);

    /// <summary>Called before a key's head is replaced or deleted by something else: elements of a large structure are put down for the collector.</summary>
    public void ForgetElements(ReadOnlySpan<byte> userKey)
    {
        if (TryReadHead(userKey, out var head, out _) && head.IsLarge) Elements.PutDown(this, HeadKey(userKey), head);
    }

    // ------------------------------------------------------------------------------------------------ strings

    /// <summary>Writes a string.</summary>
    public void PutString(ReadOnlySpan<byte> userKey, ReadOnlySpan<byte> value, SystemTime expiry = default)
    {
        var head = Scratch(StructureHead.PrefixBytesMax + value.Length);
        var at = StructureHead.WritePrefix(head, StructureKind.String, isLarge: false, expiry, fieldsExpire: false, default, out var rowExpiry);
        value.CopyTo(head[at..]);
        SignalIfNew(userKey, HeadKey(userKey));
        Writes.Put(HeadKey(userKey), head[..(at + value.Length)], rowExpiry);
    }

    /// <summary>Bytes to put something together in; valid until it is called again.</summary>
    public Span<byte> Scratch(int length)
    {
        if (_scratch.Length < length) _scratch = new byte[Math.Max(length, 2 * _scratch.Length)];
        return _scratch.AsSpan(0, length);
    }

    // ------------------------------------------------------------------------------------------------ arguments

    /// <summary>An argument that must be a whole number; else the reply says so.</summary>
    public bool TryInteger(ReadOnlySpan<byte> argument, out long number)
    {
        if (Numbers.TryInteger(argument, out number)) return true;
        Reply.Error("ERR value is not an integer or out of range"u8);
        return false;
    }

    /// <summary>An argument that must be a whole number, 0 or above; else the reply says so.</summary>
    public bool TryNatural(ReadOnlySpan<byte> argument, out long number)
    {
        if (!TryInteger(argument, out number)) return false;
        if (number >= 0) return true;
        Reply.Error("ERR value is out of range, must be positive"u8);
        return false;
    }

    /// <summary>An argument that must be a number; else the reply says so.</summary>
    public bool TryDouble(ReadOnlySpan<byte> argument, out double number)
    {
        if (Numbers.TryDouble(argument, out number)) return true;
        Reply.Error("ERR value is not a valid float"u8);
        return false;
    }

    /// <summary>The reply when only the arguments themselves tell that there are too few of them.</summary>
    public void WrongCount(ReadOnlySpan<byte> command) =>
        Reply.Raw(RespErrors.WrongCount(System.Text.Encoding.ASCII.GetString(command).ToLowerInvariant()));

    public void SyntaxError() => Reply.Error("ERR syntax error"u8);

    public static AevumException Corrupt(string what) => new CorruptionException($"rows of a structure do not fit together: {what}");
}
