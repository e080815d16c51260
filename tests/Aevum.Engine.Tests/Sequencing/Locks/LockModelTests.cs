// Random transactions on simulated time against LockModel: after every step the table and the model must show the same holders and the same
// queues, every victim must have been the youngest of a circle, and nobody may be stuck.
//
// Waits that end by time, token or wound leave the table before the model hears of it; so the model catches up before each step. A blocking
// Acquire does not return between asking and waiting; whoever acts next brings its request into the model first (_pending).

using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Engine.Sequencing.Locks;
using Aevum.Testing;

#pragma warning disable CA2016 // the bodies end by themselves
#pragma warning disable CA1001 // a run disposes of its world before it returns

namespace Aevum.Engine.Tests.Sequencing.Locks;

public sealed class LockModelTests
{
    [Theory, Seeds(60)]
    public void Table_and_model_agree_after_every_step(ulong seed) => new Run(seed).All();

    [Fact]
    public void The_seeds_meet_what_they_are_meant_to_meet()
    {
        var sum = default(LockStatistics);
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var run = new Run(seed);
            run.All();
            var s = run.Statistics;
            sum = new(0, 0, 0, sum.Waits + s.Waits, sum.Deadlocks + s.Deadlocks, sum.Timeouts + s.Timeouts, sum.Cancellations + s.Cancellations,
                sum.Waited + s.Waited);
        }
        Assert.True(sum.Waits > 500, $"{sum}");
        Assert.True(sum.Deadlocks > 50, $"{sum}");
        Assert.True(sum.Timeouts > 50, $"{sum}");
        Assert.True(sum.Cancellations > 20, $"{sum}");
    }

    [Fact]
    public void The_same_seed_runs_the_same_way()
    {
        for (var seed = 1UL; seed <= 10; seed++)
        {
            var first = new Run(seed);
            first.All();
            var second = new Run(seed);
            second.All();
            Assert.Equal(first.TraceHash, second.TraceHash);
            Assert.Equal(first.Statistics, second.Statistics);
        }
    }

    sealed class Run(ulong seed)
    {
        const int Bodies = 7, Transactions = 8;

        readonly string[] _keys = ["a", "b", "c", "d"];
        readonly Dictionary<ulong, LockOwner> _owners = [];
        readonly Dictionary<ulong, CancellationTokenSource> _tokens = [];
        LockModel _model = new();
        SimulatedScheduler _world = null!;
        LockTable _table = null!;
        SeededRandom _random = null!;
        Action? _pending;
        ulong _ids;
        int _running = Bodies;
        long _victims;

        public ulong TraceHash { get; private set; }

        public LockStatistics Statistics { get; private set; }

        public void All()
        {
            using var world = _world = new SimulatedScheduler(seed);
            using var table = _table = new LockTable(world);
            _random = world.CreateRandom("transactions");
            var bodies = Enumerable.Range(0, Bodies).Select(i => world.Start($"body {i}", WorkClass.Background, Transact)).ToList();
            bodies.Add(world.Start("trouble", WorkClass.Background, MakeTrouble));
            foreach (var body in bodies)
            {
                body.Wait();
                if (body.Failure is { } failure) throw new InvalidOperationException($"{body.Name}: {failure.Message}", failure);
            }
            CatchUp();
            Compare("the end");
            Assert.Empty(_table.Describe());
            Statistics = _table.Statistics;
            Assert.Equal((0, 0, 0), (Statistics.Held, Statistics.Keys, Statistics.Waiting));
            Assert.Equal(_victims, Statistics.Deadlocks);
            TraceHash = world.TraceHash;
        }

        async Task Transact(CancellationToken _)
        {
            for (var i = 0; i < Transactions; i++)
            {
                var owner = Begin(null);
                while (!await Attempt(owner))
                {
                    _owners.Remove(owner.Id);
                    owner = Begin(owner.StartOrder);
                }
                _owners.Remove(owner.Id);
            }
            _running--;
        }

        LockOwner Begin(ulong? startOrder)
        {
            var id = ++_ids;
            return _owners[id] = _table.CreateOwner(id, startOrder ?? id);
        }

        // False: it gave way and shall be tried again, as old as it was.
        async Task<bool> Attempt(LockOwner owner)
        {
            var savepoint = default(LockMark);
            var retry = false;
            for (var steps = _random.Next(1, 9); steps > 0; steps--)
            {
                switch (_random.Next(10))
                {
                    case 0:
                        await _world.Delay(TimeSpan.FromMilliseconds(_random.Next(1, 4)));
                        break;
                    case 1:
                        savepoint = owner.Mark;
                        Assert.Equal(_model.Mark(owner.Id), savepoint.Value);
                        break;
                    case 2:
                        Release(owner, savepoint);
                        break;
                    case 3:
                        Try(owner);
                        break;
                    default:
                        var failure = await Acquire(owner);
                        await _world.Yield();
                        if (failure is null or ErrorCode.LockTimeout) break;
                        if (failure == ErrorCode.Cancelled || IsWounded(owner))
                        {
                            steps = 1;
                            break;
                        }
                        Assert.Equal(ErrorCode.Deadlock, failure);
                        Assert.True(owner.IsVictim);
                        // It gets nothing more, at once and without a wait, until it has rolled back.
                        Assert.Equal(ErrorCode.Deadlock, Assert.Throws<AevumException>(() => _table.TryAcquire(owner, "a"u8, LockMode.Shared)).Code);
                        if (_random.OneIn(2))
                        {
                            Release(owner, savepoint);
                            Assert.False(owner.IsVictim);
                            break;
                        }
                        retry = true;
                        steps = 1;
                        break;
                }
                await _world.Yield();
            }
            Release(owner, default);
            Assert.Equal(0, owner.LockCount);
            return !retry;
        }

        async Task<ErrorCode?> Acquire(LockOwner owner)
        {
            CatchUp();
            var key = _keys[_random.Next(_keys.Length)];
            var mode = _random.OneIn(2) ? LockMode.Shared : LockMode.Exclusive;
            var timeout = _random.Next(8) switch
            {
                0 => TimeSpan.Zero,
                1 or 2 => TimeSpan.FromMilliseconds(_random.Next(1, 6)),
                _ => Timeout.InfiniteTimeSpan,
            };
            using var cancellation = new CancellationTokenSource();
            _tokens[owner.Id] = cancellation;
            var start = _world.Time.GetTimestamp();
            var mayAsk = !owner.IsVictim && !IsWounded(owner);
            var step = $"{owner} asks {mode} {key} for {timeout}";
            _world.Note(step);
            try
            {
                if (_random.OneIn(3))
                {
                    if (mayAsk) _pending = () => Follow(owner, key, mode, timeout != TimeSpan.Zero, step);
                    try
                    {
                        _table.Acquire(owner, Encoding.ASCII.GetBytes(key), mode, timeout, cancellation.Token);
                    }
                    finally
                    {
                        CatchUp();
                    }
                }
                else
                {
                    var wait = _table.AcquireAsync(owner, Encoding.ASCII.GetBytes(key), mode, timeout, cancellation.Token);
                    if (mayAsk) Follow(owner, key, mode, timeout != TimeSpan.Zero, step);
                    await wait;
                }
                CatchUp();
                Assert.True(_model.ModeOf(owner.Id, key) >= mode, $"{step}: granted but not held");
                Assert.True(_table.ModeOf(owner, Encoding.ASCII.GetBytes(key)) >= mode);
                return null;
            }
            catch (AevumException failure)
            {
                _world.Note($"{owner}: {failure.Message}");
                Assert.False(owner.IsWaiting);
                if (failure.Code == ErrorCode.LockTimeout)
                    Assert.True(timeout >= TimeSpan.Zero && _world.Time.GetElapsedTime(start) >= timeout, failure.Message);
                if (failure.Code == ErrorCode.Cancelled) Assert.True(cancellation.IsCancellationRequested || IsWounded(owner), failure.Message);
                return failure.Code;
            }
            finally
            {
                _tokens.Remove(owner.Id);
            }
        }

        void Try(LockOwner owner)
        {
            if (owner.IsVictim || IsWounded(owner)) return;
            CatchUp();
            var key = _keys[_random.Next(_keys.Length)];
            var mode = _random.OneIn(2) ? LockMode.Shared : LockMode.Exclusive;
            var got = _table.TryAcquire(owner, Encoding.ASCII.GetBytes(key), mode);
            Assert.Equal(got, _model.Request(owner.Id, key, mode, mayWait: false) == ModelVerdict.Granted);
            Compare($"{owner} tries {mode} {key}");
        }

        void Release(LockOwner owner, LockMark mark)
        {
            if (mark.Value > owner.Mark.Value) return;
            CatchUp();
            _table.ReleaseSince(owner, mark);
            _model.ReleaseSince(owner.Id, mark.Value);
            Compare($"{owner} goes back to {mark.Value}");
        }

        // Cancels tokens and wounds transactions.
        async Task MakeTrouble(CancellationToken _)
        {
            while (_running > 0)
            {
                await _world.Delay(TimeSpan.FromMilliseconds(_random.Next(1, 8)));
                CatchUp();
                if (_tokens.Count > 0 && _random.OneIn(2))
                {
                    _tokens.OrderBy(t => t.Key).ElementAt(_random.Next(_tokens.Count)).Value.Cancel();
                }
                else if (_owners.Count > 0 && _random.OneIn(3))
                {
                    var owner = _owners.OrderBy(o => o.Key).ElementAt(_random.Next(_owners.Count)).Value;
                    _table.Wound(owner, ErrorCode.Cancelled, $"{owner} was ended from outside");
                    CatchUp();
                    Compare($"{owner} was wounded");
                }
            }
        }

        static bool IsWounded(LockOwner owner) => owner.WoundCode == ErrorCode.Cancelled;

        // The model asks what the table was asked just before.
        void Follow(LockOwner owner, string key, LockMode mode, bool mayWait, string step)
        {
            if (_model.Request(owner.Id, key, mode, mayWait) == ModelVerdict.Waiting)
            {
                ulong[] victims = [.. _model.Waiting.Where(w => _owners[w].IsVictim)];
                var before = _model.ToString();
                _model = _model.Explain(owner.Id, victims, id => _owners[id].StartOrder)
                    ?? throw new InvalidOperationException($"{step}: victims {string.Join(", ", victims)} cannot be explained in\n{before}");
                _victims += victims.Length;
            }
            LeaveWhoLeft();
            Compare(step);
        }

        void CatchUp()
        {
            var pending = _pending;
            _pending = null;
            pending?.Invoke();
            LeaveWhoLeft();
        }

        // Who stands in no queue any more and holds nothing of it has left. All at once, for the model does not know who left first: the table
        // may have let in one that the model still sees behind another.
        void LeaveWhoLeft() => _model.Withdraw([.. _model.Waiting.Where(id => !_owners[id].IsWaiting && !HasGot(id))]);

        bool HasGot(ulong id)
        {
            var (key, mode) = _model.WaitsAt(id);
            return _table.ModeOf(_owners[id], Encoding.ASCII.GetBytes(key)) >= mode;
        }

        void Compare(string step)
        {
            var shown = LockModel.Show(_table.Describe());
            if (shown != _model.ToString()) Assert.Fail($"after {step}\ntable:\n{shown}\nmodel:\n{_model}");
            Assert.True(_model.EverybodyGetsThrough(), $"after {step} somebody is stuck:\n{_model}");
            foreach (var owner in _owners.Values) Assert.Equal(_model.IsWaiting(owner.Id), owner.IsWaiting);
        }
    }
}
