namespace Aevum.Server.Resp.Commands.Strings;

/// <summary>Places in a string as clients give them: from 0, or from the end, -1 the last one; both ends included.</summary>
static class ByteRange
{
    /// <summary>Brings both ends into [0, length).</summary>
    /// <param name="isReversedEmpty">True: of two places that count from the end the second must not be before the first, also where both lie before
    /// the beginning. Commands differ in that.</param>
    /// <returns>False: nothing lies between them.</returns>
    public static bool TryResolve(long length, ref long start, ref long end, bool isReversedEmpty = true)
    {
        if (isReversedEmpty && start < 0 && end < 0 && start > end) return false;
        if (start < 0) start = Math.Max(start + length, 0);
        if (end < 0) end = Math.Max(end + length, 0);
        end = Math.Min(end, length - 1);
        return start <= end;
    }
}
