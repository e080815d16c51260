// SessionRun: one seed above the shards: clients run transactions of every isolation through sessions, and commits over several shards, on a world
// whose disk, power and wall clock fail. Nobody is told what should be there: it follows from what was committed, by system time.
//
//   SessionRun                the rounds
//   SessionRun.Clients        transactions, batches, requests sent again (TransactionScript, Attempt)
//   SessionRun.Settling       after a round: commits go to the model in the order of their times, reads are held against it
//   SessionRun.Opening        what must be there after a death: whole commits or nothing of them, in every shard a beginning; replay byte for byte
//   SessionRun.Feeds          ranges followed through lags, deaths and restarts (Feed)
//   HistoryFile               what was done, as lines for a checker of somebody else's
//
// Three judges, who know nothing of each other: the model (ShardModel: commits by time; a read at a moment must be what it says), the history
// checker (HistoryChecker: only what was read and written, no moments), the feeds (each effect of a range once, in order).
//
// Always true between two rounds: nothing is under way; every attempt is committed, or given up, or waits for an open to say which.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Storage;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

sealed partial class SessionRun : FaultyRun
{
    readonly byte[][] _boundaries;
    readonly Place[] _letters;      // hold texts
    readonly Place[] _counters;     // hold numbers that only rise
    readonly Place[] _sums;         // hold what merges added up
    readonly bool _isForHistory;    // only what HistoryFile can tell
    ShardModel _model;

    SessionRun(ulong seed, bool trace, bool isForHistory) : base(seed ^ 0x5E5510, trace)
    {
        _isForHistory = isForHistory;
        _letters = [.. Letters(Random.Next(4, 16)).SelectMany(key => new Place[] { new(Place.Default, key), new(Place.Brief, key) })];
        _counters = [new(Place.Default, "b#"), new(Place.Default, "k#"), new(Place.Default, "n#")];
        _sums = [new(Place.Sums, "a"), new(Place.Sums, "z")];
        // The second shard holds the end of one keyspace and the beginning of the next.
        var first = new Place(Place.Default, ((char)Random.Next('c', 'k')).ToString()).Full;
        byte[][] second = [new Place(Place.Brief, ((char)Random.Next('c', 'k')).ToString()).Full];
        _boundaries = Random.OneIn(2) ? [first] : [first, .. second];
        var options = Configuration.Options;
        var trouble = Configuration.Trouble;
        // What a power cut may take was never done, for whoever judges the history.
        if (isForHistory && options.Sync.Kind != Aevum.Storage.Log.SyncKind.Always) trouble &= ~Trouble.PowerCut;
        Configuration = Configuration with
        {
            Clients = Random.Next(2, 6),
            Rounds = Random.Next(8, 25),
            Trouble = trouble,
            Options = options with
            {
                ShardBoundaries = _boundaries,
                AnswersKeptFor = TimeSpan.FromDays(3000),
                BlockCacheBytes = Configuration.CacheBytes,
                DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.Forever },
            },
        };
        _briefHistory = Random.OneIn(2) ? HistoryPolicy.None : HistoryPolicy.For(TimeSpan.FromMilliseconds(Random.Next(1, 2000)));
        _model = NewModel();
        _feeds = [.. Enumerable.Range(0, Random.Next(1, 4)).Select(NewFeed)];
    }

    static IEnumerable<string> Letters(int count) => Enumerable.Range(0, count).Select(i => ((char)('a' + i)).ToString());

    IEnumerable<Place> AllPlaces => [.. _letters, .. _counters, .. _sums];

    int ShardIndexOf(byte[] full) => _boundaries.Count(b => ByteOrder.Instance.Compare(b, full) <= 0);

    public static SimulationResult Run(ulong seed, bool trace, string? historyPath = null)
    {
        using var run = new SessionRun(seed, trace, historyPath is not null);
        if (trace) Console.WriteLine($"seed {seed}, sessions\n{run.Configuration}");
        var result = run.Execute();
        if (historyPath is not null) HistoryFile.Write(historyPath, run._history, run._neverDone);
        return result;
    }

    protected override HybridClock Clock => Database.Shards.Clock;

    protected override string Situation => $"sessions, in round {RoundNumber} of\n{Configuration}";

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
        KillAndCompare();
        Reopen();
        Maintain("compact all", () =>
        {
            foreach (var shard in Database.Shards.Shards) shard.Tree.CompactAll();
        });
        CheckEverything();
        CheckHistory();
    }

    void Round()
    {
        var clients = new List<BackgroundTask>();
        for (var c = 0; c < Configuration.Clients; c++)
        {
            var random = new SeededRandom(Random.NextUInt64());
            clients.Add(Scheduler.Start($"client {c}", WorkClass.Urgent, _ => RunClient(random)));
        }
        clients.Add(Scheduler.Start("feeds", WorkClass.Urgent, _ => FollowFeeds(new SeededRandom(Random.NextUInt64()))));
        foreach (var client in clients) client.Wait();
        foreach (var client in clients)
            if (client.Failure is { } failure)
                throw new SimulationFailure($"{client.Name}: {(failure is SimulationFailure ? failure.Message : failure.ToString())}", failure);
    }

    void BetweenRounds()
    {
        Settle();
        if (Stops) return;
        CheckFeeds();
        switch (Random.Next(16))
        {
            case < 3: CheckEverything(); break;
            case < 6: Scheduler.RunFor(TimeSpan.FromMilliseconds(Random.Next(1, 3000))); break;
            case 6: Maintain("flush", Database.Flush); break;
            case 7: Reopen(); break;
            case < 10 when Configuration.ClockMoves: MoveClock(); break;
            case < 12 when (Configuration.Trouble & Trouble.Kill) != 0: KillAndCompare(); break;
            case 12: Scheduler.RunUntilIdle(); break;
            case 13 or 14 when (Configuration.Trouble & Trouble.PowerCut) != 0: CommitAndCut(); break;
            default: break;
        }
    }

    // Of what was just written, and of nothing else, any part may be on the disk.
    void CommitAndCut()
    {
        if (Failing != Fault.None || _isForHistory) return;
        for (var i = Random.Next(1, 4); i > 0 && !Stops; i--) CommitJointly(Random);
        if (!IsDead) Files.PowerCut(PowerCutMode.Random);
        Recover("power cut behind joint commits");
    }

    void Maintain(string what, Action action)
    {
        if (Stops) return;
        Note(what);
        Count(what);
        try
        {
            action();
        }
        catch (AevumException e) when (IsOfTrouble(e))
        {
            Note($"{what} refused: {e.Code}");
            LogFailed |= e.Code == ErrorCode.Closed && !IsDead;
        }
    }

    // What failed has a pause to try again; then everything must work, or say that the log has stopped.
    void EndTrouble()
    {
        if (Failing == Fault.None || IsDead) return;
        var was = Failing;
        Heal();
        Scheduler.RunFor(TimeSpan.FromSeconds(1));
        if (was == Fault.Errors)
        {
            Failing = Fault.Errors;
            Round();
            Failing = Fault.None;
            if (LogFailed)
            {
                Count("logs stopped");
                Reopen();
            }
        }
        Settle();
        Round();
        Settle();
        CheckEverything();
    }
}
