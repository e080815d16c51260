// StorageCrash: rounds of: start a child that writes, kill it, look at what it left.
//
// Promised of the store itself, under every policy, since SIGKILL takes nothing from the page cache:
//   (1) it opens, and every file in it is sound;
//   (2) every acknowledged batch is there, and every batch that a reader saw; none that was never sent;
//   (3) batches are whole or absent, without holes: what was acknowledged before a batch was sent is there if the batch is;
//   (4) every key holds, now and at every moment of its history, what those batches make of it.
// Promised of the image that a power cut at that moment would have left: (1), (3), (4), and of (2)
//   always        all of it
//   every:n       at most n acknowledged batches are missing
//   <interval>    what was acknowledged long before the kill is there. How long is told, and bounded far above the interval: the machine may be busy
//   os            nothing
//
// A store lives for a few rounds, then a fresh one begins. Some rounds kill during the opening, and some begin the next life without a look.

using System.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;

namespace Aevum.Crash;

sealed class StorageCrash(SyncPolicy policy, int rounds, ulong seed, string home)
{
    const int TicksLostMax = 400;

    readonly DiskFileSystem _files = new();
    readonly SeededRandom _random = new(seed);
    readonly Stopwatch _clock = Stopwatch.StartNew();
    long _batches;
    long _missing;
    long _atRiskMax;
    long _ticksLostMax;
    int _looks;
    int _images;
    int _openingKills;

    /// <returns>False if a round failed.</returns>
    public bool Run()
    {
        var store = 0;
        for (var round = 1; round <= rounds;)
        {
            var directory = Path.Combine(home, $"{policy}-{++store}".Replace(':', '-'));
            Directory.CreateDirectory(directory);
            var storeSeed = _random.NextUInt64() >> 16;
            for (var life = _random.Next(2, 7); life > 0 && round <= rounds; life--, round++)
            {
                try
                {
                    var isLast = life == 1 || round == rounds;
                    RunRound(directory, storeSeed, look: isLast || !_random.OneIn(4));
                }
                catch (Exception failure) when (failure is BrokenPromiseException or AevumException or InvalidOperationException)
                {
                    Console.WriteLine($"FAILED: policy {policy}, round {round}, seed {seed}: {failure.Message}");
                    if (failure is not BrokenPromiseException) Console.WriteLine(failure);
                    Console.WriteLine($"kept: {directory} (before/ is the store as the kill left it)");
                    Console.WriteLine($"again: crash storage --policy {policy} --seed {seed} --rounds {round}");
                    return false;
                }
                if (round % Math.Max(5, rounds / 20) == 0 || round == rounds) Report(round);
            }
            Directory.Delete(directory, recursive: true);
        }
        return true;
    }

    void Report(int round)
    {
        var loss = policy.Kind switch
        {
            SyncKind.Every => $", at most {_atRiskMax} acknowledged batches missing after a power cut",
            SyncKind.Interval => $", at most about {5 * _ticksLostMax} ms of them missing after a power cut",
            SyncKind.Os => $", {_missing} missing after power cuts (nothing is promised)",
            _ => "",
        };
        Console.WriteLine($"[{_clock.Elapsed.TotalSeconds,5:f0}s] {policy}: {round} of {rounds} kills ({_openingKills} while opening), "
            + $"{_batches} batches acknowledged, {_looks} looks, {_images} images of power cuts{loss}");
    }

    void RunRound(string directory, ulong storeSeed, bool look)
    {
        var store = Path.Combine(directory, "store");
        var shadow = Path.Combine(directory, "shadow");
        var image = Path.Combine(directory, "image");
        var before = Path.Combine(directory, "before");
        foreach (var old in new[] { shadow, image, before })
            if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        Directory.CreateDirectory(store);

        using var tally = new Tally(Path.Combine(directory, "tally"));
        // Recording slows the child down: os, which promises nothing of images, does without every other time.
        var records = policy.Kind != SyncKind.Os || _random.OneIn(2);
        var acknowledgedBefore = Total(tally);
        KillChild(tally, storeSeed, store, Path.Combine(directory, "tally"), records ? shadow : "-", Path.Combine(directory, "child.log"));
        _batches += Total(tally) - acknowledgedBefore;

        if (records && File.Exists(Path.Combine(shadow, "journal")))
        {
            RecordingFileSystem.Rebuild(_files, shadow, image);
            var found = StoreCheck.Run(new RestartedFiles(_files), image, policy, storeSeed, _random);
            CheckImage(tally, found);
            _images++;
        }
        if (!look) return;
        Copy(store, before);
        var there = StoreCheck.Run(_files, store, policy, storeSeed, _random);
        for (var w = 0; w < Workload.Writers; w++)
        {
            Require(there[w] >= tally.Acknowledged(w), $"writer {w}: {tally.Acknowledged(w)} batches were acknowledged, {there[w]} are there");
            Require(there[w] >= tally.Seen(w), $"writer {w}: batch {tally.Seen(w)} was read, {there[w]} are there");
            Require(there[w] <= tally.Submitted(w), $"writer {w}: {tally.Submitted(w)} batches were sent, {there[w]} are there");
        }
        _looks++;
    }

    void CheckImage(Tally tally, long[] found)
    {
        long missing = 0, ticks = 0;
        for (var w = 0; w < Workload.Writers; w++)
        {
            Require(found[w] <= tally.Submitted(w), $"image: writer {w}: {tally.Submitted(w)} batches were sent, {found[w]} are there");
            missing += Math.Max(0, tally.Acknowledged(w) - found[w]);
            if (found[w] < tally.Acknowledged(w)) ticks = Math.Max(ticks, tally.TicksSince(w, found[w] + 1));
            Require(policy.Kind != SyncKind.Always || found[w] >= tally.Seen(w),
                $"image: writer {w}: batch {tally.Seen(w)} was read, and a power cut takes it back to {found[w]}");
        }
        _missing += missing;
        _atRiskMax = Math.Max(_atRiskMax, missing);
        _ticksLostMax = Math.Max(_ticksLostMax, ticks);
        var bound = policy.Kind switch
        {
            SyncKind.Always => 0,
            SyncKind.Every => policy.Records,
            _ => long.MaxValue,
        };
        Require(missing <= bound, $"image: {missing} acknowledged batches are missing after a power cut; at most {bound} may be");
        Require(policy.Kind != SyncKind.Interval || ticks <= TicksLostMax,
            $"image: a batch acknowledged {ticks} ticks of 5 ms before the power cut is missing");
    }

    // Kills some time after the child began to open the store, or after it began to write.
    void KillChild(Tally tally, ulong storeSeed, string store, string tallyPath, string shadow, string log)
    {
        var duringOpening = _random.OneIn(6);
        var delay = duringOpening ? _random.Next(60) : _random.OneIn(10) ? _random.Next(3000) : _random.Next(700);
        tally.Phase = Phase.Starting;
        string[] role = ["exec", typeof(StorageCrash).Assembly.Location, "child", store, tallyPath, shadow, policy.ToString(), $"{storeSeed}"];
        var start = new ProcessStartInfo(DotnetHost(), role) { RedirectStandardError = true };
        using var child = Process.Start(start)!;
        try
        {
            var awaited = duringOpening ? Phase.Opening : Phase.Writing;
            while (tally.Phase < awaited && !child.WaitForExit(1))
            {
            }
            child.WaitForExit(delay);
            if (!child.HasExited) child.Kill();
            child.WaitForExit();
        }
        finally
        {
            if (!child.HasExited) child.Kill();
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

    static string DotnetHost() => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";

    static long Total(Tally tally)
    {
        long total = 0;
        for (var w = 0; w < Workload.Writers; w++) total += tally.Acknowledged(w);
        return total;
    }

    static void Copy(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        foreach (var directory in Directory.GetDirectories(source)) Copy(directory, Path.Combine(target, Path.GetFileName(directory)));
    }
}
