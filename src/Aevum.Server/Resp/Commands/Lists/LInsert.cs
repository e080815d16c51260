using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LInsert : DataCommand
{
    public override CommandInfo Info { get; } = new("linsert", CommandGroup.List)
    {
        Arity = 5,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "2.2.0",
        Summary = "Puts a value into a list before or after another.",
        Complexity = "O(n), n the values from the pivot to the nearer end and those before the pivot",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var isAfter = args.Is(2, "after"u8);
        if (!isAfter && !args.Is(2, "before"u8))
        {
            call.SyntaxError();
            return;
        }
        if (call.Lists.Open(args[1]) is not { } list) return;
        var pivot = args[3].ToArray();
        var place = -1L;
        list.Walk(0, descending: false, (index, value) =>
        {
            if (!value.SequenceEqual(pivot)) return true;
            place = index;
            return false;
        });
        if (place < 0)
        {
            call.Reply.Integer(list.Exists ? -1 : 0);
            return;
        }
        list.Insert(isAfter ? place + 1 : place, args[4]);
        list.Save();
        call.Signal(args[1], "linsert", NotificationClass.List);
        call.Reply.Integer(list.Count);
    }
}
