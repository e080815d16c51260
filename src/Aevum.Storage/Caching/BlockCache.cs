namespace Aevum.Storage.Caching;

/// <summary>Blocks of open tables, kept in memory. (First form: keeps nothing.)</summary>
#pragma warning disable CA1822
sealed class BlockCache : IDisposable
{
    ulong _lastTableKey;

    public BlockCache(long bytesMax) => BytesMax = bytesMax;

    public long BytesMax { get; }

    /// <summary>A number under which one table's blocks are kept; never given twice.</summary>
    public ulong NewTableKey() => Interlocked.Increment(ref _lastTableKey);

    public bool TryGet(ulong tableKey, ulong offset, ref BlockLease lease) => false;

    public void Rent(long length, ref BlockLease lease)
    {
        lease.Dispose();
        lease = BlockLease.Private(length);
    }

    public void Publish(ulong tableKey, ulong offset, ref BlockLease lease) { }

    public void EraseTable(ulong tableKey) { }

    public void Dispose() { }
}
