using Aevum.Core.Time;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

sealed class PfMerge : DataCommand
{
    public override CommandInfo Info { get; } = new("pfmerge", CommandGroup.HyperLogLog)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.All,
        Since = "2.8.9",
        Summary = "Adds to a HyperLogLog what was added to others.",
        Complexity = "O(N) to merge N HyperLogLogs, but with high constant times",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        registers.Clear();
        var isDense = false;
        SystemTime expiry = default;
        for (var i = 1; i < args.Count; i++)   // the target is a source, too
        {
            if (!HyperLogLog.TryRead(call, args[i], out var exists, out var value, out var expires)) return;
            if (i == 1) expiry = expires;
            if (!exists) continue;
            isDense |= HyperLogLog.IsDense(value);
            if (!HyperLogLog.TryMerge(call, value, registers)) return;
        }
        var length = HyperLogLog.Write(registers, !isDense, StringDraft.Begin(call, default, HyperLogLog.DenseBytes));
        StringDraft.Save(call, args[1], length, expiry);
        call.Signal(args[1], "pfadd", NotificationClass.String);
        call.Reply.Ok();
    }
}
