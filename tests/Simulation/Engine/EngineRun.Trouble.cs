// EngineRun, trouble: what goes wrong, for how long, and which exceptions it explains.
//
//   a full disk    a few pages are left: commits are refused with DiskFull, reads go on; afterwards everything works again by itself
//   errors         one kind of file operation fails, once or now and then; afterwards the shards work again, or their log has stopped, and
//                  an open finds everything acknowledged
//   death          at once, or in the middle of the n-th change of the disk from now
//   the clock      the wall clock goes forward, within the bound (followed) or beyond (ClockJump until somebody acknowledges), back, or stands

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Engine;

sealed partial class EngineRun
{
    static readonly FileOperation[] Operations = [.. Enum.GetValues<FileOperation>()
        .Where(o => o is not (FileOperation.Link or FileOperation.DeleteDirectory))];

    Fault _fault;
    int _faultUntil;
    bool _clockJumped;         // the clock may refuse
    TimeSpan _movedForward;    // since it was last followed

    bool Has(Trouble trouble) => (_configuration.Trouble & trouble) != 0;

    bool IsOfTrouble(AevumException e) => IsDead || e.Code switch
    {
        ErrorCode.DiskFull => _fault == Fault.DiskFull,
        ErrorCode.InputOutput => _fault == Fault.Errors,
        ErrorCode.Closed or ErrorCode.OutcomeUnknown => _fault == Fault.Errors,
        _ => false,
    };

    void MaybeTrouble()
    {
        if (_fault != Fault.None)
        {
            if (_round >= _faultUntil) EndTrouble();
            return;
        }
        if (_configuration.Trouble == Trouble.None || !_random.OneIn(4)) return;
        var trouble = (Trouble)(1 << _random.Next(4));
        if (!Has(trouble) || IsDead || _logFailed) return;
        switch (trouble)
        {
            case Trouble.Kill when _random.OneIn(3):
                _files.KillProcess();
                Recover("killed");
                break;
            case Trouble.Kill:
                _plan.KillAt = _files.ChangeCount + _random.Next(1, 40);
                break;
            case Trouble.PowerCut when _random.OneIn(3):
                NoteAlive();
                _files.PowerCut((PowerCutMode)_random.Next(3));
                Recover("power cut");
                break;
            case Trouble.PowerCut:
                _plan.PowerCutAt = _files.ChangeCount + _random.Next(1, 40);
                _plan.PowerCutMode = (PowerCutMode)_random.Next(3);
                break;
            case Trouble.DiskFull:
                _plan.CapacityBytes = _files.UsedBytes + (_random.Next(20) * 4096L);
                Begin(Fault.DiskFull, "the disk is full");
                break;
            case Trouble.Errors:
                BeginErrors();
                break;
        }
    }

    void Begin(Fault fault, string what)
    {
        _fault = fault;
        _faultUntil = _round + _random.Next(1, 5);
        _wasFaultless = false;
        Note(what);
        Count(what);
    }

    void BeginErrors()
    {
        // Half of the time one of those that writing depends on.
        var operation = _random.Next(8) switch
        {
            0 or 1 => FileOperation.Sync,
            2 => FileOperation.Append,
            3 => FileOperation.Publish,
            _ => Operations[_random.Next(Operations.Length)],
        };
        if (_random.OneIn(2)) _plan.FailNth(operation, _random.Next(1, 5));
        else _plan.FailWithProbability(operation, _random.OneIn(2) ? 1 : 0.2);
        Begin(Fault.Errors, $"{operation} fails");
    }

    void Heal()
    {
        Note("healed");
        _plan.CapacityBytes = null;
        _plan.Heal();
        _fault = Fault.None;
    }

    // What failed has a pause to try again; then everything must work, or say that the log has stopped.
    void EndTrouble()
    {
        if (_fault == Fault.None || IsDead) return;
        var was = _fault;
        Heal();
        _scheduler.RunFor(TimeSpan.FromSeconds(1));
        if (was == Fault.Errors)
        {
            _fault = Fault.Errors;
            Round();
            _fault = Fault.None;
            if (_logFailed)
            {
                Count("logs stopped");
                Reopen();
            }
        }
        Settle();
        Round();
        FlushAll();
        CheckEverything();
    }

    void MoveClock()
    {
        var bound = _configuration.Options.Clock.JumpBound;
        if (_clockJumped && _random.OneIn(2))
        {
            Note($"acknowledge a jump of {Shards.Clock.Jump}");
            Shards.Clock.Acknowledge();
            (_clockJumped, _movedForward) = (false, TimeSpan.Zero);
            return;
        }
        switch (_random.Next(6))
        {
            case < 2:
                Forward(bound * _random.NextDouble());
                break;
            case 2:
                Forward(bound + TimeSpan.FromSeconds(_random.Next(1, 5000)));
                break;
            case 3 when !_world.Clock.IsFrozen:
                Note("the wall clock stands");
                _world.Clock.Freeze();
                break;
            case 3:
                Note("the wall clock goes on");
                _world.Clock.Thaw();
                _clockJumped = true;
                break;
            default:
                var back = TimeSpan.FromMilliseconds(_random.OneIn(2) ? _random.Next(1, 50) : _random.Next(1, 5_000_000));
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
        if (_movedForward > _configuration.Options.Clock.JumpBound) _clockJumped = true;
    }
}
