// RespTransaction: what a client has queued between MULTI and EXEC; and the step that runs it.
//
// All data commands of it run in one step of one batch, so nobody's commit comes between. Commands about the connection or the server run after the
// commit, in their places: what they do cannot be taken back, and a batch may be decided twice.
//
// An error of one command does not hold the others up, as Redis has it: it is a reply like any other.

using Aevum.Core.Batches;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Measuring;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed class RespTransaction(DataSurroundings surroundings) : IProcedure
{
    /// <summary>A request that was queued.</summary>
    /// <param name="Database">Where a data command works.</param>
    /// <param name="Keyspace">Which one that is, known when the transaction is made ready to run: databases may be swapped before.</param>
    public readonly record struct Queued(KnownCommand Command, byte[] Packed, int Database, KeyspaceId Keyspace);

    readonly List<int> _ends = [];
    readonly List<long> _times = [];
    readonly ReplyWriter _reply = new();
    readonly DataCall _call = new() { Surroundings = surroundings };
    LoopMeter? _meter;

    public List<Queued> Requests { get; } = [];

    /// <summary>Bytes of them.</summary>
    public long Bytes { get; private set; }

    /// <summary>True if a request was refused while queueing: EXEC does nothing.</summary>
    public bool HasFailed { get; private set; }

    public string Name => "resp.exec";

    public void Fail() => HasFailed = true;

    /// <param name="chance">Drawn for the request (<see cref="DataCall.Chance"/>).</param>
    public void Add(KnownCommand command, CommandArguments args, int database, ulong chance)
    {
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, default, 2, mayBlock: false, step: 0, args, chance);
        Requests.Add(new Queued(command, packed, database, default));
        Bytes += packed.Length;
    }

    /// <summary>Makes ready to run.</summary>
    /// <param name="version">Of the protocol, for replies.</param>
    /// <param name="meter">Whose clock measures the commands.</param>
    public void Prepare(int version, LoopMeter meter, RespDatabases databases)
    {
        for (var i = 0; i < Requests.Count; i++)
            if (Requests[i].Command.Data is not null) Requests[i] = Requests[i] with { Keyspace = databases.IdOf(Requests[i].Database) };
        _reply.Version = version;
        _meter = meter;
    }

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument) => Run(context, context);

    /// <summary>Runs the data commands.</summary>
    /// <param name="writes">Null: they only read.</param>
    public void Run(IRowReader rows, IProcedureContext? writes)
    {
        _ends.Clear();
        _times.Clear();
        _reply.Clear();
        _call.Signals.Clear();
        _call.Changes = 0;
        foreach (var request in Requests)
        {
            var began = _meter!.Now;
            if (request.Command.Data is { } data)
            {
                _call.Begin(rows, data.Info.Is(CommandFlags.ReadOnly) ? null : writes, request.Keyspace, _reply);
                _call.MayBlock = false;
                _call.Chance = CommandProcedure.ChanceOf(request.Packed);
                var told = _call.Signals.Count;
                data.Run(_call, CommandProcedure.ArgumentsOf(request.Packed));
                _call.NoteExpiries(told);
                if (_call.HasWritten) _call.Changes++;
            }
            _ends.Add(_reply.Length);
            _times.Add(_meter.Now - began);
        }
    }

    /// <summary>What happened to keys, for who tells others of it; it is not told a second time.</summary>
    public KeySignal[] TakeSignals()
    {
        KeySignal[] signals = [.. _call.Signals];
        _call.Signals.Clear();
        return signals;
    }

    /// <summary>What a data command took, by the meter's clock.</summary>
    public long TimeOf(int index) => _times[index];

    /// <summary>What the data commands ran in.</summary>
    public DataCall Call => _call;

    /// <summary>The reply of a data command.</summary>
    public ReadOnlySpan<byte> ReplyOf(int index) => _reply.Written[(index == 0 ? 0 : _ends[index - 1]).._ends[index]];
}
