// EngineCrash: rounds of: start a child that commits through the engine, kill it, look at what it left.
//
// Promised under every policy, since SIGKILL takes nothing from the page cache:
//   (1) the database opens;
//   (2) every acknowledged commit is there, and none that was never sent;
//   (3) commits are whole or absent: pairs are equal, now and at every moment of a sample of the history;
//   (4) no request was done twice, although each that a kill may have cut off is sent again.
//
// Images of power cuts are the storage's affair (StorageCrash), and the simulation's.

using System.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Log;

namespace Aevum.Crash;

sealed class EngineCrash(SyncPolicy policy, int rounds, ulong seed, string home)
{
    const int MomentsLookedAt = 20;

    readonly SeededRandom _random = new(seed);
    readonly Stopwatch _clock = Stopwatch.StartNew();
    long _commits;
    int _openingKills;

    /// <returns>False if a round failed.</returns>
    public bool Run()
    {
        var database = 0;
        for (var round = 1; round <= rounds;)
        {
            var directory = Path.Combine(home, $"engine-{policy}-{++database}".Replace(':', '-'));
            Directory.CreateDirectory(directory);
            for (var life = _random.Next(2, 7); life > 0 && round <= rounds; life--, round++)
            {
                try
                {
                    RunRound(directory, look: life == 1 || round == rounds || _random.OneIn(2));
                }
                catch (Exception failure) when (failure is BrokenPromiseException or AevumException or InvalidOperationException)
                {
                    Console.WriteLine($"FAILED: policy {policy}, round {round}, seed {seed}: {failure}");
                    Console.WriteLine($"kept: {directory}");
                    Console.WriteLine($"again: crash engine --policy {policy} --seed {seed} --rounds {round}");
                    return false;
                }
                if (round % Math.Max(5, rounds / 20) == 0 || round == rounds)
                    Console.WriteLine($"[{_clock.Elapsed.TotalSeconds,5:f0}s] {policy}: {round} of {rounds} kills ({_openingKills} while opening), " +
                        $"{_commits} chain steps acknowledged");
            }
            Directory.Delete(directory, recursive: true);
        }
        return true;
    }

    void RunRound(string directory, bool look)
    {
        var store = Path.Combine(directory, "store");
        using var tally = new Tally(Path.Combine(directory, "tally"));
        var before = Total(tally);
        KillChild(tally, store, Path.Combine(directory, "tally"), Path.Combine(directory, "child.log"));
        _commits += Total(tally) - before;
        if (look) Look(tally, store);
    }

    void Look(Tally tally, string store)
    {
        using var scheduler = new ThreadScheduler();
        using var shards = LocalShards.Open(new DiskFileSystem(), scheduler, store, EngineWorkload.Options(policy) with { BlockCacheBytes = 1 << 20 });
        var problem = EngineWorkload.Problem(shards, ReadView.Present, out var chains, out var shares);
        if (problem is not null) throw new BrokenPromiseException(problem);
        for (var w = 0; w < Workload.Writers; w++)
        {
            Require(chains[w] >= tally.Acknowledged(w), $"writer {w}: {tally.Acknowledged(w)} steps were acknowledged, {chains[w]} are there");
            Require(chains[w] <= tally.Submitted(w), $"writer {w}: {tally.Submitted(w)} steps were sent, {chains[w]} are there");
            Require(shares[w] >= tally.Seen(w), $"writer {w}: {tally.Seen(w)} requests were acknowledged, {shares[w]} are there");
            Require(shares[w] >= chains[w] - 1, $"writer {w}: the chain stands at {chains[w]}, and only {shares[w]} requests were done");
        }
        LookBack(shards);
    }

    // At moments of the past, chosen from the versions of a chain: just before and at each.
    void LookBack(LocalShards shards)
    {
        var versions = shards.ShardOf(EngineWorkload.ChainKey(0)).VersionsOf(EngineWorkload.ChainKey(0));
        for (var i = 0; i < MomentsLookedAt && versions.Count > 0; i++)
        {
            var time = versions[_random.Next(versions.Count)].Time;
            foreach (var moment in new[] { time, new SystemTime(time.Value - 1) })
                if (EngineWorkload.Problem(shards, ReadView.AsOf(moment), out _, out _) is { } problem)
                    throw new BrokenPromiseException($"as of {moment}: {problem}");
        }
    }

    // Kills some time after the child began to open the database, or after it began to write.
    void KillChild(Tally tally, string store, string tallyPath, string log)
    {
        var duringOpening = _random.OneIn(6);
        var delay = duringOpening ? _random.Next(60) : _random.OneIn(10) ? _random.Next(3000) : _random.Next(700);
        tally.Phase = Phase.Starting;
        string[] role = ["exec", typeof(EngineCrash).Assembly.Location, "engine-child", store, tallyPath, policy.ToString()];
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        using var child = Process.Start(new ProcessStartInfo(host, role) { RedirectStandardError = true })!;
        try
        {
            var awaited = duringOpening ? Phase.Opening : Phase.Writing;
            while (tally.Phase < awaited && !child.WaitForExit(1))
            {
            }
            child.WaitForExit(delay);
        }
        finally
        {
            if (!child.HasExited) child.Kill();
            child.WaitForExit();
        }
        var said = child.StandardError.ReadToEnd();
        File.AppendAllText(log, said);
        if (child.ExitCode != 128 + 9) throw new BrokenPromiseException($"the child ended by itself, with code {child.ExitCode}: {said}");
        if (tally.Phase == Phase.Opening) _openingKills++;
    }

    static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new BrokenPromiseException(otherwise);
    }

    static long Total(Tally tally)
    {
        long total = 0;
        for (var w = 0; w < Workload.Writers; w++) total += tally.Acknowledged(w);
        return total;
    }
}
