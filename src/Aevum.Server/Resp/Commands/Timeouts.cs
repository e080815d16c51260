namespace Aevum.Server.Resp.Commands;

/// <summary>How long a blocking command waits: seconds, with parts of them; 0: for ever.</summary>
static class Timeouts
{
    // Longer waits are for ever.
    static readonly TimeSpan Longest = TimeSpan.FromDays(36500);

    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, ReadOnlySpan<byte> argument, out TimeSpan? timeout)
    {
        timeout = null;
        if (!Numbers.TryNearest(argument, out var seconds, out _)) call.Reply.Error("ERR timeout is not a float or out of range"u8);
        else if (seconds * 1000 > long.MaxValue - call.NowMilliseconds) call.Reply.Error("ERR timeout is out of range"u8);
        else if (seconds < 0) call.Reply.Error("ERR timeout is negative"u8);
        else
        {
            // The next whole millisecond: no wait ends before its time.
            if (seconds > 0 && seconds < Longest.TotalSeconds) timeout = TimeSpan.FromMilliseconds(Math.Ceiling(seconds * 1000));
            return true;
        }
        return false;
    }

    /// <summary>Of an argument that is well formed.</summary>
    public static TimeSpan? Of(ReadOnlySpan<byte> argument) =>
        Numbers.TryNearest(argument, out var seconds, out _) && seconds > 0 && seconds < Longest.TotalSeconds
            ? TimeSpan.FromMilliseconds(Math.Ceiling(seconds * 1000))
            : null;
}
