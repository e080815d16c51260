// Workload: what the writers write. Batch n of writer w is a function of (seed, w, n), less the balances of the read-modify-write transfers, so
// whoever knows how many batches of each writer survived knows what the store must hold.
//
//   keyspace 1   counters: three keys a writer, far apart, the same number in each batch. With it stands how many batches of every other writer
//                were acknowledged before: those must survive with it (no hole).                                     history for ever
//   keyspace 2   documents, of one writer each: puts, deletes, range deletes, appends by merge                       history for ever
//   keyspace 3   accounts, shared: transfers as two merges; the sum is 0 at every moment                             history for ever
//   keyspace 4   scratch: as keyspace 2                                                                              no history
//   keyspace 5   accounts, shared: transfers as read, then two puts; the sum is 0 at every moment                    history for ever
//
// Keys begin with 8 bytes of keyspace. Times are unique; whoever writes to accounts holds their bank's lock from before it takes its time until
// the batch is acknowledged, so that times rise per key.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Crash;

sealed class CrashTreePolicy : ITreePolicy
{
    public int KeyspacePrefixBytes => 8;

    public Compression CompressionOf(ulong keyspace) => keyspace % 2 == 0 ? Compression.Lz4 : Compression.None;

    public IMergeOperator? MergeOperatorOf(ulong keyspace) => keyspace switch
    {
        Workload.Documents or Workload.Scratch => AppendOperator.Instance,
        Workload.MergedAccounts => AddOperator.Instance,
        _ => null,
    };

    public SystemTime HistoryFloorOf(ulong keyspace) => keyspace == Workload.Scratch ? SystemTime.Max : SystemTime.None;
}

/// <summary>One effect on a document or scratch key of one writer.</summary>
readonly record struct Operation(EffectKind Kind, ulong Keyspace, int Key, int EndKey, byte[] Value);

/// <summary>Money from one account to another of the same bank.</summary>
readonly record struct Transfer(bool Merged, int Bank, int From, int To, long Amount);

static class Workload
{
    public const int Writers = 4;
    public const int Banks = 4;
    public const int AccountsPerBank = 8;
    public const int DocumentsPerWriter = 48;
    public const int ScratchPerWriter = 160;
    public const ulong Counters = 1;
    public const ulong Documents = 2;
    public const ulong MergedAccounts = 3;
    public const ulong Scratch = 4;
    public const ulong PutAccounts = 5;
    public const string CounterPlaces = "amz";

    public static TreeOptions Options(SyncPolicy sync) => new()
    {
        Policy = new CrashTreePolicy(),
        Sync = sync,
        MemtableBytes = 160 << 10,
        BlockBytes = 1 << 10,
        LogSegmentBytes = 128 << 10,
        LogBytesMax = 768 << 10,
        ManifestBytesMax = 4 << 10,
        Compaction = new CompactionOptions
        {
            BaseLevelBytes = 192 << 10,
            TableBytes = 48 << 10,
            LevelMultiplier = 4,
            HistoryZeroTrigger = 4,
            SubCompactionBytesMin = 96 << 10,
        },
    };

    public static byte[] Key(ulong keyspace, string text)
    {
        var key = new byte[8 + text.Length];
        BinaryPrimitives.WriteUInt64BigEndian(key, keyspace);
        Encoding.ASCII.GetBytes(text, key.AsSpan(8));
        return key;
    }

    public static byte[] CounterKey(int writer, int place) => Key(Counters, $"{CounterPlaces[place]}{writer}");

    public static byte[] OwnKey(ulong keyspace, int writer, int number) => Key(keyspace, $"{writer}/{number:d4}");

    public static byte[] AccountKey(bool merged, int bank, int account) => Key(merged ? MergedAccounts : PutAccounts, $"{bank}/{account:d2}");

    public static (List<Operation> Operations, Transfer? Transfer) Batch(ulong seed, int writer, long number)
    {
        var random = new SeededRandom(seed * 1_000_003 + (ulong)writer * 0x9E3779B97F4A7C15 + (ulong)number);
        var operations = new List<Operation>();
        for (var i = random.Next(0, 7); i > 0; i--) operations.Add(NextOperation(random, Documents, DocumentsPerWriter));
        for (var i = random.Next(0, 5); i > 0; i--) operations.Add(NextOperation(random, Scratch, ScratchPerWriter));
        if (!random.OneIn(3)) return (operations, null);
        var from = random.Next(AccountsPerBank);
        var to = (from + random.Next(1, AccountsPerBank)) % AccountsPerBank;
        return (operations, new Transfer(random.OneIn(2), random.Next(Banks), from, to, random.Next(1, 1000)));
    }

    static Operation NextOperation(SeededRandom random, ulong keyspace, int keys)
    {
        var key = random.Next(keys);
        switch (random.Next(40))
        {
            case 0:
                return new(EffectKind.DeleteRange, keyspace, key, Math.Min(keys, key + random.Next(1, keys)), []);
            case < 5:
                return new(EffectKind.Delete, keyspace, key, 0, []);
            case < 11:
                return new(EffectKind.Merge, keyspace, key, 0, Bytes(random, random.Next(1, 24)));
            default:
                return new(EffectKind.Put, keyspace, key, 0, Bytes(random, random.OneIn(50) ? random.Next(6000) : random.Next(200)));
        }
    }

    static byte[] Bytes(SeededRandom random, int length)
    {
        var bytes = new byte[length];
        random.Fill(bytes);
        // Half of it compresses.
        bytes.AsSpan(length / 2).Fill((byte)length);
        return bytes;
    }

    /// <summary>Batch number and what was acknowledged before, as a counter holds them.</summary>
    public static byte[] CounterValue(long number, ReadOnlySpan<long> before)
    {
        var value = new byte[8 + 8 * before.Length];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        for (var i = 0; i < before.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(8 + 8 * i), before[i]);
        return value;
    }

    public static long Number(byte[]? counter) => counter is null ? 0 : BinaryPrimitives.ReadInt64LittleEndian(counter);

    public static long Before(byte[] counter, int writer) => BinaryPrimitives.ReadInt64LittleEndian(counter.AsSpan(8 + 8 * writer));
}
