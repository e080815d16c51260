using System.Globalization;
using Aevum.Core.Errors;

namespace Aevum.Engine.Sequencing.Locks;

/// <summary>What a caller is told whose request failed. Called under the table's gate, while the owner still stands in its queue.</summary>
static class LockMessages
{
    public static string GaveUp(LockOwner owner, ErrorCode code, TimeSpan waited)
    {
        var blocker = LockLedger.FirstInTheWay(owner, out var holds);
        var entry = owner.WaitingAt!;
        var why = code switch
        {
            ErrorCode.LockTimeout => "in vain",
            ErrorCode.Cancelled => "until it was cancelled",
            _ => "until waiting came to an end",
        };
        return $"{owner} waited {Seconds(waited)} s {why} for {Name(owner.WaitMode)} lock on {LockedKey.Show(entry.Key)}, which {blocker} "
            + (holds ? "holds" : "waits for before it") + Others(entry);
    }

    public static string Busy(LockOwner owner, LockEntry? entry, ReadOnlySpan<byte> key, LockMode mode)
    {
        // The gate was open since; whoever was in the way may be gone.
        var hold = entry?.FirstHold;
        while (hold is not null && hold.Owner == owner) hold = hold.NextOfEntry;
        var text = $"{owner} did not get {Name(mode)} lock on {LockedKey.Show(key)} at once";
        return hold is null ? text : text + $": {hold.Owner} holds it" + Others(entry!);
    }

    static string Others(LockEntry entry) => entry.HoldCount == 1 && entry.WaiterCount <= 1 ? ""
        : string.Create(CultureInfo.InvariantCulture, $" (holders: {entry.HoldCount}, waiting: {entry.WaiterCount})");

    static string Name(LockMode mode) => mode == LockMode.Shared ? "a shared" : "an exclusive";

    static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0##", CultureInfo.InvariantCulture);
}
