// RecordedContent: of one file, which stretches were written and not yet synced. They belong to the content and not to a handle, since a
// sync through any handle makes all of them durable.

using System.Runtime.InteropServices;

namespace Aevum.Core.Files;

sealed class RecordedContent(uint id)
{
    readonly List<(long Start, long End)> _unsynced = [];
    long _lengthRecorded;

    public uint Id => id;

    public Lock SyncGate { get; } = new();

    public void Written(long start, long end)
    {
        if (start >= end) return;
        lock (_unsynced)
        {
            if (_unsynced.Count > 0)
            {
                // What comes in order, or lies side by side, becomes one stretch.
                ref var last = ref CollectionsMarshal.AsSpan(_unsynced)[^1];
                if (start <= last.End && end >= last.Start)
                {
                    last = (Math.Min(start, last.Start), Math.Max(end, last.End));
                    return;
                }
            }
            _unsynced.Add((start, end));
        }
    }

    /// <summary>The stretches that a sync that begins now covers. If it fails they are never recorded: the kernel calls them
    /// clean.</summary>
    public (long Start, long End)[] TakeUnsynced()
    {
        lock (_unsynced)
        {
            (long, long)[] taken = [.. _unsynced];
            _unsynced.Clear();
            return taken;
        }
    }

    /// <summary>True once for each new length. Called under <see cref="SyncGate"/>.</summary>
    public bool LengthChanged(long length)
    {
        if (length == _lengthRecorded) return false;
        _lengthRecorded = length;
        return true;
    }
}
