using Aevum.Core.Time;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

sealed class PfAdd : DataCommand
{
    public override CommandInfo Info { get; } = new("pfadd", CommandGroup.HyperLogLog)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.8.9",
        Summary = "Adds things to a HyperLogLog, and answers whether that may have changed its number.",
        Complexity = "O(1) to add every element",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        if (!HyperLogLog.TryRead(call, key, out var exists, out var value, out var expiry)) return;
        var isChanged = exists && HyperLogLog.IsDense(value) ? AddDense(call, args, value, expiry) : AddSparse(call, args, exists, value, expiry);
        if (isChanged is null) return;
        if (isChanged.Value) call.Signal(key, "pfadd", NotificationClass.String);
        call.Reply.Integer(isChanged.Value ? 1 : 0);
    }

    static bool? AddDense(DataCall call, CommandArguments args, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        // Nothing is copied before something changes, which of a large one is rare.
        var draft = Span<byte>.Empty;
        for (var i = 2; i < args.Count; i++)
        {
            var (register, rank) = Ranks.Of(args[i]);
            if (DenseRegisters.Get((draft.IsEmpty ? value : draft)[HyperLogLog.HeaderBytes..], register) >= rank) continue;
            if (draft.IsEmpty) draft = StringDraft.Begin(call, value, value.Length);
            DenseRegisters.Set(draft[HyperLogLog.HeaderBytes..], register, rank);
        }
        if (draft.IsEmpty) return false;
        HyperLogLog.Invalidate(draft);
        StringDraft.Save(call, args[1], draft.Length, expiry);
        return true;
    }

    static bool? AddSparse(DataCall call, CommandArguments args, bool exists, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        registers.Clear();
        if (exists && !HyperLogLog.TryMerge(call, value, registers)) return null;
        var isChanged = !exists;
        for (var i = 2; i < args.Count; i++)
        {
            var (register, rank) = Ranks.Of(args[i]);
            if (registers[register] >= rank) continue;
            registers[register] = rank;
            isChanged = true;
        }
        if (!isChanged) return false;
        var length = HyperLogLog.Write(registers, mayBeSparse: true, StringDraft.Begin(call, default, HyperLogLog.DenseBytes));
        StringDraft.Save(call, args[1], length, expiry);
        return true;
    }
}
