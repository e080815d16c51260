// Expectation: what the store must hold, given how many batches of each writer survived: the batches are made again and applied to plain lists.
//
// The slow, obvious way on purpose. When each batch was written is read from the store itself (the versions of its counter), the rest is not.

using System.Buffers.Binary;
using Aevum.Core.Batches;

namespace Aevum.Crash;

sealed class Expectation
{
    readonly List<(ulong Time, byte[]? Value)>[,] _documents;
    readonly List<(ulong Time, byte[]? Value)>[,] _scratch;
    readonly SortedDictionary<string, long> _balances = new(StringComparer.Ordinal);
    readonly List<(ulong Time, string Account, long Amount)> _transfers = [];

    /// <param name="seed">Of the store.</param>
    /// <param name="times">Of each writer the times of its batches, oldest first.</param>
    public Expectation(ulong seed, ulong[][] times)
    {
        _documents = Lists(Workload.DocumentsPerWriter);
        _scratch = Lists(Workload.ScratchPerWriter);
        for (var writer = 0; writer < Workload.Writers; writer++)
        {
            for (var number = 1; number <= times[writer].Length; number++)
            {
                var time = times[writer][number - 1];
                var (operations, transfer) = Workload.Batch(seed, writer, number);
                foreach (var operation in operations)
                    Apply(operation.Keyspace == Workload.Documents ? _documents : _scratch, writer, operation, time);
                if (transfer is not { } move) continue;
                _transfers.Add((time, Account(move, move.From), -move.Amount));
                _transfers.Add((time, Account(move, move.To), move.Amount));
            }
        }
        foreach (var (_, account, amount) in _transfers) _balances[account] = _balances.GetValueOrDefault(account) + amount;
    }

    /// <summary>Names of accounts and what is on them at the end.</summary>
    public IReadOnlyDictionary<string, long> Balances => _balances;

    public static string Account(Transfer transfer, int account) => Account(transfer.Merged, transfer.Bank, account);

    public static string Account(bool merged, int bank, int account) => $"{(merged ? 'm' : 'p')}{bank}/{account}";

    public long BalanceAt(string account, ulong at) => _transfers.Where(t => t.Account == account && t.Time <= at).Sum(t => t.Amount);

    /// <summary>What a document or scratch key held at a time; null if nothing.</summary>
    public byte[]? ValueAt(ulong keyspace, int writer, int key, ulong at)
    {
        var story = (keyspace == Workload.Documents ? _documents : _scratch)[writer, key];
        for (var i = story.Count - 1; i >= 0; i--)
            if (story[i].Time <= at) return story[i].Value;
        return null;
    }

    static List<(ulong, byte[]?)>[,] Lists(int keys)
    {
        var lists = new List<(ulong, byte[]?)>[Workload.Writers, keys];
        for (var w = 0; w < Workload.Writers; w++)
            for (var k = 0; k < keys; k++) lists[w, k] = [];
        return lists;
    }

    static void Apply(List<(ulong Time, byte[]? Value)>[,] lists, int writer, Operation operation, ulong time)
    {
        var last = operation.Kind == EffectKind.DeleteRange ? operation.EndKey - 1 : operation.Key;
        for (var key = operation.Key; key <= last; key++)
        {
            var story = lists[writer, key];
            var before = story.Count > 0 ? story[^1].Value : null;
            byte[]? value = operation.Kind switch
            {
                EffectKind.Put => operation.Value,
                EffectKind.Merge => [.. before ?? [], .. operation.Value],
                _ => null,
            };
            story.Add((time, value));
        }
    }

    public static long Amount(byte[]? balance) => balance is null ? 0 : BinaryPrimitives.ReadInt64LittleEndian(balance);
}
