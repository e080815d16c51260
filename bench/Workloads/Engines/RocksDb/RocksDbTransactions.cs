// RocksDbTransactions: transactions of RocksDB through its C API, as favourably as we found. Alone: OptimisticTransactionDB, one transaction object
// used again. Contended: TransactionDB, whose locks make others wait; optimistic ones would fail and try again, at a multiple of the cost.

using System.Buffers.Text;
using System.Text;
using static Aevum.Bench.Workloads.Engines.RocksDb.RocksDbNative;

namespace Aevum.Bench.Workloads.Engines.RocksDb;

sealed unsafe class RocksDbTransactions : ITransactions
{
    readonly bool _isContended;
    readonly nint _options, _db, _base, _write, _read, _optimistic, _pessimistic, _dbOptions;
    readonly ThreadLocal<nint> _transaction;

    public RocksDbTransactions(string directory, bool isContended)
    {
        _isContended = isContended;
        _options = rocksdb_options_create();
        rocksdb_options_set_create_if_missing(_options, 1);
        rocksdb_options_set_compression(_options, 0);
        rocksdb_options_set_write_buffer_size(_options, 64 << 20);
        rocksdb_options_set_max_background_jobs(_options, 2);
        rocksdb_options_set_stats_dump_period_sec(_options, 0);
        rocksdb_options_set_stats_persist_period_sec(_options, 0);
        _write = rocksdb_writeoptions_create();
        _read = rocksdb_readoptions_create();
        _optimistic = rocksdb_optimistictransaction_options_create();
        _pessimistic = rocksdb_transaction_options_create();
        rocksdb_transaction_options_set_lock_timeout(_pessimistic, 60_000);
        _dbOptions = rocksdb_transactiondb_options_create();
        nint error = 0;
        fixed (byte* path = Encoding.UTF8.GetBytes(directory + "\0"))
            _db = isContended ? rocksdb_transactiondb_open(_options, _dbOptions, path, &error) : rocksdb_optimistictransactiondb_open(_options, path, &error);
        RocksDbEngine.Check(error);
        _base = isContended ? 0 : rocksdb_optimistictransactiondb_get_base_db(_db);
        _transaction = new ThreadLocal<nint>(trackAllValues: true);
    }

    // The transaction object of the thread, begun anew.
    nint Begin() => _transaction.Value = _isContended
        ? rocksdb_transaction_begin(_db, _write, _pessimistic, _transaction.Value)
        : rocksdb_optimistictransaction_begin(_db, _write, _optimistic, _transaction.Value);

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        nint error = 0;
        fixed (byte* k = key, v = value)
        {
            if (_isContended) rocksdb_transactiondb_put(_db, _write, k, (nuint)key.Length, v, (nuint)value.Length, &error);
            else rocksdb_put(_base, _write, k, (nuint)key.Length, v, (nuint)value.Length, &error);
        }
        RocksDbEngine.Check(error);
    }

    public void CompareAndSet(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var transaction = Begin();
        Touch(transaction, key, mustExist: true);
        Put(transaction, key, value);
        Commit(transaction);
    }

    public void ReadAndPutFour(ReadOnlySpan<byte> keys, int keyLength, ReadOnlySpan<byte> value)
    {
        var transaction = Begin();
        for (var i = 0; i < keys.Length; i += keyLength) Touch(transaction, keys.Slice(i, keyLength), mustExist: true);
        for (var i = 0; i < keys.Length; i += keyLength) Put(transaction, keys.Slice(i, keyLength), value);
        Commit(transaction);
    }

    public int Get(ReadOnlySpan<byte> key, Span<byte> target)
    {
        var transaction = Begin();
        nint error = 0;
        nuint length;
        byte* value;
        fixed (byte* k = key) value = rocksdb_transaction_get_for_update(transaction, _read, k, (nuint)key.Length, &length, 1, &error);
        RocksDbEngine.Check(error);
        Commit(transaction);
        if (value == null) return -1;
        new ReadOnlySpan<byte>(value, (int)length).CopyTo(target);
        rocksdb_free(value);
        return (int)length;
    }

    public void Increment(ReadOnlySpan<byte> key)
    {
        var transaction = Begin();
        var number = Touch(transaction, key, mustExist: false);
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(number + 1, text, out var length);
        Put(transaction, key, text[..length]);
        Commit(transaction);
    }

    public long Number(ReadOnlySpan<byte> key)
    {
        var transaction = Begin();
        var number = Touch(transaction, key, mustExist: false);
        Commit(transaction);
        return number;
    }

    // Reads a key for update; its number, if it is one.
    long Touch(nint transaction, ReadOnlySpan<byte> key, bool mustExist)
    {
        nint error = 0;
        nuint length;
        byte* value;
        fixed (byte* k = key) value = rocksdb_transaction_get_for_update(transaction, _read, k, (nuint)key.Length, &length, 1, &error);
        RocksDbEngine.Check(error);
        if (value == null) return mustExist ? throw new BenchException("a key is missing") : 0;
        var isNumber = Utf8Parser.TryParse(new ReadOnlySpan<byte>(value, (int)length), out long number, out _);
        rocksdb_free(value);
        return isNumber ? number : 0;
    }

    static void Put(nint transaction, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        nint error = 0;
        fixed (byte* k = key, v = value) rocksdb_transaction_put(transaction, k, (nuint)key.Length, v, (nuint)value.Length, &error);
        RocksDbEngine.Check(error);
    }

    static void Commit(nint transaction)
    {
        nint error = 0;
        rocksdb_transaction_commit(transaction, &error);
        RocksDbEngine.Check(error);
    }

    public void WaitIdle()
    {
        // Nothing is flushed at these sizes.
    }

    public void Dispose()
    {
        foreach (var transaction in _transaction.Values)
            if (transaction != 0) rocksdb_transaction_destroy(transaction);
        _transaction.Dispose();
        if (_isContended)
        {
            rocksdb_transactiondb_close(_db);
        }
        else
        {
            rocksdb_optimistictransactiondb_close_base_db(_base);
            rocksdb_optimistictransactiondb_close(_db);
        }
        rocksdb_optimistictransaction_options_destroy(_optimistic);
        rocksdb_transaction_options_destroy(_pessimistic);
        rocksdb_transactiondb_options_destroy(_dbOptions);
        rocksdb_readoptions_destroy(_read);
        rocksdb_writeoptions_destroy(_write);
        rocksdb_options_destroy(_options);
    }
}
