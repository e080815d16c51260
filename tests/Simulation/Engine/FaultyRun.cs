// FaultyRun: what runs over shards share: a world whose disk, power and wall clock fail, and which exceptions that explains.
//
//   a full disk    a few pages are left: commits are refused with DiskFull, reads go on; afterwards everything works again by itself
//   errors         one kind of file operation fails, once or now and then; afterwards the shards work again, or their log has stopped, and
//                  an open finds everything acknowledged
//   death          at once, or in the middle of the n-th change of the disk from now
//   the clock      the wall clock goes forward, within the bound (followed) or beyond (ClockJump until somebody acknowledges), back, or stands

using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

abstract class FaultyRun : SimulatedRun, IDisposable
{
    static readonly FileOperation[] Operations = [.. Enum.GetValues<FileOperation>()
        .Where(o => o is not (FileOperation.Link or FileOperation.DeleteDirectory))];

    readonly FaultPlan _plan = new();
    readonly SimulatedScheduler _scheduler;
    readonly MovableClockScheduler _world;
    int _faultUntil;
    TimeSpan _movedForward;    // since it was last followed
    Signal? _syncing;
    SeededRandom? _syncTimes;

    protected FaultyRun(ulong randomSeed, bool trace) : base(trace, kept: 50)
    {
        Random = new SeededRandom(randomSeed);
        _scheduler = new SimulatedScheduler(Random.NextUInt64(), new SimulationOptions { StepsMax = 2_000_000 });
        _world = new MovableClockScheduler(_scheduler);
        Files = new FaultyFileSystem(Random.NextUInt64(), _plan);
        Configuration = EngineConfiguration.Draw(Random, _plan);
    }

    protected SeededRandom Random { get; }

    protected EngineConfiguration Configuration { get; set; }

    protected FaultyFileSystem Files { get; private set; }

    protected MovableClockScheduler World => _world;

    protected override SimulatedScheduler Scheduler => _scheduler;

    protected int RoundNumber { get; set; }

    protected override string Where =>
        string.Create(CultureInfo.InvariantCulture, $"{RoundNumber,3} {_scheduler.Time.GetElapsedTime(0).TotalSeconds:0.000}");

    protected override string Situation => $"in round {RoundNumber} of\n{Configuration}";

    /// <summary>What fails at present.</summary>
    protected Fault Failing { get; set; }

    /// <summary>Commits may be refused because of the clock.</summary>
    protected bool ClockJumped { get; set; }

    /// <summary>Only an open helps.</summary>
    protected bool LogFailed { get; set; }

    /// <summary>Something failed since the shards were opened that may have stopped the log, perhaps unheard by any client.</summary>
    protected bool LogMayHaveStopped { get; private set; }

    /// <summary>No error since the shards were opened.</summary>
    protected bool WasFaultless { get; set; }

    /// <summary>Since the shards were last open.</summary>
    protected bool PowerWasCut { get; set; }

    protected bool IsDead => Files.Successor is not null;

    protected bool Stops => IsDead || LogFailed;

    protected abstract HybridClock Clock { get; }

    /// <summary>The process dies now, or has died by the plan; the next one opens what is left.</summary>
    protected abstract void Recover(string how);

    /// <summary>Called while the machine still works.</summary>
    protected virtual void NoteAlive() { }

    protected bool IsOfTrouble(AevumException e) => IsDead || e.Code switch
    {
        ErrorCode.DiskFull => Failing == Fault.DiskFull,
        ErrorCode.InputOutput => Failing == Fault.Errors,
        ErrorCode.Closed or ErrorCode.OutcomeUnknown => LogMayHaveStopped,
        _ => false,
    };

    // ---------------------------------------------------------------------------------------- the disk

    /// <summary>The files, whose log takes its time to sync.</summary>
    protected SlowLogFiles SlowFiles()
    {
        _syncing ??= _scheduler.CreateSignal("a slow sync");
        _syncTimes ??= _scheduler.CreateRandom("sync times");
        return new SlowLogFiles(Files, WaitForSync);
    }

    void WaitForSync()
    {
        var time = TimeSpan.FromMicroseconds(_syncTimes!.Next((long)Configuration.SyncTimeMax.TotalMicroseconds + 1));
        if (time > TimeSpan.Zero) _syncing!.WaitUntil(static () => false, time);
    }

    /// <returns>True if the trouble of the moment is over now, and its end is to be celebrated (<see cref="Heal"/>).</returns>
    protected bool MaybeTrouble()
    {
        if (Failing != Fault.None) return RoundNumber >= _faultUntil;
        if (Configuration.Trouble == Trouble.None || !Random.OneIn(4)) return false;
        var trouble = (Trouble)(1 << Random.Next(4));
        if ((Configuration.Trouble & trouble) == 0 || IsDead || LogFailed) return false;
        switch (trouble)
        {
            case Trouble.Kill when Random.OneIn(3):
                Files.KillProcess();
                Recover("killed");
                break;
            case Trouble.Kill:
                _plan.KillAt = Files.ChangeCount + Random.Next(1, 40);
                break;
            case Trouble.PowerCut when Random.OneIn(3):
                NoteAlive();
                Files.PowerCut((PowerCutMode)Random.Next(3));
                Recover("power cut");
                break;
            case Trouble.PowerCut:
                _plan.PowerCutAt = Files.ChangeCount + Random.Next(1, 40);
                _plan.PowerCutMode = (PowerCutMode)Random.Next(3);
                break;
            case Trouble.DiskFull:
                _plan.CapacityBytes = Files.UsedBytes + (Random.Next(20) * 4096L);
                Begin(Fault.DiskFull, "the disk is full");
                break;
            case Trouble.Errors:
                BeginErrors();
                break;
        }
        return false;
    }

    void Begin(Fault fault, string what)
    {
        Failing = fault;
        _faultUntil = RoundNumber + Random.Next(1, 5);
        WasFaultless = false;
        Note(what);
        Count(what);
    }

    void BeginErrors()
    {
        // Half of the time one of those that writing depends on.
        var operation = Random.Next(8) switch
        {
            0 or 1 => FileOperation.Sync,
            2 => FileOperation.Append,
            3 => FileOperation.Publish,
            _ => Operations[Random.Next(Operations.Length)],
        };
        if (Random.OneIn(2)) _plan.FailNth(operation, Random.Next(1, 5));
        else _plan.FailWithProbability(operation, Random.OneIn(2) ? 1 : 0.2);
        LogMayHaveStopped = true;
        Begin(Fault.Errors, $"{operation} fails");
    }

    protected void Heal()
    {
        Note("healed");
        _plan.CapacityBytes = null;
        _plan.Heal();
        Failing = Fault.None;
    }

    /// <summary>What a death left is there for the next process.</summary>
    protected void TakeOver(FaultyFileSystem successor)
    {
        var cut = successor.BootId != Files.BootId;
        Count(cut ? "power cuts" : "kills");
        Files = successor;
        _plan.KillAt = _plan.PowerCutAt = null;
        PowerWasCut |= cut;
    }

    // ---------------------------------------------------------------------------------------- the clock

    protected void ForgetJumps() => (ClockJumped, _movedForward) = (false, TimeSpan.Zero);

    /// <summary>After an open: what was, was.</summary>
    protected void BeginAnew()
    {
        PowerWasCut = false;
        WasFaultless = true;
        LogMayHaveStopped = Failing == Fault.Errors;
        ForgetJumps();
    }

    protected void MoveClock()
    {
        var bound = Configuration.Options.Clock.JumpBound;
        if (ClockJumped && Random.OneIn(2))
        {
            Note($"acknowledge a jump of {Clock.Jump}");
            Clock.Acknowledge();
            ForgetJumps();
            return;
        }
        switch (Random.Next(6))
        {
            case < 2:
                Forward(bound * Random.NextDouble());
                break;
            case 2:
                Forward(bound + TimeSpan.FromSeconds(Random.Next(1, 5000)));
                break;
            case 3 when !_world.Clock.IsFrozen:
                Note("the wall clock stands");
                _world.Clock.Freeze();
                break;
            case 3:
                Note("the wall clock goes on");
                _world.Clock.Thaw();
                ClockJumped = true;
                break;
            default:
                var back = TimeSpan.FromMilliseconds(Random.OneIn(2) ? Random.Next(1, 50) : Random.Next(1, 5_000_000));
                Note($"the wall clock goes back by {back}");
                _world.Clock.Move(-back);
                break;
        }
    }

    void Forward(TimeSpan by)
    {
        Note($"the wall clock jumps by {by}");
        Count("clock jumps");
        _world.Clock.Move(by);
        _movedForward += by;
        if (_movedForward > Configuration.Options.Clock.JumpBound) ClockJumped = true;
    }

    // ---------------------------------------------------------------------------------------- ending

    /// <summary>Closes whatever is open.</summary>
    protected abstract void CloseAll();

    public void Dispose()
    {
        try
        {
            CloseAll();
            _scheduler.Dispose();
            _world.Dispose();
        }
        catch (Exception e) when (e is AevumException or InvalidOperationException)
        {
            // A run that failed may leave anything behind; what it failed of is known already.
        }
    }
}
