using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>What may stand before the scores of ZADD.</summary>
struct ScoreOptions
{
    public bool OnlyIfAbsent { get; set; }

    public bool OnlyIfThere { get; set; }

    public bool OnlyIfGreater { get; set; }

    public bool OnlyIfLess { get; set; }

    /// <summary>The reply counts changes too.</summary>
    public bool CountsChanges { get; set; }

    /// <summary>The score is added, and the reply is the sum.</summary>
    public bool Increments { get; set; }

    /// <returns>False: the argument is no option.</returns>
    public bool TryRead(CommandArguments args, int at)
    {
        if (args.Is(at, "nx"u8)) OnlyIfAbsent = true;
        else if (args.Is(at, "xx"u8)) OnlyIfThere = true;
        else if (args.Is(at, "gt"u8)) OnlyIfGreater = true;
        else if (args.Is(at, "lt"u8)) OnlyIfLess = true;
        else if (args.Is(at, "ch"u8)) CountsChanges = true;
        else if (args.Is(at, "incr"u8)) Increments = true;
        else return false;
        return true;
    }

    /// <summary>Why the options do not go together; null: they do.</summary>
    public readonly string? Conflict(int pairs) =>
        OnlyIfAbsent && OnlyIfThere ? "ERR XX and NX options at the same time are not compatible" :
        (OnlyIfGreater && OnlyIfAbsent) || (OnlyIfLess && OnlyIfAbsent) || (OnlyIfGreater && OnlyIfLess)
            ? "ERR GT, LT, and/or NX options at the same time are not compatible" :
        Increments && pairs > 1 ? "ERR INCR option supports a single increment-element pair" : null;
}
