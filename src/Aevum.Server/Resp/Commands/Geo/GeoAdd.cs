using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

/// <summary>GEOADD: ZADD with cells for scores (<see cref="GeoCell"/>).</summary>
sealed class GeoAdd : DataCommand
{
    public override CommandInfo Info { get; } = new("geoadd", CommandGroup.Geo)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "3.2.0",
        Summary = "Gives members of a sorted set places on earth.",
        Complexity = "O(log n) for each member, n the members of the sorted set",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        bool onlyIfAbsent = false, onlyIfThere = false, countsChanges = false;
        var first = 2;
        for (; first < args.Count; first++)
        {
            if (args.Is(first, "nx"u8)) onlyIfAbsent = true;
            else if (args.Is(first, "xx"u8)) onlyIfThere = true;
            else if (args.Is(first, "ch"u8)) countsChanges = true;
            else break;
        }
        if (first == args.Count || (args.Count - first) % 3 != 0 || (onlyIfAbsent && onlyIfThere))
        {
            call.SyntaxError();
            return;
        }
        for (var i = first; i < args.Count; i += 3)
            if (!GeoArguments.TryPoint(call, args, i, out _)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var (added, changed) = (0, 0);
        for (var i = first; i < args.Count; i += 3)
        {
            GeoArguments.TryPoint(call, args, i, out var point);
            double score = GeoCell.Of(point, GeoCell.StepMax).FirstScore;
            var exists = set.TryGetScore(args[i + 2], out var old);
            if (exists ? onlyIfAbsent : onlyIfThere) continue;
            set.Change(args[i + 2], score, exists, old);
            if (!exists) added++;
            else if (score != old) changed++;
        }
        if (added + changed > 0)
        {
            set.Save();
            call.Signal(args[1], "zadd", NotificationClass.SortedSet, isReady: true);
        }
        call.Reply.Integer(countsChanges ? added + changed : added);
    }
}
