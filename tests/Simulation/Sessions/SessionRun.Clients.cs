// SessionRun, clients: each does one thing after the other, and lets others in between the steps of what it does.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Model.KeyValue;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Storage;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

sealed partial class SessionRun
{
    readonly List<Attempt> _attempts = [];      // since the last settling
    readonly List<(Attempt First, IReadOnlyList<Place> Counters)> _requests = [];
    int _names;
    long _events;

    async Task RunClient(SeededRandom random)
    {
        for (var i = random.Next(1, 6); i > 0 && !Stops; i--)
        {
            switch (random.Next(24))
            {
                case < 12: await RunTransaction(random); break;
                case < 14: RunTriedAgain(random); break;
                case < 16: PutAlone(random); break;
                case < 18: Request(random, null); break;
                case 18 when _requests.Count > 0: Request(random, _requests[random.Next(_requests.Count)].First.Request); break;
                case < 21 when !_isForHistory: CommitJointly(random); break;
                case 21 when !_isForHistory: ReadPast(random); break;
                case 22: await Scheduler.Delay(TimeSpan.FromMilliseconds(random.Next(1, 20))); break;
                default: await Scheduler.Yield(); break;
            }
        }
    }

    // ---------------------------------------------------------------------------------------- transactions

    async Task RunTransaction(SeededRandom random)
    {
        var isolation = _isForHistory ? Isolation.Serializable : (Isolation)random.Next(3);
        var attempt = Begin((HistoryLevel)isolation);
        var commits = false;
        try
        {
            using var transaction = Session.Begin(isolation, TimeSpan.FromMilliseconds(random.Next(1, 40)));
            attempt.Moment = transaction.Moment.Value;
            var script = new TransactionScript(transaction, attempt, KeyspaceOf);
            foreach (var step in DrawSteps(random, script))
            {
                if (random.OneIn(2)) await Scheduler.Yield();
                if (Stops) break;
                step();
            }
            if (random.OneIn(3)) await Scheduler.Yield();
            if (Stops || random.OneIn(12))
            {
                if (random.OneIn(2)) transaction.Rollback();
                attempt.Fate = Fate.GivenUp;
                Count("transactions rolled back");
            }
            else
            {
                NeedsWitness(random, script);
                commits = true;
                Committed(attempt, script.Commit());
            }
        }
        catch (AevumException failure)
        {
            Failed(attempt, failure, commits);
        }
        End(attempt);
    }

    // Its body runs without a pause but for those it makes itself, in which others come between.
    void RunTriedAgain(SeededRandom random)
    {
        var isolation = _isForHistory ? Isolation.Serializable : (Isolation)random.Next(3);
        Attempt? attempt = null;
        var commits = false;
        Transaction? last = null;
        // The runner takes the moment before it calls the body, and may wait meanwhile.
        var began = ++_events;
        try
        {
            Session.Run(transaction =>
            {
                if (attempt is not null)
                {
                    attempt.Fate = Fate.GivenUp;
                    End(attempt);
                    Count("transactions tried again");
                }
                commits = false;
                last = transaction;
                attempt = Begin((HistoryLevel)isolation, began);
                attempt.Moment = transaction.Moment.Value;
                var script = new TransactionScript(transaction, attempt, KeyspaceOf);
                foreach (var step in DrawSteps(random, script))
                {
                    if (random.OneIn(3)) Database.Shards.Pause(TimeSpan.FromMicroseconds(random.Next(1, 300)));
                    if (Stops) break;
                    step();
                }
                NeedsWitness(random, script);
                script.Prepare();
                commits = true;
                began = ++_events;
            }, isolation, attemptsMax: random.Next(1, 6));
            Committed(attempt!, last!.Time.Value);
        }
        catch (AevumException failure)
        {
            if (attempt is null) attempt = Begin((HistoryLevel)isolation);
            Failed(attempt, failure, commits);
        }
        End(attempt!);
    }

    // Whoever writes leaves something by which it can be told that it was there.
    void NeedsWitness(SeededRandom random, TransactionScript script)
    {
        if (script.HasWrites && !script.HasWitness) script.Put(Letter(random, Place.Default), 0);
    }

    List<Action> DrawSteps(SeededRandom random, TransactionScript script)
    {
        var steps = new List<Action>();
        switch (random.Next(8))
        {
            case 0:     // write skew: two keys read, one of them written
                var (one, two) = (_letters[0], _letters[^2]);
                steps.AddRange([() => script.Get(one), () => script.Get(two), () => script.Put(random.OneIn(2) ? one : two, 0)]);
                break;
            case 1:     // phantoms: a range read, a key in it made or taken away
                var (start, end) = Range(random);
                steps.Add(() => script.Scan(start, end, int.MaxValue));
                steps.Add(() =>
                {
                    var inside = _letters.Where(l => l.Keyspace == start.Keyspace && string.CompareOrdinal(l.Key, start.Key) >= 0 &&
                        string.CompareOrdinal(l.Key, end) < 0).ToArray();
                    var place = inside.Length == 0 ? Letter(random, Place.Default) : inside[random.Next(inside.Length)];
                    if (random.OneIn(3)) script.Delete(place);
                    else script.Put(place, 0);
                });
                break;
            case 2:     // reads alone
                for (var i = random.Next(1, 5); i > 0; i--) steps.Add(() => Read(random, script));
                break;
            case 3:     // lost updates
                steps.Add(() => script.Increment(Counter(random), random.Next(1, 4)));
                if (random.OneIn(2)) steps.Add(() => script.Increment(Counter(random), random.Next(1, 4)));
                break;
            default:
                for (var i = random.Next(1, 8); i > 0; i--) steps.Add(() => Anything(random, script));
                break;
        }
        if (!random.OneIn(4)) return steps;
        // A stretch in the middle is taken back.
        Action? back = null;
        steps.Insert(random.Next(steps.Count + 1), () => back = script.Save());
        steps.Add(() => Anything(random, script));
        steps.Add(() =>
        {
            back?.Invoke();
            Count("savepoints rolled back to");
        });
        if (random.OneIn(2)) steps.Add(() => Anything(random, script));
        return steps;
    }

    void Anything(SeededRandom random, TransactionScript script)
    {
        switch (random.Next(10))
        {
            case < 4: Read(random, script); break;
            case < 8: script.Put(Letter(random), random.OneIn(3) ? random.Next(Configuration.ValueBytesMax) : 0); break;
            case 8: script.Delete(Letter(random)); break;
            default: script.Increment(Counter(random), random.Next(1, 4)); break;
        }
    }

    void Read(SeededRandom random, TransactionScript script)
    {
        switch (random.Next(8))
        {
            case < 4: script.Get(Letter(random)); break;
            case 4: script.Get(Counter(random)); break;
            case 5: script.GetForUpdate(Letter(random)); break;
            default:
                var (start, end) = Range(random);
                script.Scan(start, end, random.OneIn(3) ? random.Next(1, 4) : int.MaxValue);
                break;
        }
    }

    Place Letter(SeededRandom random, uint? keyspace = null)
    {
        while (true)
        {
            var place = _letters[random.Next(_letters.Length)];
            if (keyspace is null || place.Keyspace == keyspace) return place;
        }
    }

    Place Counter(SeededRandom random) => _counters[random.Next(_counters.Length)];

    (Place Start, string End) Range(SeededRandom random)
    {
        var (a, b) = (Letter(random), Letter(random));
        return string.CompareOrdinal(a.Key, b.Key) <= 0 ? (a, b.Key + "\x7f") : (new(a.Keyspace, b.Key), a.Key);
    }

    // ---------------------------------------------------------------------------------------- single writes, batches

    void PutAlone(SeededRandom random)
    {
        var attempt = Begin(_isForHistory ? HistoryLevel.Serializable : HistoryLevel.ReadCommitted);
        var place = Letter(random, Place.Default);
        Steps(attempt, place);
        try
        {
            Committed(attempt, KeyspaceOf(place).Put(place.User, Encoding.ASCII.GetBytes($"{attempt.Name}.1")).Value);
        }
        catch (AevumException failure)
        {
            Failed(attempt, failure, commits: true);
        }
        End(attempt);
    }

    static void Steps(Attempt attempt, Place witness)
    {
        var tag = $"{attempt.Name}.1";
        attempt.Put(witness, Encoding.ASCII.GetBytes(tag));
        attempt.Steps.Add(new KeyWrite(witness.Name, tag, 0));
    }

    /// <summary>Counts by a procedure, under an idempotency key; an old request is sent as it was.</summary>
    void Request(SeededRandom random, string? repeated)
    {
        var counters = repeated is null ? _counters.Where(_ => random.OneIn(2)).ToArray() : _requests.Find(r => r.First.Request == repeated).Counters;
        var first = repeated is null ? null : _requests.FindLast(r => r.First.Request == repeated).First;
        // One request touches one shard.
        var shard = counters.Count == 0 ? 0 : ShardIndexOf(counters[0].Full);
        var places = counters.Where(c => ShardIndexOf(c.Full) == shard).ToArray();
        var near = _letters.Where(l => l.Keyspace == Place.Default && ShardIndexOf(l.Full) == shard).ToArray();
        if (near.Length == 0) return;
        var witness = first?.Witness!.Value.Place ?? near[random.Next(near.Length)];
        var attempt = new Attempt(++_names, HistoryLevel.Serializable) { Began = ++_events, Request = repeated ?? $"request {_names}" };
        _attempts.Add(attempt);
        var batch = Session.NewBatch();
        batch.Note = new CommitNote(Actor: "a client", IdempotencyKey: attempt.Request);
        // The text is the first sender's: whoever did it, this is what will stand there.
        var tag = first?.Witness!.Value.Tag ?? $"{attempt.Name}.1";
        batch.Put(KeyspaceOf(witness), witness.User, Encoding.ASCII.GetBytes(tag));
        attempt.Put(witness, Encoding.ASCII.GetBytes(tag));
        attempt.Steps.Add(new KeyWrite(witness.Name, tag, 0));
        var steps = places.Select(place => batch.Increment(KeyspaceOf(place), place.User, 2)).ToArray();
        if (repeated is null) _requests.Add((attempt, counters));
        try
        {
            batch.TryCommit();
            for (var i = 0; i < steps.Length; i++) attempt.Additions.Add((places[i], 2, batch.NumberOf(steps[i])));
            Committed(attempt, batch.Time.Value);
            if (batch.IsRepeated) Repeated(attempt);
        }
        catch (AevumException failure)
        {
            foreach (var place in places) attempt.Additions.Add((place, 2, null));
            Failed(attempt, failure, commits: true);
        }
        End(attempt);
    }

    // It was done before, by another attempt: this one did nothing.
    void Repeated(Attempt attempt)
    {
        Count("requests answered from memory");
        _repeated.Add((attempt.Request!, attempt.Time, [.. attempt.Additions.Select(a => a.Told!.Value)]));
        attempt.Fate = Fate.GivenUp;
        attempt.Time = 0;
        attempt.Steps.Clear();
    }

    /// <summary>Blind writes over several shards at one instant: puts, merges, a range deleted.</summary>
    void CommitJointly(SeededRandom random)
    {
        var attempt = Begin(HistoryLevel.ReadCommitted);
        var parts = new Dictionary<IShard, StepBatch>();
        StepBatch PartOf(byte[] full)
        {
            var shard = Router.ShardOf(full);
            if (!parts.TryGetValue(shard, out var part)) parts[shard] = part = new StepBatch { Note = new CommitNote(Run: "joint"), Namespace = 1 };
            return part;
        }

        if (random.OneIn(3))
        {
            // Where no counter is: numbers must not begin anew.
            var (from, to) = random.OneIn(2) ? ("c", "j") : ("l", "n");
            foreach (var (shard, start, end) in Router.ShardsOf(new Place(Place.Default, from).Full, new Place(Place.Default, to).Full))
            {
                PartOf(start).DeleteRange(start, end!);
                attempt.Effects.Add(new(EffectKind.DeleteRange, start, end!, 0));
            }
        }
        foreach (var place in _letters.Where(l => !attempt.Effects.Exists(e => e.Touches(l.Full)) && random.OneIn(6)))
        {
            var tag = string.Create(CultureInfo.InvariantCulture, $"{attempt.Name}.{place.Name}");
            // Long enough to lie in several sectors of the log, of which a power cut may take some.
            var value = Encoding.ASCII.GetBytes(random.OneIn(2) ? tag : $"{tag}~{new string('.', random.Next(2000))}");
            PartOf(place.Full).Put(place.Full, value);
            attempt.Put(place, value);
            attempt.Steps.Add(new KeyWrite(place.Name, tag, 0));
        }
        foreach (var place in _sums.Where(_ => random.OneIn(2)))
        {
            var operand = BitConverter.GetBytes((long)random.Next(1, 9));
            PartOf(place.Full).Merge(place.Full, operand);
            attempt.Effects.Add(new(EffectKind.Merge, place.Full, operand, 0));
        }
        if (attempt.Witness is null)
        {
            _attempts.Remove(attempt);
            return;
        }
        // Sometimes on a condition that cannot hold: then no part of it may be there.
        var isRefused = random.OneIn(6);
        if (isRefused) PartOf(_counters[^1].Full).Check(_counters[^1].Full, Precondition.AtVersion(new(17)));
        try
        {
            Router.CommitJointly([.. parts.Select(p => (p.Key, p.Value))]);
            Require(parts.Values.All(p => p.Status == (isRefused ? CommitStatus.Refused : CommitStatus.Committed)),
                $"{attempt.Name}: the parts of a joint commit are {string.Join(", ", parts.Values.Select(p => p.Status))}, refused: {isRefused}");
            if (isRefused)
            {
                attempt.Fate = Fate.GivenUp;
                Count("joint commits refused");
            }
            else
            {
                Require(parts.Values.Select(p => p.Time).Distinct().Count() == 1, $"{attempt.Name}: the parts of a joint commit have different times");
                Committed(attempt, parts.Values.First().Time.Value);
                if (parts.Count > 1) Count("joint commits");
            }
        }
        catch (AevumException failure)
        {
            Failed(attempt, failure, commits: true);
        }
        End(attempt);
    }

    // ---------------------------------------------------------------------------------------- telling

    Attempt Begin(HistoryLevel level, long? began = null)
    {
        var attempt = new Attempt(++_names, level) { Began = began ?? ++_events };
        _attempts.Add(attempt);
        return attempt;
    }

    void Committed(Attempt attempt, ulong time)
    {
        (attempt.Fate, attempt.Time) = (Fate.Committed, time);
        Require(attempt.Writes == (time != 0), $"{attempt.Name} wrote: {attempt.Writes}, and was told the time {time}");
        Count(time == 0 ? $"read-only, {attempt.Level}" : $"committed, {attempt.Level}");
        if (attempt.Effects.Select(e => ShardIndexOf(e.Key)).Distinct().Count() > 1) Count("committed over several shards");
    }

    void End(Attempt attempt)
    {
        if (attempt.Fate != Fate.Unknown) attempt.Ended = ++_events;
        Note($"{attempt.Name} {attempt.Level}: {attempt.Fate} {attempt.Time}");
        if (IsTraced) Console.WriteLine($"        {attempt}");
    }

    void Failed(Attempt attempt, AevumException failure, bool commits)
    {
        Count($"failed: {failure.Code}");
        attempt.Fate = Fate.GivenUp;
        if (IsDead)
        {
            if (commits && attempt.Writes) attempt.Fate = Fate.Unknown;
            return;
        }
        switch (failure.Code)
        {
            case ErrorCode.Conflict:
                attempt.ConflictAt = Clock.Latest.Value;
                return;
            case ErrorCode.Deadlock or ErrorCode.LockTimeout when !commits:
                return;
            case ErrorCode.ClockJump when ClockJumped:
                return;
            case ErrorCode.OutcomeUnknown when Failing == Fault.Errors:
                LogFailed = true;
                if (commits && attempt.Writes) attempt.Fate = Fate.Unknown;
                return;
            case ErrorCode.Closed when LogMayHaveStopped:
                LogFailed = true;
                return;
            case ErrorCode.DiskFull when Failing == Fault.DiskFull:
            case ErrorCode.InputOutput when Failing == Fault.Errors:
                return;
            default:
                throw new SimulationFailure($"{attempt.Name} failed, and nothing explains it: {failure}");
        }
    }
}
