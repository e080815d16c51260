// IStoreEngine: what the storage workloads ask of an engine, ours and every peer alike.
//
// An engine is a struct, and the workloads are generic over it, so the JIT compiles one copy of each loop per engine and calls it
// directly: what is measured is the engine, not an interface table. Keys and values are spans over native memory; nothing here may
// allocate on the managed heap per operation.
//
// Life:  default -> Open -> (reads, writes, Flush, WaitIdle)* -> Close -> Open ...
//
// Always true:
//   (1) one thread writes at a time; one other thread may read beside it (the workload "read while writing");
//   (2) a put that returned survives SIGKILL: every engine logs it (sync off, bytes in the operating system's page cache);
//   (3) Close leaves nothing running; what was put is there after the next Open, flushed or not;
//   (4) failures are exceptions.
//
// To add an engine: implement the two interfaces, name it in EngineTable.

namespace Aevum.Bench.Workloads.Engines;

interface IStoreEngine<TCursor> where TCursor : struct, IStoreCursor
{
    /// <summary>The word used on the command line and in results.</summary>
    static abstract string Name { get; }

    /// <summary>What exactly is measured, for the head of the report. Throws with advice if the engine cannot be loaded.</summary>
    static abstract string Version { get; }

    /// <summary>Opens the store in <paramref name="directory"/>, or makes one there. The directory exists.</summary>
    void Open(string directory, in StoreOptions options);

    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Empties the engine's one batch, which is kept and used again.</summary>
    void BeginBatch();

    void AddToBatch(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    void CommitBatch();

    /// <summary>Copies the value into <paramref name="target"/>, which is long enough.</summary>
    /// <returns>The value's length, or -1 if the key is not there.</returns>
    int Get(ReadOnlySpan<byte> key, Span<byte> target);

    /// <summary>A cursor over the store as it stands now. The caller disposes it.</summary>
    TCursor OpenCursor();

    /// <summary>On return every put is in a table (the tables need not be compacted yet).</summary>
    void Flush();

    /// <summary>Returns when no flush and no compaction runs or waits, and nothing else is left to do in the background.</summary>
    void WaitIdle();

    /// <summary>Opens a store for transactions in <paramref name="directory"/>, which is empty.</summary>
    static virtual ITransactions OpenTransactions(string directory, bool isContended) => throw new BenchException("the engine has no transactions");

    /// <summary>Opens a store that keeps its past and can be followed, in <paramref name="directory"/>, which is empty.</summary>
    static virtual IPast OpenPast(string directory) => throw new BenchException("the engine keeps no past");

    /// <summary>Bytes written to log and tables since Open. The engine counts what the operating system cannot see (mappings).</summary>
    long BytesWritten { get; }

    void Close();
}

/// <summary>Transactions as a program would write them with the engine, each of them committed when the call returns.</summary>
interface ITransactions : IDisposable
{
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Reads a key and puts another value on condition that it has not changed.</summary>
    void CompareAndSet(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Reads four keys and puts all four, at once or not at all.</summary>
    /// <param name="keys">One behind the other, all of one length.</param>
    void ReadAndPutFour(ReadOnlySpan<byte> keys, int keyLength, ReadOnlySpan<byte> value);

    /// <summary>Adds one to the number under a key, however often that takes. Any thread.</summary>
    void Increment(ReadOnlySpan<byte> key);

    /// <summary>Copies the value into <paramref name="target"/>, which is long enough.</summary>
    /// <returns>The value's length, or -1 if the key is not there.</returns>
    int Get(ReadOnlySpan<byte> key, Span<byte> target);

    /// <summary>The number under a key.</summary>
    long Number(ReadOnlySpan<byte> key);

    void WaitIdle();
}

/// <summary>A store that remembers and tells.</summary>
interface IPast : IDisposable
{
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Names this moment, for <see cref="GetAt"/>.</summary>
    ulong Mark();

    /// <summary>Copies the value that a key had at a moment; 0: now.</summary>
    /// <returns>The value's length, or -1 if the key was not there.</returns>
    int GetAt(ulong moment, ReadOnlySpan<byte> key, Span<byte> target);

    /// <summary>Hears of every put from now on.</summary>
    IFollower Follow();

    void WaitIdle();
}

/// <summary>One who is told of every put, in order. One thread.</summary>
interface IFollower : IDisposable
{
    /// <returns>How many puts the next commit told of; 0 if none came in time.</returns>
    int Next(TimeSpan timeout);
}

/// <summary>An ordered walk over the live entries.</summary>
interface IStoreCursor : IDisposable
{
    void First();

    /// <summary>Stands on the first entry at or above <paramref name="key"/>.</summary>
    void Seek(ReadOnlySpan<byte> key);

    void Next();

    bool IsValid { get; }

    /// <summary>Valid until the cursor moves.</summary>
    ReadOnlySpan<byte> Key { get; }

    /// <summary>Valid until the cursor moves.</summary>
    ReadOnlySpan<byte> Value { get; }
}
