using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LRange : DataCommand
{
    public override CommandInfo Info { get; } = new("lrange", CommandGroup.List)
    {
        Arity = 4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Returns the values between two places of a list, both inclusive, counted from the end if negative.",
        Complexity = "O(n), n the values returned",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var start) || !call.TryInteger(args[3], out var stop)) return;
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (!ListPlaces.TryClamp(ref start, ref stop, list.Count))
        {
            call.Reply.Array(0);
            return;
        }
        var reply = call.Reply;
        reply.Array(stop - start + 1);
        list.Walk(start, descending: false, (index, value) =>
        {
            reply.Bulk(value);
            return index < stop;
        });
    }

    public override bool IsSlow(DataCall call, CommandArguments args) =>
        StructureRows.IsSlowToWalk(call, args[1]) && Numbers.TryInteger(args[2], out var start) && Numbers.TryInteger(args[3], out var stop) &&
        call.TryReadHead(args[1], out var head, out _) && ListPlaces.TryClamp(ref start, ref stop, head.Count) && stop - start >= StructureRows.SlowElements;
}
