// ScorePop: what ZPOPMIN and ZPOPMAX do, ZMPOP and those that wait.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

static class ScorePop
{
    public static void Run(DataCall call, CommandArguments args, bool isMax)
    {
        if (args.Count > 3)
        {
            call.SyntaxError();
            return;
        }
        long count = 1;
        if (args.Count == 3 && !call.TryNatural(args[2], out count)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var taken = Take(call, args[1], set, isMax, count);
        if (args.Count == 3)
        {
            ScoredReply.Write(call.Reply, taken, withScores: true);
            return;
        }
        // One alone is no pair, in no version.
        call.Reply.Array(2 * taken.Count);
        foreach (var element in taken)
        {
            call.Reply.Bulk(element.Member);
            call.Reply.Double(element.Score);
        }
    }

    /// <summary>Takes elements out of the first of some sorted sets that has any.</summary>
    /// <param name="at">Where the number of keys stands.</param>
    /// <returns>True: they are all empty, and nothing has been replied.</returns>
    public static bool TryRunMany(DataCall call, CommandArguments args, int at)
    {
        if (!CountedKeys.TryReadPop(call, args, at, "min"u8, "max"u8, out var behind, out var isMin, out var count)) return false;
        for (var i = at + 1; i < behind; i++)
        {
            if (call.IsPassedOver(args[i], StructureKind.SortedSet)) continue;
            if (call.SortedSets.Open(args[i]) is not { } set) return false;
            if (set.Count == 0) continue;
            call.Reply.Array(2);
            call.Reply.Bulk(args[i]);
            ScoredReply.Write(call.Reply, Take(call, args[i], set, !isMin, count), withScores: true, inPairs: true);
            return false;
        }
        return true;
    }

    /// <summary>Takes up to so many elements from one end.</summary>
    public static List<Scored> Take(DataCall call, ReadOnlySpan<byte> key, SortedSetRows set, bool isMax, long count)
    {
        var taken = new List<Scored>();
        if (count == 0 || set.Count == 0) return taken;
        set.WalkRanks(0, Math.Min(count, set.Count) - 1, descending: isMax, (member, score) =>
        {
            taken.Add(new Scored(member.ToArray(), score));
            return true;
        });
        set.RemoveAll(taken);
        set.Save();
        call.Signal(key, isMax ? "zpopmax" : "zpopmin", NotificationClass.SortedSet);
        if (set.Count == 0) call.Signal(key, "del", NotificationClass.Generic);
        return taken;
    }
}
