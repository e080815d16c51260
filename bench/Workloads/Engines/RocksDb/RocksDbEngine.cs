// RocksDbEngine: RocksDB 7.8 (Debian's librocksdb7.8) over its C API, set as favourably as we found; bench/README.md lists what was tried.
//
// Log on, sync off, one client thread: the durability every engine here gives. Options, batch and read options live as long as the
// store; a get pins the value and copies it once into the caller's buffer; a cursor pins nothing it need not.
//
// Idle means that its own properties say so twice in a row: between a flush that ends and the compaction it causes lies a moment.

using System.Runtime.InteropServices;
using System.Text;
using static Aevum.Bench.Workloads.Engines.RocksDb.RocksDbNative;

namespace Aevum.Bench.Workloads.Engines.RocksDb;

unsafe struct RocksDbEngine : IStoreEngine<RocksDbCursor>
{
    const int Lz4 = 4;

    nint _db, _options, _table, _cache, _writeOptions, _readOptions, _batch;
    long _wroteBeforeOpen;

    public static string Name => "rocksdb";

    public static string Version => RocksDbVersion.Text;

    public void Open(string directory, in StoreOptions options)
    {
        if (_db != 0) throw new InvalidOperationException("the store is open already");
        _wroteBeforeOpen = ProcessCounters.BytesWrittenByCalls();
        _cache = rocksdb_cache_create_lru((nuint)options.CacheBytes);
        _table = rocksdb_block_based_options_create();
        rocksdb_block_based_options_set_block_cache(_table, _cache);
        rocksdb_block_based_options_set_filter_policy(_table, rocksdb_filterpolicy_create_bloom_full(10));
        rocksdb_block_based_options_set_format_version(_table, 5);
        _options = rocksdb_options_create();
        rocksdb_options_set_create_if_missing(_options, 1);
        rocksdb_options_set_compression(_options, options.Compression == CompressionKind.Lz4 ? Lz4 : 0);
        rocksdb_options_set_write_buffer_size(_options, (nuint)options.MemtableBytes);
        rocksdb_options_set_max_background_jobs(_options, options.BackgroundJobs);
        rocksdb_options_set_stats_dump_period_sec(_options, 0);
        rocksdb_options_set_stats_persist_period_sec(_options, 0);
        rocksdb_options_set_allow_mmap_reads(_options, options.PeerMapsTables ? (byte)1 : (byte)0);
        rocksdb_options_set_block_based_table_factory(_options, _table);
        if (options.PeerTickers) rocksdb_options_enable_statistics(_options);
        nint error = 0;
        if (options.PeerOptions.Length > 0)
        {
            fixed (byte* text = Text(options.PeerOptions)) rocksdb_get_options_from_string(_options, text, _options, &error);
            Check(error);
        }
        fixed (byte* path = Text(directory)) _db = rocksdb_open(_options, path, &error);
        Check(error);
        _writeOptions = rocksdb_writeoptions_create();
        _readOptions = rocksdb_readoptions_create();
        _batch = rocksdb_writebatch_create();
    }

    public readonly void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        nint error = 0;
        fixed (byte* k = key, v = value) rocksdb_put(_db, _writeOptions, k, (nuint)key.Length, v, (nuint)value.Length, &error);
        if (error != 0) Check(error);
    }

    public readonly void BeginBatch() => rocksdb_writebatch_clear(_batch);

    public readonly void AddToBatch(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* k = key, v = value) rocksdb_writebatch_put(_batch, k, (nuint)key.Length, v, (nuint)value.Length);
    }

    public readonly void CommitBatch()
    {
        nint error = 0;
        rocksdb_write(_db, _writeOptions, _batch, &error);
        if (error != 0) Check(error);
    }

    public readonly int Get(ReadOnlySpan<byte> key, Span<byte> target)
    {
        nint error = 0;
        nint slice;
        fixed (byte* k = key) slice = rocksdb_get_pinned(_db, _readOptions, k, (nuint)key.Length, &error);
        if (error != 0) Check(error);
        if (slice == 0) return -1;
        nuint length;
        var value = rocksdb_pinnableslice_value(slice, &length);
        new ReadOnlySpan<byte>(value, (int)length).CopyTo(target);
        rocksdb_pinnableslice_destroy(slice);
        return (int)length;
    }

    public static ITransactions OpenTransactions(string directory, bool isContended) => new RocksDbTransactions(directory, isContended);

    public readonly RocksDbCursor OpenCursor() => new(rocksdb_create_iterator(_db, _readOptions));

    public readonly void Flush()
    {
        nint error = 0;
        var options = rocksdb_flushoptions_create();
        rocksdb_flush(_db, options, &error);
        rocksdb_flushoptions_destroy(options);
        Check(error);
    }

    public readonly void WaitIdle()
    {
        // The pause grows, because each look takes the store's mutex: a wait of a minute costs a few hundred looks.
        for (int idle = 0, pauseMs = 1; ;)
        {
            idle = IsIdle() ? idle + 1 : 0;
            if (idle == 2) return;
            if (idle == 1) continue;
            Thread.Sleep(pauseMs);
            pauseMs = Math.Min(pauseMs * 2, 20);
        }
    }

    readonly bool IsIdle() =>
        Property("rocksdb.num-immutable-mem-table\0"u8) == 0 && Property("rocksdb.mem-table-flush-pending\0"u8) == 0 &&
        Property("rocksdb.num-running-flushes\0"u8) == 0 && Property("rocksdb.compaction-pending\0"u8) == 0 &&
        Property("rocksdb.num-running-compactions\0"u8) == 0;

    readonly ulong Property(ReadOnlySpan<byte> nameWithZero)
    {
        ulong value = 0;
        fixed (byte* name = nameWithZero)
        {
            if (rocksdb_property_int(_db, name, &value) != 0)
                throw new BenchException($"RocksDB knows no property {Encoding.ASCII.GetString(nameWithZero[..^1])}");
        }
        return value;
    }

    /// <remarks>
    /// All its files are written by system calls, so the process's own counter is exact and costs nothing. The store's tickers (log,
    /// flush, compaction), which cost CPU, count the same but for seven bytes a log record, its header, and the manifest.
    /// </remarks>
    public readonly long BytesWritten => ProcessCounters.BytesWrittenByCalls() - _wroteBeforeOpen;

    public void Close()
    {
        if (_db == 0) return;
        rocksdb_writebatch_destroy(_batch);
        rocksdb_readoptions_destroy(_readOptions);
        rocksdb_writeoptions_destroy(_writeOptions);
        rocksdb_close(_db);
        PrintTickers(_options);
        rocksdb_options_destroy(_options);
        rocksdb_block_based_options_destroy(_table);   // owns the filter policy
        rocksdb_cache_destroy(_cache);
        this = default;
    }

    static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + "\0");

    internal static void Check(nint error)
    {
        if (error == 0) return;
        var message = Marshal.PtrToStringUTF8(error);
        rocksdb_free((void*)error);
        throw new BenchException($"RocksDB: {message}");
    }

    static void PrintTickers(nint options)
    {
        var text = (byte*)rocksdb_options_statistics_get_string(options);
        if (text == null) return;   // statistics are off, as in every measured run
        foreach (var line in Marshal.PtrToStringUTF8((nint)text)!.Split('\n'))
            if (line.Contains("write.bytes", StringComparison.Ordinal) || line.Contains("wal.bytes", StringComparison.Ordinal))
                Console.Error.WriteLine(line);
        rocksdb_free(text);
    }
}
