// CommandProcedure: a data command as a step of a batch: the sequencer runs it where batches are put in order, and its reply is the step's result.
//
//   argument   keyspace u64 | protocol version u8 | flags u8 | step u32 | chance u64 | arguments: count u32, each length u32 and bytes
//                                                                                                                      little endian
//
// The argument says all there is to say, so a step can be handed to a shard in another process; signals stay with the process that runs it.
// A batch for which there was no room is decided again from its first step: signals begin anew with it.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

class CommandProcedure(DataCommand command, DataSurroundings surroundings) : IProcedure
{
    /// <summary>A step's number when it blocked: it has no reply.</summary>
    public const long Blocked = -1;

    /// <summary>A step's number when it was not run, for the batch was full before it: it has neither a reply nor effects, and goes into the
    /// next one.</summary>
    public const long Deferred = -2;

    const int StepAt = 8 + 1 + 1;
    const int ChanceAt = 8 + 1 + 1 + 4;
    const int HeaderBytes = ChanceAt + sizeof(ulong);
    const byte MayBlockFlag = 1;
    const byte TimedFlag = 2;
    const byte HasWaitedFlag = 4;

    [ThreadStatic]
    static DataCall? t_call;

    [ThreadStatic]
    static ReplyWriter? t_reply;

    [ThreadStatic]
    static bool t_isFull;   // the batch that is decided on this thread

    [ThreadStatic]
    static ArgumentRange[]? t_ranges;

    readonly bool _onlyReads = command.Info.Is(CommandFlags.ReadOnly) && !command.KeepsFindings;

    public string Name { get; } = "resp." + command.Info.Name;

    /// <summary>Signals of the steps that ran last on this thread, in their order.</summary>
    public static List<KeySignal> Signals => Call.Signals;

    /// <summary>What the steps of this thread run in.</summary>
    public static DataCall Call => t_call ??= new DataCall();

    /// <summary>Puts an argument together.</summary>
    /// <param name="target">Lengthened if it is too short.</param>
    /// <param name="chance">Drawn for this request (<see cref="DataCall.Chance"/>).</param>
    /// <param name="timed">How long it takes is told to <see cref="Measuring.LoopMeter"/>.</param>
    public static ReadOnlySpan<byte> Pack(
        ref byte[] target, KeyspaceId keyspace, int version, bool mayBlock, int step, CommandArguments args, ulong chance = 0,
        bool timed = false)
    {
        var needed = HeaderBytes + sizeof(int);
        for (var i = 0; i < args.Count; i++) needed = checked(needed + sizeof(int) + args[i].Length);
        if (target.Length < needed) target = new byte[Math.Max(needed, 2 * target.Length)];
        var at = target.AsSpan();
        BinaryPrimitives.WriteUInt64LittleEndian(at, keyspace.Value);
        at[8] = (byte)version;
        at[9] = (byte)((mayBlock ? MayBlockFlag : 0) | (timed ? TimedFlag : 0));
        BinaryPrimitives.WriteInt32LittleEndian(at[10..], step);
        BinaryPrimitives.WriteUInt64LittleEndian(at[ChanceAt..], chance);
        BinaryPrimitives.WriteInt32LittleEndian(at[HeaderBytes..], args.Count);
        var written = HeaderBytes + sizeof(int);
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            BinaryPrimitives.WriteInt32LittleEndian(at[written..], argument.Length);
            argument.CopyTo(at[(written + sizeof(int))..]);
            written += sizeof(int) + argument.Length;
        }
        return target.AsSpan(0, written);
    }

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        var step = BinaryPrimitives.ReadInt32LittleEndian(argument[StepAt..]);
        if (step == 0) t_isFull = false;
        if (t_isFull)
        {
            context.Return(Deferred);
            return;
        }
        var told = step == 0 ? 0 : Call.Signals.Count;
        try
        {
            Run(context, argument, step);
        }
        catch (AevumException refusal)
        {
            Call.Signals.RemoveRange(told, Call.Signals.Count - told);
            surroundings.Ranks.Untell(context.Time);
            // What steps before it write leaves no room for what this one writes: none behind it may run before it.
            t_isFull = refusal.Code == ErrorCode.LimitExceeded && step > 0;
            throw;
        }
    }

    void Run(IProcedureContext context, ReadOnlySpan<byte> argument, int step)
    {
        var call = Call;
        var reply = t_reply ??= new ReplyWriter();
        var isTimed = (argument[9] & TimedFlag) != 0;
        var began = isTimed ? Measuring.LoopMeter.BeginStep() : 0;
        if (step == 0)
        {
            call.Signals.Clear();
            call.Changes = 0;
        }
        reply.Clear();
        reply.Version = argument[8];
        call.Begin(context, context, KeyspaceOf(argument), reply, _onlyReads);
        call.Surroundings = surroundings;
        call.Step = step;
        call.MayBlock = (argument[9] & MayBlockFlag) != 0;
        call.Chance = ChanceOf(argument);
        var args = ArgumentsOf(argument, out var end);
        if ((argument[9] & HasWaitedFlag) != 0) call.GoOn(BinaryPrimitives.ReadInt32LittleEndian(argument[end..]), argument[(end + sizeof(int))..]);
        var told = call.Signals.Count;
        command.Run(call, args);
        if (call.Signals.Count > told) call.NoteExpiries(told);
        if (call.HasWritten) call.Changes++;
        if (isTimed) Measuring.LoopMeter.EndStep(step, began);
        if (call.IsBlocked)
        {
            context.Return(Blocked);
            context.Return(call.Kept);
        }
        else
        {
            context.Return(reply.Written);
        }
    }

    /// <summary>Gives the request in an argument another place in its batch.</summary>
    public static void MoveTo(byte[] argument, int step) => BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan(StepAt), step);

    /// <summary>Sends the request in an argument to another database.</summary>
    public static void MoveTo(byte[] argument, KeyspaceId keyspace) => BinaryPrimitives.WriteUInt64LittleEndian(argument, keyspace.Value);

    /// <summary>The argument for a request that has begun to wait, to run it again.</summary>
    /// <param name="kept">What it wants to know then.</param>
    /// <param name="readyAt">Where it may be told which of its keys got something (<see cref="SetReady"/>).</param>
    public static byte[] Waiting(ReadOnlySpan<byte> argument, ReadOnlySpan<byte> kept, out int readyAt)
    {
        ArgumentsOf(argument, out readyAt);
        var waiting = new byte[readyAt + sizeof(int) + kept.Length];
        argument[..readyAt].CopyTo(waiting);
        waiting[9] |= HasWaitedFlag;
        SetReady(waiting, readyAt, -1);
        kept.CopyTo(waiting.AsSpan(readyAt + sizeof(int)));
        return waiting;
    }

    public static void SetReady(Span<byte> waiting, int readyAt, int key) => BinaryPrimitives.WriteInt32LittleEndian(waiting[readyAt..], key);

    /// <summary>The version of the protocol that a request is answered in.</summary>
    public static int VersionOf(ReadOnlySpan<byte> argument) => argument[8];

    /// <summary>Lets the request in an argument end in any case: a step that has waited enough.</summary>
    public static void MayBlockNoMore(byte[] argument) => argument[9] &= unchecked((byte)~MayBlockFlag);

    /// <summary>The number drawn for the request in an argument.</summary>
    public static ulong ChanceOf(ReadOnlySpan<byte> argument) => BinaryPrimitives.ReadUInt64LittleEndian(argument[ChanceAt..]);

    /// <summary>The request in an argument. Valid until the next one is asked for on this thread.</summary>
    public static CommandArguments ArgumentsOf(ReadOnlySpan<byte> argument) => ArgumentsOf(argument, out _);

    /// <summary>The database that the request in an argument is for.</summary>
    public static KeyspaceId KeyspaceOf(ReadOnlySpan<byte> argument) => KeyspaceId.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(argument));

    static CommandArguments ArgumentsOf(ReadOnlySpan<byte> argument, out int end)
    {
        var packed = argument[HeaderBytes..];
        var count = BinaryPrimitives.ReadInt32LittleEndian(packed);
        if ((uint)count > (uint)packed.Length) Throw.Invalid("the argument of a command is malformed");
        var ranges = t_ranges ??= new ArgumentRange[16];
        if (ranges.Length < count) ranges = t_ranges = new ArgumentRange[count];
        var at = sizeof(int);
        for (var i = 0; i < count; i++)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(packed[at..]);
            at += sizeof(int);
            ranges[i] = new ArgumentRange(at, length);
            at += length;
        }
        end = HeaderBytes + at;
        return new CommandArguments(packed, ranges.AsSpan(0, count));
    }
}
