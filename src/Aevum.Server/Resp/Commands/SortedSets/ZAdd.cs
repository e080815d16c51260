using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZAdd : DataCommand
{
    public override CommandInfo Info { get; } = new("zadd", CommandGroup.SortedSet)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(3, -1, 2),
        Since = "1.2.0",
        Summary = "Gives members of a sorted set scores.",
        Complexity = "O(log n) for each member, n the members of the sorted set",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var options = default(ScoreOptions);
        var first = 2;
        while (first < args.Count && options.TryRead(args, first)) first++;
        var pairs = (args.Count - first) / 2;
        if (pairs == 0 || (args.Count - first) % 2 != 0)
        {
            call.SyntaxError();
            return;
        }
        if (options.Conflict(pairs) is { } conflict)
        {
            call.Reply.Error(conflict);
            return;
        }
        ScoreChange.Run(call, args, first, options);
    }
}
