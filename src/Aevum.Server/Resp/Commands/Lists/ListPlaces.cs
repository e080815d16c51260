namespace Aevum.Server.Resp.Commands.Lists;

/// <summary>Places of a list or ranks of a sorted set, as requests name them: counted from the end if negative.</summary>
static class ListPlaces
{
    /// <summary>Makes two places, both inclusive, ones that are there.</summary>
    /// <returns>False: there is nothing between them.</returns>
    public static bool TryClamp(ref long start, ref long stop, long count)
    {
        if (start < 0) start = Math.Max(0, start + count);
        if (stop < 0) stop += count;
        stop = Math.Min(stop, count - 1);
        return start <= stop;
    }
}
