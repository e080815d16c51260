// RespEngine: requests of one loop's clients, in the order in which they come, with as few commits as that allows.
//
//   reads     are answered at once, from a view of the present, while their client has no write under way
//   writes    are steps of one batch (and reads of a client whose writes are in it); the batch is committed at the turn's end, when it is full, or
//             when somebody needs what it answers; then each step's reply goes to its client
//   slow      reads that would hold the loop up run beside it, on a copy of their request; their client is suspended meanwhile
//
// A read sees one state: beside the loop it holds a moment; on it, a command that reads several rows looks whether anything came to light meanwhile, and
// if so is run once more from a moment that is held.
//
// So a pipeline of writes, of one client or of many, is one commit, one append to the log, one wait for the disk. All steps of a batch share its
// system time; where a keyspace keeps history, a key that comes again begins a new batch, so that no version is lost.
//
// Always true: a client's replies are in the order of its requests; what was answered is committed; a read sees everything its client wrote before.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    // From here on a reply that was made beside the loop is handed over as it lies.
    const int LargeReplyBytes = 64 << 10;

    readonly ReplyWriter _reply = new();
    readonly DataCall _call = new();
    readonly ViewReader _reader;
    readonly KeyScout _scout;
    long _turnTime;   // when the first request of this turn of the loop came; 0: none has

    public RespEngine(RespServer server, ILoop loop)
    {
        Server = server;
        Loop = loop;
        _scout = new KeyScout(server);
        _batch = new StepBatch(server.Database.Options.Limits) { Policy = CommitPolicy.EachForItself };
        _batchBytesMax = Math.Min(BatchBytesMax, server.Database.Options.Limits.BatchBytesMax / 2);
        _reader = new ViewReader(server.Database.Router);
        _call.Surroundings = server.Surroundings;
        Channels = new PubSub.ChannelTable(this);
        Chances = server.NewChances();
        Meter = server.Statistics.NewMeter();
        MayHold = server.Database.Options.Sync == "always";
        loop.TurnEnding += EndTurn;
    }

    public RespServer Server { get; }

    public ILoop Loop { get; }

    public RespDatabases Databases => Server.Databases;

    /// <summary>What requests of this loop draw from (SPOP and its kin).</summary>
    public SeededRandom Chances { get; }

    public Measuring.LoopMeter Meter { get; }

    /// <summary>The clients of this loop. On the loop.</summary>
    public Dictionary<long, RespClient> Clients { get; } = [];

    /// <param name="number">That it has been given already; 0: none.</param>
    public RespClient? Accept(IChannel channel, long number = 0)
    {
        var client = new RespClient(this, channel, number != 0 ? number : Server.Numbers.Next());
        if (Server.Clients.Count >= Server.Settings.ClientsMax.Value)
        {
            client.Send(RespErrors.TooManyClients);
            Server.CountRefused();
            return null;
        }
        Clients.Add(client.Id, client);
        Meter.Accepted();
        Server.Clients[client.Id] = client;
        client.BecomeDefault();
        client.ApplyLimits();
        WatchClients();
        return client;
    }

    public void Forget(RespClient client)
    {
        if (Clients.Remove(client.Id)) Meter.Closed();
        Server.Clients.TryRemove(client.Id, out _);
        client.ForgetSession();
        if (Server.Waiters.Of(client) is { } waiting)
        {
            Server.Waiters.Remove(waiting);
            waiting.Timer?.Dispose();
        }
    }

    void EndTurn()
    {
        Flush();
        _turnTime = 0;
    }

    // ------------------------------------------------------------------------------------------------ requests

    /// <summary>Takes as many whole requests as there are, unless one has to wait.</summary>
    /// <returns>Bytes taken.</returns>
    public int Take(RespClient client, ReadOnlySpan<byte> bytes)
    {
        var taken = 0;
        var scouted = 0;
        client.LastSeen = _turnTime != 0 ? _turnTime : _turnTime = Server.Timestamp;
        client.InputBytes = bytes.Length;
        while (!client.IsSuspended && !client.IsClosing && !client.IsClosed && !client.Channel.IsFull)
        {
            var rest = bytes[taken..];
            if (scouted == 0) _scout.Look(client, rest, out scouted);
            scouted--;
            switch (client.Parser.Read(rest, out var length))
            {
                case ParseStatus.More:
                    if (Math.Max(rest.Length, client.Parser.Needed) > Server.Settings.RequestBytesMax.Value) client.Abort();
                    return taken;
                case ParseStatus.Failed:
                    Refuse(client, client.Parser.Error);
                    return bytes.Length;
                case ParseStatus.Empty:
                    taken += length;
                    continue;
            }
            var args = client.Parser.Arguments(rest);
            if (Server.Pauses.IsOn && IsHeldBack(client, args)) return taken;
            if (MayHold && MustWait(client, args)) return taken;
            taken += length;
            Meter.IsLastOfBurst = taken == bytes.Length;
            if (client.Replies == ReplyMode.On) Do(client, args);
            else DoMuted(client, args);
        }
        return taken;
    }

    void Refuse(RespClient client, string why)
    {
        FlushFor(client);
        _reply.Clear();
        _reply.Error("ERR " + why);
        Meter.CountError(_reply.Written);
        Answer(client, _reply.Written);
        client.Close();
    }

    void Do(RespClient client, CommandArguments args)
    {
        var command = Server.Commands.Find(args);
        client.LastCommand = command;
        if (Refusal(client, command, args) is { } refusal)
        {
            Answer(client, refusal);
            Meter.Rejected(command, refusal);
            client.Transaction?.Fail();
            return;
        }
        if (client.Transaction is { } transaction && !command!.Info.Is(CommandFlags.NotQueued))
        {
            if (!HasDatabase(client, command, client.QueueDatabase(command, args))) return;
            transaction.Add(command, args, client.QueuedDatabase, Chances.NextUInt64());
            Answer(client, "+QUEUED\r\n"u8);
            return;
        }
        if (command!.Data is not null && !HasDatabase(client, command, client.Database)) return;
        if (client.Tracking is not null) RememberReads(client, command, args);
        if (command.Session is not null) DoSession(client, command, args);
        else DoData(client, command, args);
        if (Server.Monitors.IsOn) Server.Monitors.Tell(client, command, args);
    }

    // A database is made when it is used first, and a disk that fails refuses that: the request, not the connection.
    bool HasDatabase(RespClient client, KnownCommand command, int number)
    {
        if (Databases.TryIdOf(number, out _)) return true;
        try
        {
            _ = Databases.IdOf(number);
            return true;
        }
        catch (AevumException refused)
        {
            var refusal = RespErrors.ReplyOf(refused);
            Answer(client, refusal);
            Meter.Rejected(command, refusal);
            client.Transaction?.Fail();
            return false;
        }
    }

    // A reply that needs nothing, behind those that are under way.
    void Answer(RespClient client, ReadOnlySpan<byte> reply)
    {
        FlushFor(client);
        if (client.PendingSteps > 0) AnswerLate(client, reply);
        else client.Send(reply);
    }

    void DoSession(RespClient client, KnownCommand command, CommandArguments args)
    {
        FlushFor(client);
        Meter.Begin(command);
        var reply = Server.RentReply();
        reply.Version = client.Version;
        try
        {
            command.Session!.Run(client, args, reply);
        }
        catch (AevumException failure)
        {
            reply.Clear();
            reply.Error(RespErrors.TextOf(failure));
        }
        if (reply.IsPush) client.Push(reply.Written);
        else client.Send(reply.Written);
        Meter.End(client, command, args, reply.Written);
        Server.ReturnReply(reply);
        if (client.IsClosing && !client.IsSuspended) client.Close();
        PublishAfterReply();
    }

    // ------------------------------------------------------------------------------------------------ data

    void DoData(RespClient client, KnownCommand command, CommandArguments args)
    {
        var data = command.Data!;
        if (Server.Surroundings.Accesses.IsOn) NoteAccess(client, data, args);
        if (data.MayTakeSeveralCommits && data.Writes(args))
        {
            if (!TryCommitBeside(client, command, args, out var isLast)) AddStep(client, command, args, isLast);
            return;
        }
        if (data.Writes(args) || (client.PendingSteps > 0 && !IsSlow(client, data, args)))
        {
            AddStep(client, command, args);
            return;
        }
        FlushFor(client);
        Read(client, command, data, args);
    }

    // Asked of a read behind writes that are not committed yet: in the sequencer it would hold up everybody.
    bool IsSlow(RespClient client, DataCommand command, CommandArguments args)
    {
        _reply.Clear();
        BeginRead(_reader, _call, client.Keyspace, client.Moment, _reply);
        try
        {
            return command.IsSlow(_call, args);
        }
        catch (AevumException)
        {
            return false;   // the command itself will say what is wrong
        }
    }

    void Publish(List<KeySignal> signals)
    {
        if (signals.Count > 0) Server.Signals.Publish(this, signals, null);
        signals.Clear();
    }

    void Read(RespClient client, KnownCommand known, DataCommand command, CommandArguments args)
    {
        Meter.Begin(known);
        _reply.Clear();
        _reply.Version = client.Version;
        var chance = Chances.NextUInt64();
        var maySeeTwo = known.ReadsSeveralRows && client.Moment is null;
        var shown = maySeeTwo ? Shown : 0;
        BeginRead(_reader, _call, client.Keyspace, client.Moment, _reply, chance);
        try
        {
            if (command.IsSlow(_call, args))
            {
                ReadBeside(client, command, args);
                return;
            }
            var (hits, misses) = (_call.Hits, _call.Misses);
            command.Run(_call, args);
            if (maySeeTwo && Shown != shown)
            {
                (_call.Hits, _call.Misses) = (hits, misses);
                if (!TryReadHeld(client, command, args, chance)) return;
            }
            if (_call.WantsWrites && client.Moment is null)
            {
                AddStep(client, known, args);
                return;
            }
        }
        catch (AevumException failure)
        {
            _reply.Clear();
            _reply.Error(RespErrors.TextOf(failure));
        }
        client.Send(_reply.Written);
        Meter.Looked(_call);
        Meter.End(client, known, args, _reply.Written);
        Publish(_call.Signals);
    }

    // While it stays the same nothing came to light on any shard.
    ulong Shown
    {
        get
        {
            var shards = Server.Database.Router.Shards;
            var sum = shards[0].Shown.Value;
            for (var i = 1; i < shards.Count; i++) sum += shards[i].Shown.Value;
            return sum;
        }
    }

    // Others have committed between the reads of a command, which may have seen a part of that: once more, from one moment.
    bool TryReadHeld(RespClient client, DataCommand command, CommandArguments args, ulong chance)
    {
        _reply.Clear();
        using var reader = new MomentReader(Server.Database.Router, Server.Database.Clock.Now);
        BeginRead(reader, _call, client.Keyspace, _reply, chance);
        if (command.IsSlow(_call, args))
        {
            ReadBeside(client, command, args);   // it may have grown
            return false;
        }
        command.Run(_call, args);
        return true;
    }

    void BeginRead(
        ViewReader reader, DataCall call, KeyspaceId keyspace, Core.Time.SystemTime? moment, ReplyWriter reply, ulong chance = 0)
    {
        reader.View = moment is { } at ? ReadView.AsOf(at) : ReadView.Present;
        reader.Time = moment ?? Server.Database.Clock.Now;
        BeginRead(reader, call, keyspace, reply, chance);
    }

    static void BeginRead(IRowReader reader, DataCall call, KeyspaceId keyspace, ReplyWriter reply, ulong chance)
    {
        call.Signals.Clear();
        call.MayBlock = false;
        call.Chance = chance;
        call.Begin(reader, null, keyspace, reply);
    }

    // A copy of the request goes to a worker; its reply comes back to the loop.
    void ReadBeside(RespClient client, DataCommand command, CommandArguments args)
    {
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, client.Keyspace, client.Version, mayBlock: false, step: 0, args);
        var (keyspace, moment, chance, database) = (client.Keyspace, client.Moment, Chances.NextUInt64(), client.Database);
        AnswerBeside(client, command.Info.Name, reply =>
        {
            var call = new DataCall { Surroundings = Server.Surroundings };
            using var held = moment is null ? HoldDatabase(database, out keyspace) : null;
            if (held is not null) BeginRead(held, call, keyspace, reply, chance);
            else BeginRead(new ViewReader(Server.Database.Router), call, keyspace, moment, reply, chance);
            command.Run(call, CommandProcedure.ArgumentsOf(packed));
        }, packed, null);
    }

    // A moment, and which keyspace a database was then: it may be another one (SWAPDB) than when the request came, or than a moment later.
    MomentReader HoldDatabase(int database, out KeyspaceId keyspace)
    {
        while (true)
        {
            var catalog = Server.Database.Catalog;
            keyspace = Databases.IdOf(database);
            var reader = new MomentReader(Server.Database.Router, Server.Database.Clock.Now);
            reader.Hold();
            if (ReferenceEquals(catalog, Server.Database.Catalog)) return reader;
            reader.Dispose();
        }
    }

    /// <summary>Answers a session command that could hold the loop up: beside it. The command has written nothing, and does nothing after this.</summary>
    /// <param name="then">What is left to be done on the loop before the reply is sent; null: nothing.</param>
    /// <param name="start">Runs it on a worker, at its time; null: at once.</param>
    public void AnswerBeside(RespClient client, string name, Action<ReplyWriter> write, Action? then = null, Action<Action>? start = null)
    {
        // Within EXEC its reply is one of several: they are put together around it.
        if (_isExecuting) _beside = new BesideAnswer(name, write, then, start);
        else AnswerBeside(client, name, write, null, then, start);
    }

    // Packed: the request, for the slow log; null: its name is all that is known.
    void AnswerBeside(RespClient client, string name, Action<ReplyWriter> write, byte[]? packed, Action? then, Action<Action>? start = null)
    {
        var version = client.Version;
        var measured = Meter.LeaveLoop();
        client.Suspend();
        (start ?? (work => Server.RunBeside("resp " + name, work)))(() =>
        {
            var began = Meter.Now;
            var reply = Written(write, version);
            var ticks = Meter.Now - began;
            var large = reply.Length >= LargeReplyBytes ? new OutputBlocks() : null;
            large?.Append(reply.Written);
            Loop.Post(() =>
            {
                if (measured is not null) Meter.CountElsewhere(client, measured, packed, ticks, reply.Written);
                then?.Invoke();
                if (large is not null) client.Send(large);
                else client.Send(reply.Written);
                client.Resume();
                if (client.IsClosing) client.Close();
            });
        });
    }

    static ReplyWriter Written(Action<ReplyWriter> write, int version)
    {
        var reply = new ReplyWriter { Version = version };
        try
        {
            write(reply);
        }
        catch (AevumException failure)
        {
            reply.Clear();
            reply.Error(RespErrors.TextOf(failure));
        }
        return reply;
    }
}
