// DatabaseEngine: the embedded database as a program uses it: a session, its default keyspace, batches and transactions of the public API.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum.Bench.Workloads.Engines.Aevum;

#pragma warning disable CA1001 // Close is what disposes, as the interface has it.
struct DatabaseEngine : IStoreEngine<DatabaseCursor>
{
    static readonly ThreadScheduler Scheduler = new();

    Database _database;
    Session _session;
    Keyspace _keys;
    Batch? _batch;

    public static string Name => "aevum-embedded";

    public static string Version => $"Aevum {typeof(Database).Assembly.GetName().Version} (embedded)";

    public void Open(string directory, in StoreOptions options)
    {
        _database = Database.Open(directory, new DatabaseOptions
        {
            Scheduler = Scheduler,
            CacheBytes = options.CacheBytes,
            MemtableBytes = options.MemtableBytes,
            DefaultKeyspace = new KeyspaceOptions
            {
                History = options.History == HistoryKind.Forever ? HistoryPolicy.Forever : HistoryPolicy.None,
                Compression = options.Compression == CompressionKind.Lz4 ? KeyspaceCompression.Lz4 : KeyspaceCompression.None,
            },
        });
        _session = _database.OpenSession();
        _keys = _session.Default;
    }

    public readonly void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _keys.Put(key, value);

    public void BeginBatch() => _batch = _session.NewBatch();

    public readonly void AddToBatch(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch!.Put(_keys, key, value);

    public readonly void CommitBatch() => _batch!.Commit();

    public readonly int Get(ReadOnlySpan<byte> key, Span<byte> target) => _keys.TryGet(key, target, out var length) ? length : -1;

    public readonly DatabaseCursor OpenCursor() => new(_keys);

    public readonly void Flush() => _database.Flush();

    public readonly void WaitIdle() => _database.WaitIdle();

    public readonly long BytesWritten => throw new BenchException("the embedded database does not tell");

    public static ITransactions OpenTransactions(string directory, bool isContended) => new Transactions(directory);

    public static IPast OpenPast(string directory) => new Past(directory);

    public void Close()
    {
        _database.Dispose();
        this = default;
    }

    sealed class Transactions : ITransactions
    {
        readonly Database _database;
        readonly Session _session;
        readonly Keyspace _keys;
        readonly byte[] _buffer = new byte[4096];

        public Transactions(string directory)
        {
            _database = Database.Open(
                directory, new DatabaseOptions { Scheduler = Scheduler, DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.None } });
            _session = _database.OpenSession();
            _keys = _session.Default;
        }

        public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _keys.Put(key, value);

        public void CompareAndSet(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (!_keys.TryGet(key, _buffer, out _, out var version) || !_keys.TryPut(key, value, version, out _))
                throw new BenchException("a compare and set failed without anybody beside");
        }

        public void ReadAndPutFour(ReadOnlySpan<byte> keys, int keyLength, ReadOnlySpan<byte> value)
        {
            using var transaction = _session.Begin();
            for (var i = 0; i < keys.Length; i += keyLength)
                if (transaction.Get(_keys, keys.Slice(i, keyLength)) is null) throw new BenchException("a key is missing");
            for (var i = 0; i < keys.Length; i += keyLength) transaction.Put(_keys, keys.Slice(i, keyLength), value);
            transaction.Commit();
        }

        public int Get(ReadOnlySpan<byte> key, Span<byte> target) => _keys.TryGet(key, target, out var length) ? length : -1;

        public void Increment(ReadOnlySpan<byte> key) => _keys.Increment(key);

        public long Number(ReadOnlySpan<byte> key) => _keys.Increment(key, 0);

        public void WaitIdle() => _database.WaitIdle();

        public void Dispose() => _database.Dispose();
    }
}

#pragma warning restore CA1001

sealed class Past : IPast
{
    static readonly ThreadScheduler Scheduler = new();

    readonly Database _database;
    readonly Session _session;
    readonly Keyspace _keys;

    public Past(string directory)
    {
        _database = Database.Open(
            directory, new DatabaseOptions { Scheduler = Scheduler, DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.Forever } });
        _session = _database.OpenSession();
        _keys = _session.Default;
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _keys.Put(key, value);

    public ulong Mark() => _database.Now.Value;

    public int GetAt(ulong moment, ReadOnlySpan<byte> key, Span<byte> target) =>
        _keys.TryGet(key, target, out var length, moment == 0 ? null : new SystemTime(moment)) ? length : -1;

    public IFollower Follow() => new Follower(_database.Subscribe(_keys));

    public void WaitIdle()
    {
        _database.Flush();
        _database.WaitIdle();
    }

    public void Dispose() => _database.Dispose();

    sealed class Follower(ISubscription subscription) : IFollower
    {
        public int Next(TimeSpan timeout)
        {
            while (true)
            {
                if (subscription.TryNext(out var batch)) return batch.Count;
                if (!subscription.Wait(timeout)) return 0;
            }
        }

        public void Dispose() => subscription.Dispose();
    }
}

/// <summary>A cursor over now, which a scan walks once and a seek opens anew.</summary>
struct DatabaseCursor(Keyspace keys) : IStoreCursor
{
    Cursor? _cursor;
    bool _isValid;

    public void First()
    {
        _cursor?.Dispose();
        _cursor = keys.OpenCursor();
        _isValid = _cursor.MoveNext();
    }

    public void Seek(ReadOnlySpan<byte> key)
    {
        _cursor?.Dispose();
        _cursor = keys.OpenCursor(new ScanOptions { Start = key.ToArray() });
        _isValid = _cursor.MoveNext();
    }

    public void Next() => _isValid = _cursor!.MoveNext();

    public readonly bool IsValid => _isValid;

    public readonly ReadOnlySpan<byte> Key => _cursor!.Key;

    public readonly ReadOnlySpan<byte> Value => _cursor!.Value;

    public void Dispose()
    {
        _cursor?.Dispose();
        _cursor = null;
    }
}
