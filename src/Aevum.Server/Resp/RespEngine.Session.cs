// RespEngine, session: what commands about connections and the server ask of the loop's engine.

using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.PubSub;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    (KeySignal[] Signals, RespClient Writer)? _afterReply;

    /// <summary>Which clients of this loop listen to what.</summary>
    public ChannelTable Channels { get; }

    /// <summary>Runs an action on the loop: at once if it is the caller's.</summary>
    public void Post(Action action)
    {
        if (Loop.IsCurrent) action();
        else Loop.Post(action);
    }

    // What a transaction did is told when its reply is on its way.
    void PublishAfterReply()
    {
        if (_afterReply is not { } told) return;
        _afterReply = null;
        var writers = new RespClient[told.Signals.Max(s => s.Step) + 1];
        Array.Fill(writers, told.Writer);
        Server.Signals.Publish(this, told.Signals, writers);
    }

    void NoteAccess(RespClient client, DataCommand command, CommandArguments args)
    {
        if (client.Moment is null && !client.NoTouch)
            Server.Surroundings.Accesses.Note(client.Keyspace, command, args, (long)(Server.Database.Clock.Now.Microseconds / 1_000_000));
    }

    /// <summary>Begins a read at the client's moment, for a command that is not about data itself. Ends with the next one.</summary>
    /// <param name="keyspace">Null: the client's.</param>
    public DataCall BeginReading(RespClient client, ReplyWriter reply, KeyspaceId? keyspace = null)
    {
        BeginRead(_reader, _call, keyspace ?? client.Keyspace, client.Moment, reply);
        return _call;
    }
}
