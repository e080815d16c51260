// The part of RocksDB's C API (rocksdb/c.h, 7.8) that the workloads call.
//
// [SuppressGCTransition] stands on the calls that only look at or fill memory (a few nanoseconds, no lock, no file): there the switch
// to and from native code would cost as much as the call. The calls that may wait or read a file keep the switch, as they must.
// All signatures are blittable, so with runtime marshalling off a call is a plain jump.

using System.Runtime.InteropServices;

namespace Aevum.Bench.Workloads.Engines.RocksDb;

#pragma warning disable SYSLIB1054 // LibraryImport would generate the same direct call: there is nothing to marshal.
static unsafe class RocksDbNative
{
    public const string Library = "librocksdb.so.7.8";

    [DllImport(Library)] public static extern nint rocksdb_options_create();
    [DllImport(Library)] public static extern void rocksdb_options_destroy(nint options);
    [DllImport(Library)]
    public static extern void rocksdb_get_options_from_string(nint baseOptions, byte* text, nint newOptions, nint* error);
    [DllImport(Library)] public static extern void rocksdb_options_set_create_if_missing(nint options, byte value);
    [DllImport(Library)] public static extern void rocksdb_options_set_compression(nint options, int value);
    [DllImport(Library)] public static extern void rocksdb_options_set_write_buffer_size(nint options, nuint value);
    [DllImport(Library)] public static extern void rocksdb_options_set_max_background_jobs(nint options, int value);
    [DllImport(Library)] public static extern void rocksdb_options_set_stats_dump_period_sec(nint options, uint value);
    [DllImport(Library)] public static extern void rocksdb_options_set_stats_persist_period_sec(nint options, uint value);
    [DllImport(Library)] public static extern void rocksdb_options_set_allow_mmap_reads(nint options, byte value);
    [DllImport(Library)] public static extern void rocksdb_options_enable_statistics(nint options);
    [DllImport(Library)] public static extern nint rocksdb_options_statistics_get_string(nint options);
    [DllImport(Library)] public static extern void rocksdb_options_set_block_based_table_factory(nint options, nint table);

    [DllImport(Library)] public static extern nint rocksdb_block_based_options_create();
    [DllImport(Library)] public static extern void rocksdb_block_based_options_destroy(nint table);
    [DllImport(Library)] public static extern void rocksdb_block_based_options_set_block_cache(nint table, nint cache);
    [DllImport(Library)] public static extern void rocksdb_block_based_options_set_filter_policy(nint table, nint policy);
    [DllImport(Library)] public static extern void rocksdb_block_based_options_set_format_version(nint table, int value);
    [DllImport(Library)] public static extern nint rocksdb_filterpolicy_create_bloom_full(double bitsPerKey);
    [DllImport(Library)] public static extern nint rocksdb_cache_create_lru(nuint capacity);
    [DllImport(Library)] public static extern void rocksdb_cache_destroy(nint cache);

    [DllImport(Library)] public static extern nint rocksdb_open(nint options, byte* path, nint* error);
    [DllImport(Library)] public static extern void rocksdb_close(nint db);
    [DllImport(Library)] public static extern nint rocksdb_writeoptions_create();
    [DllImport(Library)] public static extern void rocksdb_writeoptions_destroy(nint options);
    [DllImport(Library)] public static extern nint rocksdb_readoptions_create();
    [DllImport(Library)] public static extern void rocksdb_readoptions_destroy(nint options);
    [DllImport(Library)] public static extern nint rocksdb_flushoptions_create();
    [DllImport(Library)] public static extern void rocksdb_flushoptions_destroy(nint options);

    [DllImport(Library)]
    public static extern void rocksdb_put(nint db, nint options, byte* key, nuint keyBytes, byte* value, nuint valueBytes, nint* error);
    [DllImport(Library)] public static extern nint rocksdb_get_pinned(nint db, nint options, byte* key, nuint keyBytes, nint* error);
    [DllImport(Library), SuppressGCTransition] public static extern byte* rocksdb_pinnableslice_value(nint slice, nuint* valueBytes);
    [DllImport(Library)] public static extern void rocksdb_pinnableslice_destroy(nint slice);
    [DllImport(Library)] public static extern void rocksdb_flush(nint db, nint options, nint* error);
    [DllImport(Library)] public static extern int rocksdb_property_int(nint db, byte* name, ulong* value);
    [DllImport(Library)] public static extern void rocksdb_free(void* memory);

    [DllImport(Library)] public static extern nint rocksdb_writebatch_create();
    [DllImport(Library)] public static extern void rocksdb_writebatch_destroy(nint batch);
    [DllImport(Library), SuppressGCTransition] public static extern void rocksdb_writebatch_clear(nint batch);
    [DllImport(Library), SuppressGCTransition]
    public static extern void rocksdb_writebatch_put(nint batch, byte* key, nuint keyBytes, byte* value, nuint valueBytes);
    [DllImport(Library)] public static extern void rocksdb_write(nint db, nint options, nint batch, nint* error);

    [DllImport(Library)] public static extern nint rocksdb_create_iterator(nint db, nint options);
    [DllImport(Library)] public static extern void rocksdb_iter_destroy(nint iterator);
    [DllImport(Library)] public static extern void rocksdb_iter_seek_to_first(nint iterator);
    [DllImport(Library)] public static extern void rocksdb_iter_seek(nint iterator, byte* key, nuint keyBytes);
    [DllImport(Library)] public static extern void rocksdb_iter_next(nint iterator);
    [DllImport(Library), SuppressGCTransition] public static extern byte rocksdb_iter_valid(nint iterator);
    [DllImport(Library), SuppressGCTransition] public static extern byte* rocksdb_iter_key(nint iterator, nuint* keyBytes);
    [DllImport(Library), SuppressGCTransition] public static extern byte* rocksdb_iter_value(nint iterator, nuint* valueBytes);

    [DllImport(Library)] public static extern nint rocksdb_optimistictransactiondb_open(nint options, byte* path, nint* error);
    [DllImport(Library)] public static extern nint rocksdb_optimistictransactiondb_get_base_db(nint db);
    [DllImport(Library)] public static extern void rocksdb_optimistictransactiondb_close_base_db(nint db);
    [DllImport(Library)] public static extern void rocksdb_optimistictransactiondb_close(nint db);
    [DllImport(Library)] public static extern nint rocksdb_optimistictransaction_options_create();
    [DllImport(Library)] public static extern void rocksdb_optimistictransaction_options_destroy(nint options);
    [DllImport(Library)] public static extern nint rocksdb_optimistictransaction_begin(nint db, nint writeOptions, nint options, nint old);
    [DllImport(Library)] public static extern nint rocksdb_transactiondb_options_create();
    [DllImport(Library)] public static extern void rocksdb_transactiondb_options_destroy(nint options);
    [DllImport(Library)] public static extern nint rocksdb_transactiondb_open(nint options, nint dbOptions, byte* path, nint* error);
    [DllImport(Library)] public static extern void rocksdb_transactiondb_close(nint db);
    [DllImport(Library)]
    public static extern void rocksdb_transactiondb_put(nint db, nint options, byte* key, nuint keyBytes, byte* value, nuint valueBytes, nint* error);
    [DllImport(Library)] public static extern nint rocksdb_transaction_options_create();
    [DllImport(Library)] public static extern void rocksdb_transaction_options_destroy(nint options);
    [DllImport(Library)] public static extern void rocksdb_transaction_options_set_lock_timeout(nint options, long milliseconds);
    [DllImport(Library)] public static extern nint rocksdb_transaction_begin(nint db, nint writeOptions, nint options, nint old);
    [DllImport(Library)] public static extern void rocksdb_transaction_destroy(nint transaction);
    [DllImport(Library)]
    public static extern byte* rocksdb_transaction_get_for_update(
        nint transaction, nint options, byte* key, nuint keyBytes, nuint* valueBytes, byte exclusive, nint* error);
    [DllImport(Library)]
    public static extern void rocksdb_transaction_put(nint transaction, byte* key, nuint keyBytes, byte* value, nuint valueBytes, nint* error);
    [DllImport(Library)] public static extern void rocksdb_transaction_commit(nint transaction, nint* error);
}
