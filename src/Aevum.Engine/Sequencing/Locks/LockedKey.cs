using System.Globalization;

namespace Aevum.Engine.Sequencing.Locks;

/// <summary>A transaction that holds a key.</summary>
public readonly record struct LockHolder(ulong OwnerId, LockMode Mode);

/// <summary>A transaction that waits for a key.</summary>
/// <param name="IsUpgrade">It holds the key Shared and wants it Exclusive.</param>
/// <param name="Waited">How long by now.</param>
public readonly record struct LockWaiter(ulong OwnerId, LockMode Mode, bool IsUpgrade, TimeSpan Waited);

/// <summary>A key with those who hold it (by id) and those who wait for it (in the order in which they will get it).</summary>
public sealed record LockedKey(byte[] Key, IReadOnlyList<LockHolder> Holders, IReadOnlyList<LockWaiter> Waiters)
{
    const int ShownKeyBytesMax = 48;

    public override string ToString()
    {
        var holders = string.Join(", ", Holders.Select(h => $"{h.OwnerId} {Name(h.Mode)}"));
        var waiters = string.Join(", ", Waiters.Select(w => string.Create(CultureInfo.InvariantCulture,
            $"{w.OwnerId} {(w.IsUpgrade ? "upgrade" : Name(w.Mode))} since {w.Waited.TotalSeconds:0.0##} s")));
        return $"{Show(Key)}: held by {holders}" + (waiters.Length == 0 ? "" : $"; waiting: {waiters}");
    }

    internal static string Show(ReadOnlySpan<byte> key) => key.Length <= ShownKeyBytesMax
        ? "0x" + Convert.ToHexStringLower(key)
        : string.Create(CultureInfo.InvariantCulture, $"0x{Convert.ToHexStringLower(key[..ShownKeyBytesMax])}... ({key.Length} bytes)");

    internal static IReadOnlyList<LockedKey> Describe(IEnumerable<LockEntry> entries, int keysMax, TimeProvider time)
    {
        List<LockEntry> contended = [], others = [];
        foreach (var entry in entries)
        {
            var list = entry.WaiterCount > 0 ? contended : others;
            if (list.Count < keysMax) list.Add(entry);
        }
        var now = time.GetTimestamp();
        var shown = contended.Concat(others).Take(keysMax).Select(entry => Of(entry, time, now)).ToArray();
        Array.Sort(shown, static (a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key));
        return shown;
    }

    static LockedKey Of(LockEntry entry, TimeProvider time, long now)
    {
        var holders = new List<LockHolder>(entry.HoldCount);
        for (var hold = entry.FirstHold; hold is not null; hold = hold.NextOfEntry) holders.Add(new(hold.Owner.Id, hold.Mode));
        holders.Sort(static (a, b) => a.OwnerId.CompareTo(b.OwnerId));
        var waiters = new List<LockWaiter>(entry.WaiterCount);
        for (var waiter = entry.FirstWaiter; waiter is not null; waiter = waiter.NextWaiter)
            waiters.Add(new(waiter.Id, waiter.WaitMode, waiter.IsUpgrading, time.GetElapsedTime(waiter.WaitStart, now)));
        return new LockedKey(entry.Key.ToArray(), holders, waiters);
    }

    static string Name(LockMode mode) => mode == LockMode.Shared ? "shared" : "exclusive";
}
