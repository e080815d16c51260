// RespCommand: what a client may ask for. Two kinds:
//
//   DataCommand       reads and writes keys, and knows nothing but a reader of rows (DataCall): the same code answers from a view of the present or
//                     of the past, and as a procedure inside the sequencer
//   SessionCommand    is about the connection, the server, or what is kept beside the data: runs on the connection's loop

using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

abstract class RespCommand
{
    public abstract CommandInfo Info { get; }

    /// <summary>True if an argument must not be shown to anybody: a password.</summary>
    public virtual bool IsSecret(CommandArguments args, int index) => false;

    /// <summary>True if the slow log has nothing to tell of it: what it does is told by others.</summary>
    public virtual bool SkipsSlowLog => false;

    /// <summary>Commands that this one is only the first word of, as CONFIG is; empty: it is one itself. Named "config|get".</summary>
    public virtual IReadOnlyList<RespCommand> Subcommands => [];

    /// <summary>Finds the keys of a request. The default follows <see cref="CommandInfo.Keys"/>.</summary>
    /// <param name="found">Takes the arguments' indices.</param>
    /// <returns>False: the request is malformed and has no keys that could be told.</returns>
    public virtual bool FindKeys(CommandArguments args, List<int> found)
    {
        var keys = Info.Keys;
        if (keys.First == 0) return true;
        var last = keys.Last < 0 ? args.Count + keys.Last : keys.Last;
        for (var i = keys.First; i <= last && i < args.Count; i += keys.Step) found.Add(i);
        return true;
    }
}

abstract class DataCommand : RespCommand
{
    /// <summary>Does it, and writes one reply. What is wrong with the request is a reply too, and then nothing has been written.</summary>
    public abstract void Run(DataCall call, CommandArguments args);

    /// <summary>Called on the loop of the client before a request that writes goes to the sequencer: what takes a commit of its own, as making a
    /// database does, is done here.</summary>
    public virtual void Prepare(CommandArguments args)
    {
    }

    /// <summary>True of a command that may write more than one commit should hold: such a request is done beside the loop, in several: all of it
    /// (<see cref="BesideRun"/>), or as <see cref="Begin"/> prepares it.</summary>
    /// <remarks>As a step it blocks if it finds out that it is such a request (<see cref="DataCall.MayBlock"/>).</remarks>
    public virtual bool MayTakeSeveralCommits => false;

    /// <summary>What a request of such a command will do, as far as can be told by heads.</summary>
    public virtual WriteForecast Forecast(DataCall call, CommandArguments args) => default;

    /// <summary>True of such a command that does its last commit as the step that it is, and prepares it before.</summary>
    public virtual bool PreparesBeside => false;

    /// <summary>Does all of such a request but its last commit. On a worker.</summary>
    /// <returns>What the last one wants to know: the request runs as a step then, as one that has waited (<see cref="DataCall.Kept"/>). If that
    /// blocks, all of it begins anew. Null: there is nothing to do before.</returns>
    public virtual byte[]? Begin(KeyspaceId keyspace, CommandArguments args) => null;

    /// <summary>The row that a request is about, where it is no head of its first key: of a vector collection, whose rows lie in a keyspace of their
    /// own. Which shard decides it follows from it, and what must not come twice in one batch.</summary>
    /// <param name="buffer">Where the key is put together.</param>
    /// <returns>Empty: the keys of the request say all of that.</returns>
    public virtual ReadOnlySpan<byte> FindRow(DataSurroundings surroundings, CommandArguments args, KeyBuffer buffer) => default;

    /// <summary>True if this request could hold the loop up: it is then read beside it, from a view of the present.</summary>
    /// <remarks>Asked of commands that only read.</remarks>
    public virtual bool IsSlow(DataCall call, CommandArguments args) => false;

    /// <summary>True of a command that reads but may write down what it found out (<see cref="DataCall.TryWantWrites"/>).</summary>
    public virtual bool KeepsFindings => false;

    /// <summary>True if this request changes something; else it is answered as a read. Of those that may write.</summary>
    public virtual bool Writes(CommandArguments args) => Info.Is(CommandFlags.Write);
}
