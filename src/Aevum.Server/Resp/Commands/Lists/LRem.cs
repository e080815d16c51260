using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LRem : DataCommand
{
    public override CommandInfo Info { get; } = new("lrem", CommandGroup.List)
    {
        Arity = 4,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Takes values out of a list that equal another: so many from the beginning, from the end if negative, all if 0.",
        Complexity = "O(n), n the values of the list",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var count)) return;
        if (call.Lists.Open(args[1]) is not { } list) return;
        var wanted = args[3].ToArray();
        var most = count == 0 ? long.MaxValue : count == long.MinValue ? long.MaxValue : Math.Abs(count);
        var places = new List<long>();
        list.Walk(count < 0 ? list.Count - 1 : 0, descending: count < 0, (index, value) =>
        {
            if (value.SequenceEqual(wanted)) places.Add(index);
            return places.Count < most;
        });
        if (count < 0) places.Reverse();
        if (places.Count > 0)
        {
            list.RemoveAt(places);
            list.Save();
            call.Signal(args[1], "lrem", NotificationClass.List);
            if (list.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(places.Count);
    }
}
