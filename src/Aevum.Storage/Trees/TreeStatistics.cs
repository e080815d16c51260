namespace Aevum.Storage.Trees;

/// <summary>Counters of one tree since it was opened. Each is exact on its own; together they are no snapshot of one moment.</summary>
public sealed class TreeStatistics
{
    long _userBytes, _logBytes, _flushes, _flushBytes, _compactions, _moves, _compactionBytesRead, _compactionBytesWritten, _dropped;
    long _slowdowns, _stops, _waitedTicks;

    /// <summary>Bytes of encoded batches taken in.</summary>
    public long UserBytes => Volatile.Read(ref _userBytes);

    /// <summary>Bytes of batches written to the tree's own log.</summary>
    public long LogBytes => Volatile.Read(ref _logBytes);

    public long Flushes => Volatile.Read(ref _flushes);

    /// <summary>Bytes of tables written by flushes.</summary>
    public long FlushBytes => Volatile.Read(ref _flushBytes);

    public long Compactions => Volatile.Read(ref _compactions);

    /// <summary>Tables that changed their level without being read.</summary>
    public long Moves => Volatile.Read(ref _moves);

    public long CompactionBytesRead => Volatile.Read(ref _compactionBytesRead);

    public long CompactionBytesWritten => Volatile.Read(ref _compactionBytesWritten);

    /// <summary>Versions that compaction dropped because the history floor allows it.</summary>
    public long VersionsDropped => Volatile.Read(ref _dropped);

    /// <summary>Writes that were slowed down because flushes or compactions were behind.</summary>
    public long Slowdowns => Volatile.Read(ref _slowdowns);

    /// <summary>Writes that had to wait until flushes or compactions caught up.</summary>
    public long Stops => Volatile.Read(ref _stops);

    /// <summary>How long the writes of both kinds have waited, together.</summary>
    public TimeSpan Waited => TimeSpan.FromTicks(Volatile.Read(ref _waitedTicks));

    // Under the tree's gate: plain adds.
    internal void AddWrite(long bytes, bool logged)
    {
        _userBytes += bytes;
        if (logged) _logBytes += bytes;
    }

    internal void AddFlush(long bytes)
    {
        Interlocked.Increment(ref _flushes);
        Interlocked.Add(ref _flushBytes, bytes);
    }

    internal void AddCompaction(long read, long written, long dropped)
    {
        Interlocked.Increment(ref _compactions);
        Interlocked.Add(ref _compactionBytesRead, read);
        Interlocked.Add(ref _compactionBytesWritten, written);
        Interlocked.Add(ref _dropped, dropped);
    }

    internal void AddMove() => Interlocked.Increment(ref _moves);

    internal void AddSlowdown(TimeSpan waited)
    {
        Interlocked.Increment(ref _slowdowns);
        Interlocked.Add(ref _waitedTicks, waited.Ticks);
    }

    internal void AddStop() => Interlocked.Increment(ref _stops);

    internal void AddWait(TimeSpan waited) => Interlocked.Add(ref _waitedTicks, waited.Ticks);
}
