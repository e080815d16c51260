using Aevum.Core.Scheduling;

namespace Aevum.Server.Resp.Commands;

/// <summary>How many to draw, as HRANDFIELD, SRANDMEMBER and ZRANDMEMBER are told: negative: so many, each from all.</summary>
static class RandomCount
{
    /// <summary>Draws from all for one reply.</summary>
    public const long RepeatsMax = 1L << 24;

    /// <returns>False: more than a reply could hold; the reply says so.</returns>
    public static bool IsSound(DataCall call, long count)
    {
        if (count >= -RepeatsMax) return true;
        call.Reply.Error("ERR value is out of range"u8);
        return false;
    }

    public static List<(byte[] Name, byte[] Value)> Draw(MemberRows rows, SeededRandom random, long count) =>
        count == 0 || rows.Count == 0 ? [] : count > 0 ? rows.DrawDistinct(random, count) : rows.DrawAny(random, -count);
}
