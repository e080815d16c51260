// StorageRun: one seed: a tree on a disk that fails, beside its model, driven step by step on one thread of virtual time.
//
//   this file             the steps, what is told about them
//   StorageRun.Opening    opening, closing, dying; what must be there afterwards
//   StorageRun.Writing    batches, and what is durable under each policy
//   StorageRun.Reading    every way to read, against the model
//   StorageRun.Trouble    kills, power cuts, full disks, errors, flipped bits
//   HeldIterator          an iterator that is kept while the tree goes on
//
// Always true between two steps: the tree holds exactly the model's batches (unless its log has failed: then it is opened anew before
// anything else is asked), and every exception so far was one that the present trouble explains.

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

sealed partial class StorageRun : SimulatedRun, IDisposable
{
    readonly SeededRandom _random;
    readonly FaultPlan _plan = new();
    readonly SimulatedScheduler _scheduler;
    readonly SimulatedConfiguration _configuration;
    readonly TreeModel _model;
    readonly byte[][] _keys;
    FaultyFileSystem _files;
    ulong _time = 1000;
    int _step;

    StorageRun(ulong seed, bool trace) : base(trace, kept: 25)
    {
        _random = new SeededRandom(seed);
        _scheduler = new SimulatedScheduler(_random.NextUInt64(), new SimulationOptions { StepsMax = 2_000_000 });
        _files = new FaultyFileSystem(_random.NextUInt64(), _plan);
        _configuration = SimulatedConfiguration.Draw(_random, _plan);
        _model = new TreeModel(key => Policy.Of(key).Merge);
        _keys = MakeKeys();
    }

    SimulatedPolicy Policy => _configuration.Policy;

    bool OwnLog => _configuration.Tree.OwnLog;

    public static SimulationResult Run(ulong seed, bool trace)
    {
        using var run = new StorageRun(seed, trace);
        if (trace) Console.WriteLine($"seed {seed}\n{run._configuration}");
        return run.Execute();
    }

    protected override SimulatedScheduler Scheduler => _scheduler;

    protected override string Where => string.Create(CultureInfo.InvariantCulture, $"{_step,4} t={_time}");

    protected override string Situation => $"at step {_step} of\n{_configuration}";

    protected override void Run()
    {
        Open();
        for (_step = 1; _step <= _configuration.Steps; _step++)
        {
            Step();
            if (_files.Successor is not null) Recover("the plan's end");
            if (_logFailed) Reopen();
            MaybeTrouble();
        }
        EndTrouble();
        CheckEverything();
        Reopen();
        Flush();
        CompactAll();
        CheckEverything();
    }

    void Step()
    {
        switch (_random.Next(100))
        {
            case < 45: WriteBatch(); break;
            case < 52: WriteSingle(); break;
            case < 60: ReadLatest(); break;
            case < 66: ReadPast(); break;
            case < 68: ReadMany(); break;
            case < 71: ListVersions(); break;
            case < 74: Walk(); break;
            case < 76: HoldIterator(); break;
            case < 82: StepHeldIterators(); break;
            case 82: HoldValue(); break;
            case 83: HoldSnapshot(); break;
            case 84: LetGoOfOne(); break;
            case < 88: Pause(); break;
            case 88: Note("idle"); _scheduler.RunUntilIdle(); break;
            case 89: LetTimePass(); break;
            case < 93: Flush(); break;
            case 93: CompactAll(); break;
            case 94: RaiseFloor(); break;
            case 95 when _random.OneIn(3): Reopen(); break;
            case 96: WriteWhatIsRefused(); break;
            case 97: CheckEverything(); break;
            default: ReadLatest(); break;
        }
    }

    void LetTimePass()
    {
        Note("time passes");
        // Bit by bit, so that what was durable when the disk died is known to the millisecond.
        for (var left = _random.Next(1, 100); left > 0 && !IsDead; left--)
        {
            NoteDurable();
            _scheduler.RunFor(TimeSpan.FromMilliseconds(1));
        }
    }

    // Lets the background go on by some steps, while a body of its own takes as many.
    void Pause()
    {
        Note("pause");
        var turns = _random.Next(1, 12);
        _scheduler.Start("pause", WorkClass.Background, async _ =>
        {
            for (var i = 0; i < turns; i++) await _scheduler.Yield();
        }).Wait();
    }

    void RaiseFloor()
    {
        var keyspace = Policy.Keyspaces[_random.Next(Policy.Keyspaces.Length)];
        if (keyspace.History != HistoryKind.Rising) return;
        keyspace.FloorWanted = Math.Max(keyspace.FloorWanted, _time - (ulong)_random.Next(0, 300));
        Note($"floor of {keyspace.Id} wanted at {keyspace.FloorWanted}");
    }
}
