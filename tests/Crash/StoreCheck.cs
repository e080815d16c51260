// StoreCheck: opens a store that was left behind and compares it with what must be there; then looks at every file.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Crash;

/// <summary>Something that was promised and is not so.</summary>
sealed class BrokenPromiseException(string message) : Exception(message);

static class StoreCheck
{
    const int PastReads = 300;
    const int PastScans = 3;

    /// <summary>Opens the store, compares all of it with the expectation, closes it, and verifies its files.</summary>
    /// <returns>How many batches of each writer are there.</returns>
    public static long[] Run(IFileSystem files, string store, SyncPolicy sync, ulong seed, SeededRandom random)
    {
        VerifyFiles(files, store, beforeRecovery: true);
        long[] found;
        using (var scheduler = new ThreadScheduler())
        using (var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 }))
        using (var tree = Tree.Open(environment, store, Workload.Options(sync)))
        {
            found = Compare(tree, seed, random);
            if (random.OneIn(4))
            {
                tree.CompactAll();
                Compare(tree, seed, random);
            }
        }
        VerifyFiles(files, store, beforeRecovery: false);
        return found;
    }

    static long[] Compare(Tree tree, ulong seed, SeededRandom random)
    {
        var found = new long[Workload.Writers];
        var times = new ulong[Workload.Writers][];
        var counters = new byte[]?[Workload.Writers];
        for (var w = 0; w < Workload.Writers; w++)
        {
            counters[w] = tree.Get(Workload.CounterKey(w, 0));
            found[w] = Workload.Number(counters[w]);
            times[w] = TimesOf(tree, w, found[w]);
        }
        // What was acknowledged before a batch was sent stands before it in the log: where the batch is, that is.
        for (var w = 0; w < Workload.Writers; w++)
            for (var other = 0; counters[w] is not null && other < Workload.Writers; other++)
                if (Workload.Before(counters[w]!, other) > found[other])
                    throw new BrokenPromiseException($"a hole: batch {found[w]} of writer {w} is here, "
                        + $"and batch {Workload.Before(counters[w]!, other)} of writer {other}, acknowledged before it, is not");

        var expected = new Expectation(seed, times);
        CheckLatest(tree, expected);
        CheckPast(tree, expected, times, random);
        return found;
    }

    // Every batch from 1 on has left a version of each of its three counters, at one time.
    static ulong[] TimesOf(Tree tree, int writer, long count)
    {
        var times = new ulong[count];
        for (var place = 0; place < Workload.CounterPlaces.Length; place++)
        {
            var versions = tree.VersionsOf(Workload.CounterKey(writer, place));
            Require(versions.Count == count, $"writer {writer}: counter {place} has {versions.Count} versions, not {count}");
            for (var i = 0; i < count; i++)
            {
                var version = versions[(int)count - 1 - i];
                Require(Workload.Number(version.Value) == i + 1, $"writer {writer}: batch {i + 1} is missing from counter {place}");
                if (place == 0) times[i] = version.Version.Value;
                Require(times[i] == version.Version.Value, $"writer {writer}: batch {i + 1} is torn: its counters have different times");
                Require(i == 0 || times[i] > times[i - 1], $"writer {writer}: batch {i + 1} is older than the one before it");
            }
        }
        return times;
    }

    static void CheckLatest(Tree tree, Expectation expected)
    {
        foreach (var keyspace in new[] { Workload.Documents, Workload.Scratch })
        {
            for (var writer = 0; writer < Workload.Writers; writer++)
                for (var key = 0; key < KeysOf(keyspace); key++)
                {
                    var wanted = expected.ValueAt(keyspace, writer, key, ulong.MaxValue);
                    Same(wanted, tree.Get(Workload.OwnKey(keyspace, writer, key)), () => $"{writer}/{key:d4} of keyspace {keyspace}");
                }
            CheckScan(tree, expected, keyspace, ReadPoint.Latest);
        }
        for (var merged = 0; merged < 2; merged++)
            for (var bank = 0; bank < Workload.Banks; bank++)
                for (var account = 0; account < Workload.AccountsPerBank; account++)
                {
                    var name = Expectation.Account(merged == 1, bank, account);
                    var balance = Expectation.Amount(tree.Get(Workload.AccountKey(merged == 1, bank, account)));
                    var wanted = expected.Balances.GetValueOrDefault(name);
                    if (balance != wanted) throw new BrokenPromiseException($"account {name} holds {balance}, not {wanted}");
                }
    }

    static void CheckPast(Tree tree, Expectation expected, ulong[][] times, SeededRandom random)
    {
        ulong[] all = [.. times.SelectMany(t => t)];
        if (all.Length == 0) return;
        for (var i = 0; i < PastReads; i++)
        {
            var at = all[random.Next(all.Length)] - (ulong)random.Next(2);
            var (writer, key) = (random.Next(Workload.Writers), random.Next(Workload.DocumentsPerWriter));
            Same(expected.ValueAt(Workload.Documents, writer, key, at), tree.Get(Workload.OwnKey(Workload.Documents, writer, key), ReadPoint.AsOf(new(at))),
                () => $"document {writer}/{key:d4} as of {at}");
        }
        for (var i = 0; i < PastScans; i++)
        {
            var at = all[random.Next(all.Length)];
            CheckScan(tree, expected, Workload.Documents, ReadPoint.AsOf(new(at)));
            if (MomentProblem(tree, new(at)) is { } problem) throw new BrokenPromiseException(problem);
            var (merged, bank, account) = (random.OneIn(2), random.Next(Workload.Banks), random.Next(Workload.AccountsPerBank));
            var balance = Expectation.Amount(tree.Get(Workload.AccountKey(merged, bank, account), ReadPoint.AsOf(new(at))));
            var wanted = expected.BalanceAt(Expectation.Account(merged, bank, account), at);
            Require(balance == wanted, $"account {Expectation.Account(merged, bank, account)} held {balance} at {at}, not {wanted}");
        }
    }

    /// <summary>What is not as it must be at any moment, in any store: batches are whole, sums are zero. Null if all is well.</summary>
    public static string? MomentProblem(Tree tree, SystemTime moment)
    {
        var point = ReadPoint.AsOf(moment);
        using (var counters = tree.Iterate(IterateOptions.OfPrefix(Workload.Key(Workload.Counters, ""), point)))
        {
            var numbers = new Dictionary<char, List<long>>();
            for (counters.SeekToFirst(); counters.Valid; counters.Next())
            {
                var writer = (char)counters.Key[9];
                if (!numbers.TryGetValue(writer, out var list)) numbers[writer] = list = [];
                list.Add(Workload.Number(counters.Value.ToArray()));
            }
            foreach (var (writer, list) in numbers)
                if (list.Count != Workload.CounterPlaces.Length || list.Distinct().Count() != 1)
                    return $"at {moment} the counters of writer {writer} are {string.Join(", ", list)}";
        }
        foreach (var keyspace in new[] { Workload.MergedAccounts, Workload.PutAccounts })
        {
            using var accounts = tree.Iterate(IterateOptions.OfPrefix(Workload.Key(keyspace, ""), point));
            long sum = 0;
            for (accounts.SeekToFirst(); accounts.Valid; accounts.Next()) sum += Expectation.Amount(accounts.Value.ToArray());
            if (sum != 0) return $"at {moment} the accounts of keyspace {keyspace} add up to {sum}";
        }
        return null;
    }

    static void CheckScan(Tree tree, Expectation expected, ulong keyspace, ReadPoint point)
    {
        using var iterator = tree.Iterate(IterateOptions.OfPrefix(Workload.Key(keyspace, ""), point));
        iterator.SeekToFirst();
        for (var writer = 0; writer < Workload.Writers; writer++)
            for (var key = 0; key < KeysOf(keyspace); key++)
            {
                var wanted = expected.ValueAt(keyspace, writer, key, point.At.Value);
                if (wanted is null) continue;
                var name = Workload.OwnKey(keyspace, writer, key);
                if (!iterator.Valid || !iterator.Key.SequenceEqual(name))
                    throw new BrokenPromiseException($"a scan of keyspace {keyspace} at {point.At} stands on {NameOf(iterator)}, not on {writer}/{key:d4}");
                Same(wanted, iterator.Value.ToArray(), () => $"{writer}/{key:d4} of keyspace {keyspace} in a scan at {point.At}");
                iterator.Next();
            }
        Require(!iterator.Valid, $"a scan of keyspace {keyspace} at {point.At} goes on to {NameOf(iterator)}, which should not be there");
    }

    static string NameOf(TreeIterator iterator) => iterator.Valid ? System.Text.Encoding.ASCII.GetString(iterator.Key[8..]) : "the end";

    static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new BrokenPromiseException(otherwise);
    }

    static int KeysOf(ulong keyspace) => keyspace == Workload.Documents ? Workload.DocumentsPerWriter : Workload.ScratchPerWriter;

    static void Same(byte[]? wanted, byte[]? found, Func<string> what)
    {
        if (wanted is null ? found is null : wanted.AsSpan().SequenceEqual(found) && found is not null) return;
        throw new BrokenPromiseException($"{what()}: expected {Show(wanted)}, found {Show(found)}");
    }

    static string Show(byte[]? value) =>
        value is null ? "nothing" : $"{value.Length} bytes {Convert.ToHexString(value.AsSpan(0, Math.Min(12, value.Length)))}";

    /// <summary>Manifest, every table it names, and the log, without changing anything.</summary>
    static void VerifyFiles(IFileSystem files, string store, bool beforeRecovery)
    {
        // A kill while the store was being made leaves it without a manifest, and then without anything.
        if (beforeRecovery && !Manifest.Exists(files, store)) return;
        var (state, _, cut) = Manifest.Read(files, store);
        if (!beforeRecovery && cut > 0) throw new BrokenPromiseException($"the manifest of a closed store ends in {cut} unfinished bytes");
        using var cache = new BlockCache(0);
        foreach (var meta in state.Version.AllTables.DistinctBy(t => t.Id))
        {
            var path = Path.Combine(store, TableStore.FolderName, TableStore.FileNameOf(meta.Id));
            using var table = TableReader.Open(files, path, meta.Id, cache);
            var problems = table.Verify();
            if (problems.Count > 0) throw new BrokenPromiseException($"a damaged table: {problems[0]}");
        }
        var log = Path.Combine(store, Tree.LogFolderName);
        if (beforeRecovery && !files.DirectoryExists(log)) return;
        var inspection = LogInspector.Inspect(files, log);
        if (inspection.Refusal is { } refusal) throw new BrokenPromiseException($"the log is refused: {refusal.Message}");
    }
}
