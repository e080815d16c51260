// TableCache: bounds how many tables are open at once, and how much memory their indexes and filters take.
//
//   Add       makes a table known (no file is touched)                     -> CachedTable
//   Acquire   a lease of its open reader; opens the file at first need     -> TableLease
//   Remove    the table is obsolete: closed when the last lease goes, its blocks forgotten
//
// States of a CachedTable, in one number that leases change by compare-and-swap:
//
//   Closed    -> Open(1)    [Acquire, under the table's gate: those who come meanwhile wait and share the reader]
//   Open(n)   -> Open(n±1)  [Acquire, Release]
//   Open(0)   -> Closed     [Trim: beyond a limit; the table not used for longest, roughly, by second chance]
//   Open(0)   -> Removed    [Remove, or the last Release after it]
//
// The limits are soft in one respect: tables that are leased stay open. The overhang goes as leases are returned.
//
// Always true: a lease's reader stays open until the lease is disposed; a table closed and opened again finds its blocks in the block
// cache, because its table key stays the same.

using System.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Caching;

sealed class TableCache : IDisposable
{
    readonly IFileSystem _files;
    readonly BlockCache _blocks;
    readonly int _openMax;
    readonly long _bytesMax;
    readonly Lock _gate = new();

    // Open tables in the order of opening; Trim turns those used since to the back.
    readonly LinkedList<CachedTable> _open = [];
    long _bytes;
    volatile bool _isBeyondLimits;

    /// <param name="openMax">Tables open at once (one file handle each).</param>
    /// <param name="bytesMax">Bytes of indexes, filters and bookkeeping of open tables.</param>
    public TableCache(IFileSystem files, BlockCache blocks, int openMax = 1000, long bytesMax = 1L << 30)
    {
        _files = files;
        _blocks = blocks;
        _openMax = openMax;
        _bytesMax = bytesMax;
    }

    public int OpenTables
    {
        get
        {
            lock (_gate) return _open.Count;
        }
    }

    /// <summary>Memory that open tables hold.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _bytes;
        }
    }

    /// <summary>Makes a table known.</summary>
    public CachedTable Add(string path, ulong tableId, TableReaderOptions? options = null) =>
        new(this, path, tableId, options, _blocks.NewTableKey());

    internal TableReader Open(CachedTable table) =>
        TableReader.Open(_files, table.Path, table.TableId, _blocks, table.Options, table.TableKey);

    internal void OnOpened(CachedTable table, long bytes)
    {
        lock (_gate)
        {
            table.Node = _open.AddLast(table);
            table.Bytes = bytes;
            _bytes += bytes;
            _isBeyondLimits = _open.Count > _openMax || _bytes > _bytesMax;
        }
    }

    internal void OnClosed(CachedTable table)
    {
        lock (_gate) Forget(table);
    }

    void Forget(CachedTable table)
    {
        _open.Remove(table.Node!);
        table.Node = null;
        _bytes -= table.Bytes;
        _isBeyondLimits = _open.Count > _openMax || _bytes > _bytesMax;
    }

    internal void TrimIfNeeded()
    {
        if (_isBeyondLimits) Trim();
    }

    void Trim()
    {
        var closing = new List<TableReader>();
        lock (_gate)
        {
            // Twice round: the first pass takes the marks of use away.
            var node = _open.First;
            for (var left = 2 * _open.Count; left > 0 && _isBeyondLimits && node is not null; left--)
            {
                var table = node.Value;
                var next = node.Next;
                if (!table.TakeUsed() && table.TryClose(out var reader))
                {
                    closing.Add(reader!);
                    Forget(table);
                }
                else
                {
                    _open.Remove(node);
                    _open.AddLast(node);
                }
                node = next ?? _open.First;
            }
        }
        foreach (var reader in closing) reader.Dispose();
    }

    internal void EraseBlocks(ulong tableKey) => _blocks.EraseTable(tableKey);

    /// <summary>Closes all tables. All leases must have been disposed.</summary>
    public void Dispose()
    {
        CachedTable[] open;
        lock (_gate) open = [.. _open];
        foreach (var table in open) table.Remove();
    }
}

/// <summary>A table that is opened when needed and may be closed between uses.</summary>
sealed class CachedTable
{
    const int Closed = int.MinValue;

    readonly TableCache _cache;
    readonly Lock _opening = new();
    TableReader? _reader;

    // Leases, or Closed.
    int _state = Closed;
    volatile bool _used;
    volatile bool _removed;

    internal CachedTable(TableCache cache, string path, ulong tableId, TableReaderOptions? options, ulong tableKey)
    {
        _cache = cache;
        Path = path;
        TableId = tableId;
        Options = options;
        TableKey = tableKey;
    }

    public string Path { get; }

    public ulong TableId { get; }

    internal TableReaderOptions? Options { get; }

    internal ulong TableKey { get; }

    internal LinkedListNode<CachedTable>? Node { get; set; }

    internal long Bytes { get; set; }

    /// <summary>The open reader, until the lease is disposed.</summary>
    /// <exception cref="CorruptionException">The table cannot be opened.</exception>
    public TableLease Acquire()
    {
        if (_removed) Throw.Closed($"the table {Path}");
        if (!_used) _used = true;
        return TryAddLease() ? new(this, _reader!) : AcquireClosed();
    }

    bool TryAddLease()
    {
        var state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            var seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state) return true;
            state = seen;
        }
        return false;
    }

    TableLease AcquireClosed()
    {
        TableReader reader;
        lock (_opening)
        {
            // Somebody else may have opened it while this thread waited.
            if (TryAddLease()) return new(this, _reader!);
            if (_removed) Throw.Closed($"the table {Path}");
            reader = _cache.Open(this);
            _reader = reader;
            _cache.OnOpened(this, reader.MemoryBytes);
            Volatile.Write(ref _state, 1);
        }
        _cache.TrimIfNeeded();
        return new(this, reader);
    }

    internal void Release()
    {
        var left = Interlocked.Decrement(ref _state);
        Debug.Assert(left >= 0, "a table lease is disposed once");
        if (left > 0) return;
        if (_removed) CloseRemoved();
        else _cache.TrimIfNeeded();
    }

    internal bool TakeUsed()
    {
        if (!_used) return false;
        _used = false;
        return true;
    }

    /// <summary>Closes the table if nobody leases it and nobody is opening it; the caller disposes the reader.</summary>
    internal bool TryClose(out TableReader? reader)
    {
        reader = null;
        // Never waits: the cache asks under its own gate, which those who open want inside of theirs.
        if (!_opening.TryEnter()) return false;
        try
        {
            if (Interlocked.CompareExchange(ref _state, Closed, 0) != 0) return false;
            reader = _reader;
            _reader = null;
            return true;
        }
        finally
        {
            _opening.Exit();
        }
    }

    /// <summary>The table is obsolete. It is closed when the last lease goes (now, if there is none), and its blocks leave the
    /// cache.</summary>
    public void Remove()
    {
        _removed = true;
        CloseRemoved();
    }

    void CloseRemoved()
    {
        lock (_opening)
        {
            if (TryClose(out var reader))
            {
                _cache.OnClosed(this);
                reader!.Dispose();
            }
            if (Volatile.Read(ref _state) == Closed) _cache.EraseBlocks(TableKey);
        }
    }
}

/// <summary>Keeps a table open until it is disposed; once, and not by copies. The default value holds nothing.</summary>
readonly struct TableLease : IDisposable
{
    readonly CachedTable? _table;

    internal TableLease(CachedTable table, TableReader reader)
    {
        _table = table;
        Reader = reader;
    }

    public TableReader Reader { get; }

    public void Dispose() => _table?.Release();
}
