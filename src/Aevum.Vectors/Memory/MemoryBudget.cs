// MemoryBudget: a limit on native memory that several owners share. What would pass it is refused before it is asked of the system.
//
// Always true: 0 <= UsedBytes <= BytesMax; what was reserved is released once, by whoever reserved it. Thread-safe without a lock.

using System.Diagnostics;
using Aevum.Core.Errors;

namespace Aevum.Vectors;

public sealed class MemoryBudget
{
    long _usedBytes;

    /// <param name="bytesMax">What all blocks under this budget may hold together.</param>
    public MemoryBudget(long bytesMax)
    {
        if (bytesMax < 0) Throw.Invalid("a memory budget is negative");
        BytesMax = bytesMax;
    }

    public long BytesMax { get; }

    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>A budget that refuses nothing, only counts. A new one each time.</summary>
    public static MemoryBudget Unlimited() => new(long.MaxValue);

    /// <returns>False if fewer than <paramref name="bytes"/> are left; then nothing is reserved.</returns>
    public bool TryReserve(long bytes)
    {
        Debug.Assert(bytes >= 0);
        var used = Volatile.Read(ref _usedBytes);
        while (bytes <= BytesMax - used)
        {
            var seen = Interlocked.CompareExchange(ref _usedBytes, used + bytes, used);
            if (seen == used) return true;
            used = seen;
        }
        return false;
    }

    /// <exception cref="AevumException">LimitExceeded: fewer than <paramref name="bytes"/> are left; nothing is reserved.</exception>
    public void Reserve(long bytes)
    {
        if (!TryReserve(bytes))
            throw new AevumException(ErrorCode.LimitExceeded,
                $"{bytes} bytes for vectors are too many: {UsedBytes} of the allowed {BytesMax} are in use");
    }

    public void Release(long bytes)
    {
        var left = Interlocked.Add(ref _usedBytes, -bytes);
        Debug.Assert(bytes >= 0 && left >= 0, "released what was never reserved");
    }
}
