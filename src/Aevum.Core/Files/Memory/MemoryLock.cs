using System.Text;

namespace Aevum.Core.Files;

/// <summary>A lock on a file in memory, of one holder or of several who share it. Taken and given back under its owner's gate.</summary>
sealed class MemoryLock(Lock gate, MemoryContent? content) : IDisposable
{
    bool _released;

    /// <exception cref="Errors.AevumException">Locked.</exception>
    public static void RequireFree(string path, MemoryContent present)
    {
        if (present.LockedBy is { } holder) throw FileErrors.Locked(path, holder);
        if (present.SharedLocks > 0) throw FileErrors.LockedByReaders(path);
    }

    /// <summary>The content of a lock file that somebody holds.</summary>
    public static MemoryContent Exclusive(string path, string holder)
    {
        var content = new MemoryContent { LockedBy = holder };
        content.Write(path, 0, Encoding.UTF8.GetBytes(holder));
        return content;
    }

    /// <param name="gate">The owner's, which is held.</param>
    /// <param name="path">Of the lock file.</param>
    /// <param name="content">Null: the file is not there, and nothing is locked.</param>
    public static MemoryLock Shared(Lock gate, string path, MemoryContent? content)
    {
        if (content is not null)
        {
            if (content.LockedBy is { } holder) throw FileErrors.Locked(path, holder);
            content.SharedLocks++;
        }
        return new MemoryLock(gate, content);
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (_released || content is null) return;
            _released = true;
            if (content.SharedLocks > 0) content.SharedLocks--;
            else content.LockedBy = null;
        }
    }
}
