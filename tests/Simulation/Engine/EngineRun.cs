// EngineRun: one seed. Clients commit and read at the same time, on shards whose disk, power and wall clock fail, round by round; between two rounds
// nothing is under way, and everything that was answered is held against a model.
//
//   EngineRun            the rounds, telling
//   EngineRun.Clients    what clients send: batches, catalog changes, reads
//   EngineRun.Drawing    random keys, steps and procedures
//   EngineRun.Settling   after a round: commits in the order of their times against BatchModel, answers against ShardModel
//   EngineRun.Checking   everything that can be asked when nothing is under way; answers remembered and asked again
//   EngineRun.Opening    what must be there after a close, a kill, a power cut
//   FaultyRun            kills, power cuts, full disks, errors, a wall clock that moves
//
// How the order of commits is known: a commit that did something tells its time, and times are the order. One that did nothing (refused, or all
// steps without an effect) must be explained by some state between its call and its return.
//
// What an answer as of a time may do after a power cut: change, if it spoke of a time above the newest commit of its shard that is left, unless
// the policy is `always`. It may do nothing else, ever, while the time is above the floor.

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun : FaultyRun
{
    readonly byte[][] _bodies;

    EngineRun(ulong seed, bool trace) : base(seed ^ 0xE4617E, trace)
    {
        _bodies = DrawBodies(Configuration.Bodies);
        var boundaries = DrawBoundaries(Configuration.ShardCount);
        Configuration = Configuration with { Options = Configuration.Options with { ShardBoundaries = boundaries } };
        _models = [.. Enumerable.Range(0, boundaries.Length + 1).Select(_ => new ShardModel(OperatorOf))];
        _shardKeys = [.. _models.Select((_, shard) => AllKeys().Where(key => ShardIndexOf(key, boundaries) == shard).ToArray())];
        _durableTo = new ulong[_models.Length];
        _answers = [.. _models.Select(_ => new Dictionary<(uint, string), List<KeptAnswer>>())];
    }

    int ShardCount => _models.Length;

    public static SimulationResult Run(ulong seed, bool trace)
    {
        using var run = new EngineRun(seed, trace);
        if (trace) Console.WriteLine($"seed {seed}\n{run.Configuration}");
        return run.Execute();
    }

    protected override HybridClock Clock => Shards.Clock;

    protected override void Run()
    {
        Open();
        for (RoundNumber = 1; RoundNumber <= Configuration.Rounds; RoundNumber++)
        {
            Round();
            if (IsDead) Recover("the plan's end");
            else if (LogFailed) Reopen();
            else BetweenRounds();
            if (MaybeTrouble()) EndTrouble();
        }
        EndTrouble();
        CheckEverything();
        Reopen();
        FlushAll();
        CompactAll();
        CheckEverything();
    }

    void Round()
    {
        var clients = new List<BackgroundTask>();
        for (var c = 0; c < Configuration.Clients; c++)
        {
            var (number, random) = (c, new SeededRandom(Random.NextUInt64()));
            clients.Add(Scheduler.Start($"client {c}", WorkClass.Urgent, _ => RunClient(number, random)));
        }
        foreach (var client in clients) client.Wait();
        foreach (var client in clients)
            if (client.Failure is { } failure)
                throw new SimulationFailure($"client {client.Name}: {(failure is SimulationFailure ? failure.Message : failure.ToString())}", failure);
        NoteAlive();
    }

    void BetweenRounds()
    {
        Settle();
        switch (Random.Next(20))
        {
            case < 3: CheckEverything(); break;
            case < 6: AskAgain(); break;
            case 6: HoldMoment(); break;
            case 7: HoldCursor(); break;
            case 8: LetGoOfOne(); break;
            case < 11: LetTimePass(); break;
            case 11: FlushAll(); break;
            case 12: CompactAll(); break;
            case 13 when Random.OneIn(2): Reopen(); break;
            case < 16 when Configuration.ClockMoves: MoveClock(); break;
            case 17: Scheduler.RunUntilIdle(); break;
            default: break;
        }
        CheckHeld();
    }

    void LetTimePass()
    {
        Note("time passes");
        var end = Random.Next(3) switch { 0 => 10_000, 1 => 1500, _ => 50 };
        var left = TimeSpan.FromMilliseconds(Random.Next(1, end));
        // Bit by bit, so that what was durable when the disk died is known well enough.
        while (left > TimeSpan.Zero && !IsDead)
        {
            NoteAlive();
            var step = TimeSpan.FromMilliseconds(Math.Min(left.TotalMilliseconds, end < 100 ? 1 : 100));
            Scheduler.RunFor(step);
            left -= step;
        }
        NoteAlive();
    }
}
