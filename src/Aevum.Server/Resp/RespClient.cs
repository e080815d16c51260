// RespClient: what the server knows about one connection of the protocol: who it is, which database, what it is in the middle of.
//
// It belongs to one loop. What it answers goes into the channel in the order of its requests: while a request waits for something the client is
// suspended, and what it sends meanwhile stays unread.

using Aevum.Core.Batches;
using Aevum.Core.Network;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespClient(RespEngine engine, IChannel channel, long id) : IChannelHandler
{
    /// <summary>Numbers clients from 1 in the order in which they came; never used again while the server lives.</summary>
    public long Id => id;

    public IChannel Channel => channel;

    public RespEngine Engine => engine;

    public RequestParser Parser { get; } = new();

    /// <summary>2, or 3 after HELLO.</summary>
    public int Version { get; set; } = 2;

    public string Name { get; set; } = "";

    /// <summary>Number of the database.</summary>
    public int Database { get; set; }

    /// <summary>Its keyspace.</summary>
    public KeyspaceId Keyspace => engine.Databases.IdOf(Database);

    /// <summary>The number of the database that a queued command will find: SELECT may have been queued before it.</summary>
    public int QueueDatabase(KnownCommand command, CommandArguments args)
    {
        if (command.Info.Name == "select" && Numbers.TryInteger(args[1], out var number) && number >= 0 && number < engine.Databases.Count)
            _queuedDatabase = (int)number;
        return _queuedDatabase ?? Database;
    }

    /// <summary>The same for the command that was queued last.</summary>
    public int QueuedDatabase => _queuedDatabase ?? Database;

    /// <summary>Begins to queue.</summary>
    public void BeginTransaction()
    {
        Transaction = new RespTransaction(engine.Server.Surroundings);
        _queuedDatabase = null;
    }

    int? _queuedDatabase;

    /// <summary>The moment that reads stand at; null: the present.</summary>
    public SystemTime? Moment { get; set; }

    /// <summary>Kept beside each commit of the client.</summary>
    public CommitNote? Note { get; set; }

    /// <summary>What MULTI has gathered; null outside of it.</summary>
    public RespTransaction? Transaction { get; set; }

    /// <summary>Keys that must not change before EXEC.</summary>
    public List<WatchedKey> Watched { get; } = [];

    /// <summary>The moment since which they must not; null: nothing is watched.</summary>
    public IHeldMoment? WatchedSince { get; set; }

    /// <summary>Watches nothing any more.</summary>
    public void Unwatch()
    {
        Watched.Clear();
        WatchedSince?.Dispose();
        WatchedSince = null;
    }

    /// <summary>True while a request of it waits: nothing more is read from it.</summary>
    public bool IsSuspended { get; private set; }

    public bool IsClosed { get; private set; }

    /// <summary>True after QUIT, or an error of the protocol: nothing more is read, and the end comes when what waits has been sent.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Steps of it in the batch that is filling.</summary>
    public int PendingSteps { get; set; }

    /// <summary>True while a request of it waits for a key.</summary>
    public bool Waits { get; set; }

    /// <summary>True while it is not read for its steps wait for the disk.</summary>
    public bool IsHeldBack { get; set; }

    public int OnReceived(ReadOnlySpan<byte> bytes)
    {
        var taken = engine.Take(this, bytes);
        engine.Meter.EndBurst(taken);
        if (_inputEnded) OnInputEnded();
        return taken;
    }

    // The connection would end now, before replies that wait for the disk.
    public void OnInputEnded()
    {
        _inputEnded = true;
        if (engine.MayHold && PendingSteps > 0) engine.HoldBack(this);
    }

    bool _inputEnded;

    public void OnClosed()
    {
        IsClosed = true;
        engine.Forget(this);
        Unwatch();
    }

    /// <summary>Sends bytes, after everything that was answered before.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (IsClosed || IsMuted || bytes.IsEmpty) return;
        engine.Meter.Sent(bytes.Length);
        bytes.CopyTo(channel.GetSpan(bytes.Length));
        channel.Advance(bytes.Length);
    }

    /// <summary>The same for an answer that was made beside the loop.</summary>
    public void Send(OutputBlocks blocks)
    {
        if (IsClosed || IsMuted)
        {
            blocks.Dispose();
            return;
        }
        engine.Meter.Sent(blocks.Length);
        channel.Append(blocks);
    }

    /// <summary>Reads nothing more until <see cref="Resume"/>.</summary>
    public void Suspend()
    {
        IsSuspended = true;
        channel.Pause();
    }

    /// <summary>Goes on behind the request that waited. On the loop.</summary>
    public void Resume()
    {
        if (!IsSuspended) return;
        IsSuspended = false;
        if (IsMuted && Replies == ReplyMode.SkipNext) Replies = ReplyMode.On;
        if (!IsClosed) channel.Resume();
    }

    /// <summary>Ends the connection when the reply that is being written has been sent.</summary>
    public void CloseAfterReply() => IsClosing = true;

    /// <summary>Ends the connection once everything has been sent.</summary>
    public void Close()
    {
        IsClosing = true;
        if (engine.MayHold && PendingSteps > 0) engine.HoldBack(this);
        else CloseNow();
    }

    /// <summary>The same, whatever of it is under way. The other side may take its time to end: it is nobody's listener any more meanwhile.</summary>
    public void CloseNow()
    {
        channel.Close();
        ForgetSession();
    }
}

/// <summary>A key of WATCH.</summary>
/// <param name="HeadKey">The key of its row.</param>
/// <param name="Expiry">Of what it held then; None: never.</param>
/// <param name="Database">Number of its database.</param>
/// <param name="Existed">True if it held something.</param>
/// <param name="Elements">Of a large object: where its elements lay.</param>
readonly record struct WatchedKey(
    byte[] HeadKey, SystemTime Expiry, int Database, byte[] UserKey, bool Existed, (byte[] Start, byte[] End)? Elements);
