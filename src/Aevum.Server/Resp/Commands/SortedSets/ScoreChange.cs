using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>What ZADD and ZINCRBY do.</summary>
static class ScoreChange
{
    /// <param name="first">Where the first score stands; its member is behind it.</param>
    public static void Run(DataCall call, CommandArguments args, int first, in ScoreOptions options)
    {
        for (var i = first; i < args.Count; i += 2)
            if (!call.TryDouble(args[i], out _)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var (added, changed) = (0, 0);
        double? sum = null;
        for (var i = first; i < args.Count; i += 2)
        {
            Numbers.TryDouble(args[i], out var score);
            var exists = set.TryGetScore(args[i + 1], out var old);
            if (exists ? options.OnlyIfAbsent : options.OnlyIfThere) continue;
            if (options.Increments && exists) score += old;
            if (double.IsNaN(score))
            {
                call.Reply.Error("ERR resulting score is not a number (NaN)"u8);
                return;
            }
            if (exists && ((options.OnlyIfGreater && score <= old) || (options.OnlyIfLess && score >= old))) continue;
            score += 0.0;   // -0 is 0
            set.Change(args[i + 1], score, exists, old);
            sum = score;
            if (!exists) added++;
            else if (score != old) changed++;
        }
        if (added + changed > 0)
        {
            set.Save();
            call.Signal(args[1], options.Increments ? "zincr" : "zadd", NotificationClass.SortedSet, isReady: true);
        }
        if (!options.Increments) call.Reply.Integer(options.CountsChanges ? added + changed : added);
        else if (sum is { } result) call.Reply.Double(result);
        else call.Reply.Null();
    }
}
