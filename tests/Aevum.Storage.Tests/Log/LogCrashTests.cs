// Logs on a disk that loses power or a process that dies, at every changing operation in turn and at random ones; over and over on the same
// directory, with recycled segments full of old records.
//
// The oracle is the list of everything that was asked of the log, in order. After a crash the log must open (neither a power cut nor a kill
// is corruption) and must show the state after some prefix of that list: at least what was acknowledged; after a kill, all of it.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

public sealed class LogCrashTests
{
    static LogOptions Options(SyncPolicy sync) =>
        LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10, SpareSegments = 1, Sync = sync };

    abstract record Step(uint Stream)
    {
        public abstract void Apply(StreamOracle oracle);
    }

    sealed record DataStep(uint Stream, byte[] Payload) : Step(Stream)
    {
        public override void Apply(StreamOracle oracle) => oracle.Append(Payload);
    }

    sealed record TruncateStep(uint Stream, ulong Position) : Step(Stream)
    {
        public override void Apply(StreamOracle oracle) => oracle.Truncate(Position);
    }

    sealed record ReleaseStep(uint Stream, ulong UpTo) : Step(Stream)
    {
        public override void Apply(StreamOracle oracle) => oracle.Release(UpTo);
    }

    sealed class Workload(SeededRandom random)
    {
        /// <summary>Everything asked so far. The last ones may have been interrupted.</summary>
        public List<Step> Steps { get; private set; } = [];

        /// <summary>How many of them returned.</summary>
        public int Done { get; private set; }

        /// <summary>How many of them were durable when something was acknowledged.</summary>
        public int Acknowledged { get; private set; }

        public Dictionary<uint, StreamOracle> State { get; private set; } = [];

        public bool HasRecovered { get; set; }

        static StreamOracle Of(Dictionary<uint, StreamOracle> state, uint id) =>
            state.TryGetValue(id, out var oracle) ? oracle : state[id] = new StreamOracle();

        byte[] Payload()
        {
            var bytes = new byte[random.OneIn(60) ? random.Next(10_000, 90_000) : random.Next(0, 700)];
            random.Fill(bytes);
            return bytes;
        }

        void Plan(Step step)
        {
            Steps.Add(step);
            step.Apply(Of(State, step.Stream));
        }

        public void Run(CommitLog log, int count, SimulatedScheduler? world = null)
        {
            for (var i = 0; i < count; i++)
            {
                // Background bodies get their turn now and then, and sometimes not for long.
                if (world is not null && random.OneIn(6)) world.RunUntilIdle();
                var id = (uint)random.Next(1, 4);
                var stream = log.OpenStream(id);
                var oracle = Of(State, id);
                switch (random.Next(20))
                {
                    case 0 when oracle.Last >= oracle.First:
                        var at = oracle.First + (ulong)random.Next((long)(oracle.Last + 1 - oracle.First));
                        Plan(new TruncateStep(id, at));
                        stream.TruncateSuffix(at);
                        break;
                    case 1:
                        // Everything but a few: segments are freed and recycled all the time.
                        if (oracle.Last < oracle.First + 5) break;
                        var upTo = oracle.Last - 3;
                        Plan(new ReleaseStep(id, upTo));
                        stream.Release(upTo);
                        break;
                    case 2:
                        var group = new List<LogEntry>();
                        for (var n = random.Next(2, 6); n > 0; n--)
                        {
                            var other = (uint)random.Next(1, 4);
                            var payload = Payload();
                            group.Add(LogEntry.Data(log.OpenStream(other), Of(State, other).Last + 1, payload));
                            Plan(new DataStep(other, payload));
                        }
                        log.Append(group.ToArray());
                        break;
                    default:
                        var data = Payload();
                        var position = oracle.Last + 1;
                        Plan(new DataStep(id, data));
                        log.Append(stream, position, data);
                        break;
                }
                Done = Steps.Count;
                if (log.Sync.Kind == SyncKind.Always ? random.OneIn(3) : random.OneIn(40))
                {
                    log.SyncNow();
                    Acknowledged = Done;
                }
            }
        }

        /// <summary>The state after everything that returned; what did not return has not happened, or only a crash will tell.</summary>
        public void TakeBackWhatWasRefused()
        {
            Steps = [.. Steps.Take(Done)];
            State = [];
            foreach (var step in Steps) step.Apply(Of(State, step.Stream));
        }

        /// <summary>Finds the prefix that the log shows, and goes on from there.</summary>
        /// <remarks>An owner releases what it keeps durably elsewhere, and knows so after a crash: it repeats every release
        /// first.</remarks>
        public void Recover(CommitLog log, bool killed)
        {
            var releases = Steps.OfType<ReleaseStep>().GroupBy(step => step.Stream)
                .ToDictionary(steps => steps.Key, steps => steps.Max(step => step.UpTo));
            var before = log.StreamIds.Select(id => $"{id}: {log.OpenStream(id).FirstPosition}..{log.OpenStream(id).LastPosition}").ToArray();
            foreach (var (id, upTo) in releases) log.OpenStream(id).Release(upTo);
            var least = killed ? Done : Acknowledged;
            for (var length = least; length <= Steps.Count; length++)
            {
                var state = new Dictionary<uint, StreamOracle>();
                foreach (var step in Steps.Take(length)) step.Apply(Of(state, step.Stream));
                foreach (var (id, upTo) in releases) Of(state, id).Release(upTo);
                foreach (var id in log.StreamIds) Of(state, id);
                if (state.Any(pair => !Shows(log.OpenStream(pair.Key), pair.Value))) continue;
                Steps = [.. Steps.Take(length), .. releases.Select(pair => new ReleaseStep(pair.Key, pair.Value))];
                State = state;
                Done = Steps.Count;
                // What was found after a power cut is on the disk; after a kill it may be in the page cache only.
                if (!killed) Acknowledged = length;
                HasRecovered = true;
                return;
            }
            Assert.Fail($"the log shows no state between step {least} and step {Steps.Count}: {string.Join(" ", before)} {log.Recovery}");
        }

        static bool Shows(LogStream stream, StreamOracle oracle)
        {
            if (stream.LastPosition != oracle.Last || stream.FirstPosition > oracle.First) return false;
            if (oracle.Last < oracle.First) return true;
            var same = true;
            stream.Replay(oracle.First, (position, payload) => same &= payload.SequenceEqual(oracle[position]));
            return same;
        }
    }

    // Runs until the plan's end comes, or to the end of the workload.
    static FaultyFileSystem RunUntilDeath(
        FaultyFileSystem files, IScheduler scheduler, LogOptions options, Workload workload, int steps, bool recovers, bool killed)
    {
        CommitLog? log = null;
        try
        {
            log = CommitLog.Open(files, scheduler, LogWorld.Directory, options);
            if (recovers) workload.Recover(log, killed);
            workload.Run(log, steps, scheduler as SimulatedScheduler);
        }
        catch (AevumException end) when (end.Code == ErrorCode.Closed && files.Successor is not null)
        {
        }
        finally
        {
            // A dead process closes nothing; here it only gives up its objects.
            if (files.Successor is not null) log?.Dispose();
        }
        return files;
    }

    [Theory]
    [InlineData("always", true, false)]
    [InlineData("always", false, false)]
    [InlineData("os", true, false)]
    [InlineData("os", true, true)]
    [InlineData("os", false, true)]
    public void A_death_at_every_changing_operation_leaves_a_prefix_with_all_that_was_acknowledged(string sync, bool mapped, bool killed)
    {
        var options = Options(SyncPolicy.Parse(sync));
        const int Steps = 60;
        long changes = 0;
        for (long at = 1; at <= changes || at == 1; at += 1 + (at / 40))
        {
            var files = new FaultyFileSystem((ulong)at, new FaultPlan { RegionsAreMapped = mapped });
            if (at == 1)
            {
                // Once to the end: how many changes are there?
                using var whole = CommitLog.Open(files, new IdleScheduler(3), LogWorld.Directory, options);
                new Workload(new SeededRandom(17)).Run(whole, Steps);
                changes = files.ChangeCount;
                files = new FaultyFileSystem((ulong)at, new FaultPlan { RegionsAreMapped = mapped });
            }
            if (killed) files.Plan.KillAt = at;
            else files.Plan.PowerCutAt = at;
            var workload = new Workload(new SeededRandom(17));
            RunUntilDeath(files, new IdleScheduler(3), options, workload, Steps, recovers: false, killed);
            Assert.NotNull(files.Successor);
            files.Plan.Heal();
            using var log = CommitLog.Open(files.Successor, new IdleScheduler(4), LogWorld.Directory, options);
            workload.Recover(log, killed);
            workload.Run(log, 10);
        }
        Assert.True(changes > 100);
    }

    [Theory, Seeds(25)]
    public void Many_deaths_in_a_row_on_one_directory(ulong seed)
    {
        var random = new SeededRandom(seed);
        var options = Options(random.OneIn(2) ? SyncPolicy.Always : SyncPolicy.Os);
        var workload = new Workload(random) { HasRecovered = true };
        var files = new FaultyFileSystem(seed, new FaultPlan { RegionsAreMapped = random.OneIn(2), FilesCanBeMapped = random.OneIn(2) });
        var killed = false;
        for (var life = 0; life < 12; life++)
        {
            var world = new SimulatedScheduler(random.NextUInt64());
            var end = files.ChangeCount + random.Next(1, 400);
            var kills = random.OneIn(2);
            if (kills) files.Plan.KillAt = end;
            else files.Plan.PowerCutAt = end;
            RunUntilDeath(files, world, options, workload, 200, recovers: life > 0, killed);
            if (files.Successor is null) _ = kills ? files.KillProcess() : files.PowerCut();
            world.Crash();
            world.Dispose();
            files.Plan.Heal();
            files = files.Successor!;
            // If this life ended before it had looked at what the one before left, that one's end still counts.
            killed = kills && (workload.HasRecovered || killed);
            workload.HasRecovered = false;
        }
        using var last = new IdleScheduler(1);
        using var log = CommitLog.Open(files, last, LogWorld.Directory, options);
        workload.Recover(log, killed);
    }

    [Theory, Seeds(25)]
    public void Errors_of_the_disk_stop_the_log_or_are_survived_but_lose_nothing(ulong seed)
    {
        var random = new SeededRandom(seed);
        var options = Options(random.OneIn(2) ? SyncPolicy.Always : SyncPolicy.Os);
        var workload = new Workload(random) { HasRecovered = true };
        var files = new FaultyFileSystem(seed, new FaultPlan { RegionsAreMapped = random.OneIn(2) });
        var cutBefore = false;
        for (var life = 0; life < 12; life++)
        {
            foreach (var operation in Enum.GetValues<FileOperation>())
                files.Plan.FailWithProbability(operation, random.OneIn(3) ? 0.02 * random.NextDouble() : 0);
            if (random.OneIn(3)) files.Plan.CapacityBytes = files.UsedBytes + random.Next(600_000);
            var world = new SimulatedScheduler(random.NextUInt64());
            CommitLog? log = null;
            try
            {
                log = CommitLog.Open(files, world, LogWorld.Directory, options);
                if (life > 0) workload.Recover(log, !cutBefore);
                for (var i = 0; i < 100; i++)
                {
                    try
                    {
                        workload.Run(log, 3, world);
                    }
                    catch (AevumException refused) when (refused.Code is ErrorCode.DiskFull or ErrorCode.InputOutput)
                    {
                        // Refused as a whole, so the same log goes on as if nothing had been asked.
                        workload.TakeBackWhatWasRefused();
                        if (log.Failure is not null) break;
                    }
                }
            }
            catch (AevumException end) when (end.Code is ErrorCode.DiskFull or ErrorCode.InputOutput or ErrorCode.Closed)
            {
            }
            if (workload.HasRecovered && log is not null) cutBefore = false;
            files.Plan.Heal();
            files.Plan.CapacityBytes = null;
            if (random.OneIn(2)) log?.Dispose();
            var cuts = random.OneIn(2);
            files = cuts ? files.PowerCut() : files.KillProcess();
            cutBefore = cuts || (cutBefore && !workload.HasRecovered);
            if (workload.HasRecovered) workload.HasRecovered = false;
            world.Crash();
            world.Dispose();
        }
        using var last = new IdleScheduler(1);
        using var final = CommitLog.Open(files, last, LogWorld.Directory, options);
        workload.Recover(final, !cutBefore);
    }
}
