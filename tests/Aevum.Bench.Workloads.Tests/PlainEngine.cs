// PlainEngine: the store as simple as can be: a sorted dictionary, and a file to which each put is appended, so that what was put is
// there after Close, and after a process that never closed. Its Fault parameter makes it lie in one way.

using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Tests;

interface IFault
{
    /// <summary>Of put number n: whether the store pretends to have done it.</summary>
    static virtual bool LosesPut(int n) => false;

    static virtual bool GarblesValues => false;

    static virtual bool SkipsInWalks => false;

    static virtual bool ForgetsAtOpen => false;
}

readonly struct Honest : IFault;

readonly struct LosesPuts : IFault
{
    public static bool LosesPut(int n) => n % 97 == 0;
}

readonly struct GarblesValues : IFault
{
    static bool IFault.GarblesValues => true;
}

readonly struct SkipsInWalks : IFault
{
    static bool IFault.SkipsInWalks => true;
}

readonly struct ForgetsAtOpen : IFault
{
    static bool IFault.ForgetsAtOpen => true;
}

sealed class PlainStore(string file) : IDisposable
{
    public readonly SortedDictionary<string, byte[]> Entries = new(StringComparer.Ordinal);
    public readonly List<(string Key, byte[] Value)> Batch = [];
    public readonly FileStream Log = new(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1);
    public int Puts;

    public void Dispose() => Log.Dispose();
}

#pragma warning disable CA1001 // Close is what ends it, as in every engine.
struct PlainEngine<TFault> : IStoreEngine<PlainCursor> where TFault : struct, IFault
#pragma warning restore CA1001
{
    PlainStore? _store;

    public static string Name => "plain";

    public static string Version => "plain";

    public void Open(string directory, in StoreOptions options)
    {
        var file = Path.Combine(directory, "puts");
        var old = File.Exists(file) && !TFault.ForgetsAtOpen ? File.ReadAllBytes(file) : [];
        _store = new(file);
        for (var at = 0; at < old.Length;)
        {
            var (keyLength, valueLength) = (BitConverter.ToInt32(old, at), BitConverter.ToInt32(old, at + 4));
            var key = System.Text.Encoding.ASCII.GetString(old, at + 8, keyLength);
            _store.Entries[key] = old.AsSpan(at + 8 + keyLength, valueLength).ToArray();
            at += 8 + keyLength + valueLength;
        }
    }

    public readonly void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        lock (_store!) Put(_store, System.Text.Encoding.ASCII.GetString(key), value.ToArray());
    }

    static void Put(PlainStore store, string key, byte[] value)
    {
        if (TFault.LosesPut(++store.Puts)) return;
        if (TFault.GarblesValues && store.Puts % 50 == 0) value[^1] ^= 1;
        store.Entries[key] = value;
        var name = System.Text.Encoding.ASCII.GetBytes(key);
        store.Log.Write([.. BitConverter.GetBytes(name.Length), .. BitConverter.GetBytes(value.Length), .. name, .. value]);
    }

    public readonly void BeginBatch() => _store!.Batch.Clear();

    public readonly void AddToBatch(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        _store!.Batch.Add((System.Text.Encoding.ASCII.GetString(key), value.ToArray()));

    public readonly void CommitBatch()
    {
        lock (_store!)
            foreach (var (key, value) in _store.Batch) Put(_store, key, value);
    }

    public readonly int Get(ReadOnlySpan<byte> key, Span<byte> target)
    {
        lock (_store!)
        {
            if (!_store.Entries.TryGetValue(System.Text.Encoding.ASCII.GetString(key), out var value)) return -1;
            value.CopyTo(target);
            return value.Length;
        }
    }

    public readonly PlainCursor OpenCursor()
    {
        lock (_store!)
        {
            var entries = _store.Entries.Select(e => (System.Text.Encoding.ASCII.GetBytes(e.Key), e.Value));
            return new(TFault.SkipsInWalks ? [.. entries.Where((_, n) => n % 100 != 99)] : [.. entries]);
        }
    }

    public static ITransactions OpenTransactions(string directory, bool isContended) => new PlainTransactions<TFault>(directory);

    public static IPast OpenPast(string directory) => new PlainPast<TFault>();

    public readonly void Flush() { }

    public readonly void WaitIdle() { }

    public readonly long BytesWritten => _store!.Log.Length;

    public void Close()
    {
        _store?.Dispose();
        _store = null;
    }
}

struct PlainCursor((byte[] Key, byte[] Value)[] entries) : IStoreCursor
{
    int _at = entries.Length;

    public void First() => _at = 0;

    public void Seek(ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, entries.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (entries[middle].Key.AsSpan().SequenceCompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }
        _at = low;
    }

    public void Next() => _at++;

    public readonly bool IsValid => _at < entries.Length;

    public readonly ReadOnlySpan<byte> Key => entries[_at].Key;

    public readonly ReadOnlySpan<byte> Value => entries[_at].Value;

    public readonly void Dispose() { }
}

/// <summary>Transactions by one lock around the plain store.</summary>
sealed class PlainTransactions<TFault> : ITransactions where TFault : struct, IFault
{
    readonly Lock _gate = new();
    PlainEngine<TFault> _engine;

    public PlainTransactions(string directory) => _engine.Open(directory, new StoreOptions());

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        lock (_gate) _engine.Put(key, value);
    }

    public void CompareAndSet(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Put(key, value);

    public void ReadAndPutFour(ReadOnlySpan<byte> keys, int keyLength, ReadOnlySpan<byte> value)
    {
        lock (_gate)
            for (var i = 0; i < keys.Length; i += keyLength) _engine.Put(keys.Slice(i, keyLength), value);
    }

    public int Get(ReadOnlySpan<byte> key, Span<byte> target)
    {
        lock (_gate) return _engine.Get(key, target);
    }

    public void Increment(ReadOnlySpan<byte> key)
    {
        lock (_gate) _engine.Put(key, BitConverter.GetBytes(NumberLocked(key) + 1));
    }

    public long Number(ReadOnlySpan<byte> key)
    {
        lock (_gate) return NumberLocked(key);
    }

    long NumberLocked(ReadOnlySpan<byte> key)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        return _engine.Get(key, number) < 0 ? 0 : BitConverter.ToInt64(number);
    }

    public void WaitIdle() { }

    public void Dispose() => _engine.Close();
}

/// <summary>The past as copies of everything at each mark; followers as counts.</summary>
sealed class PlainPast<TFault> : IPast where TFault : struct, IFault
{
    readonly Lock _gate = new();
    readonly Dictionary<string, byte[]> _now = [];
    readonly List<Dictionary<string, byte[]>> _marks = [];
    readonly List<PlainFollower> _followers = [];
    int _puts;

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        lock (_gate)
        {
            if (TFault.LosesPut(++_puts)) return;
            var copy = value.ToArray();
            if (TFault.GarblesValues) copy[^1] ^= 1;
            _now[System.Text.Encoding.ASCII.GetString(key)] = copy;
            foreach (var follower in _followers) follower.Told.Release();
        }
    }

    public ulong Mark()
    {
        lock (_gate) _marks.Add(new(_now));
        return (ulong)_marks.Count;
    }

    public int GetAt(ulong moment, ReadOnlySpan<byte> key, Span<byte> target)
    {
        lock (_gate)
        {
            var from = moment == 0 ? _now : _marks[(int)moment - 1];
            if (!from.TryGetValue(System.Text.Encoding.ASCII.GetString(key), out var value)) return -1;
            value.CopyTo(target);
            return value.Length;
        }
    }

    public IFollower Follow()
    {
        var follower = new PlainFollower();
        lock (_gate) _followers.Add(follower);
        return follower;
    }

    public void WaitIdle() { }

    public void Dispose() { }

    sealed class PlainFollower : IFollower
    {
        public readonly SemaphoreSlim Told = new(0);

        public int Next(TimeSpan timeout) => Told.Wait(timeout < TimeSpan.FromSeconds(1) ? timeout : TimeSpan.FromSeconds(1)) ? 1 : 0;

        public void Dispose() { }
    }
}
