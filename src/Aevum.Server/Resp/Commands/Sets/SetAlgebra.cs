// SetAlgebra: unions, intersections and differences of sets, put together in memory and then told or stored. An intersection walks over its smallest
// set and asks the others.

using Aevum.Core.Bytes;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

static class SetAlgebra
{
    /// <summary>True if one of the keys [from, to) holds a large set.</summary>
    public static bool IsSlow(DataCall call, CommandArguments args, int from, int to)
    {
        for (var i = from; i < to; i++)
            if (StructureRows.IsSlowToWalk(call, args[i])) return true;
        return false;
    }

    /// <returns>Null: a key holds another kind; the reply says so.</returns>
    public static List<byte[]>? Union(DataCall call, CommandArguments args, int from, int to)
    {
        if (OpenAll(call, args, from, to) is not { } sets) return null;
        var result = new List<byte[]>();
        var seen = new HashSet<byte[]>(KeyComparer.Instance);
        foreach (var set in sets) AddNew(set, result, seen);
        return result;
    }

    /// <param name="limit">0: all; else the first so many will do.</param>
    /// <inheritdoc cref="Union"/>
    public static List<byte[]>? Intersection(DataCall call, CommandArguments args, int from, int to, long limit = 0)
    {
        if (OpenAll(call, args, from, to) is not { } sets) return null;
        sets.Sort((a, b) => a.Count.CompareTo(b.Count));
        var result = new List<byte[]>();
        foreach (var (member, _) in sets[0].ToList())
        {
            var isInAll = true;
            for (var i = 1; i < sets.Count && isInAll; i++) isInAll = sets[i].Contains(member);
            if (!isInAll) continue;
            result.Add(member);
            if (result.Count == limit) break;
        }
        return result;
    }

    /// <inheritdoc cref="Union"/>
    public static List<byte[]>? Difference(DataCall call, CommandArguments args, int from, int to)
    {
        if (OpenAll(call, args, from, to) is not { } sets) return null;
        var result = new List<byte[]>();
        foreach (var (member, _) in sets[0].ToList())
        {
            var isElsewhere = false;
            for (var i = 1; i < sets.Count && !isElsewhere; i++) isElsewhere = sets[i].Contains(member);
            if (!isElsewhere) result.Add(member);
        }
        return result;
    }

    /// <summary>Puts a result in the place of what a key holds, and replies with its size.</summary>
    public static void Store(DataCall call, ReadOnlySpan<byte> key, List<byte[]> result, string what)
    {
        var set = call.Sets.Replace(key);
        foreach (var member in result) set.PutNew(member);
        set.Save();
        if (result.Count > 0) call.Signal(key, what, NotificationClass.Set);
        else if (set.Exists) call.Signal(key, "del", NotificationClass.Generic);
        call.Reply.Integer(result.Count);
    }

    static List<SetRows>? OpenAll(DataCall call, CommandArguments args, int from, int to)
    {
        var sets = new List<SetRows>(to - from);
        for (var i = from; i < to; i++)
        {
            if (call.Sets.Open(args[i]) is not { } set) return null;
            sets.Add(set);
        }
        return sets;
    }

    static void AddNew(SetRows set, List<byte[]> result, HashSet<byte[]> seen) => set.ForEach((member, _) =>
    {
        var copy = member.ToArray();
        if (seen.Add(copy)) result.Add(copy);
        return true;
    });
}
