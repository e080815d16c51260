using static Aevum.Bench.Workloads.Engines.RocksDb.RocksDbNative;

namespace Aevum.Bench.Workloads.Engines.RocksDb;

unsafe struct RocksDbCursor(nint iterator) : IStoreCursor
{
    nint _iterator = iterator;

    public readonly void First() => rocksdb_iter_seek_to_first(_iterator);

    public readonly void Seek(ReadOnlySpan<byte> key)
    {
        fixed (byte* k = key) rocksdb_iter_seek(_iterator, k, (nuint)key.Length);
    }

    public readonly void Next() => rocksdb_iter_next(_iterator);

    public readonly bool IsValid => rocksdb_iter_valid(_iterator) != 0;

    public readonly ReadOnlySpan<byte> Key
    {
        get
        {
            nuint length;
            var key = rocksdb_iter_key(_iterator, &length);
            return new(key, (int)length);
        }
    }

    public readonly ReadOnlySpan<byte> Value
    {
        get
        {
            nuint length;
            var value = rocksdb_iter_value(_iterator, &length);
            return new(value, (int)length);
        }
    }

    public void Dispose()
    {
        if (_iterator != 0) rocksdb_iter_destroy(_iterator);
        _iterator = 0;
    }
}
