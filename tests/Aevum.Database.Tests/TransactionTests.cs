using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Tests;

public sealed class TransactionTests : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    readonly Database _database;
    readonly Session _session;
    readonly Keyspace _keys;

    public TransactionTests()
    {
        // Two shards: keys from "m" on live in the second.
        _database = Database.OpenInMemory(new DatabaseOptions
        {
            Scheduler = _scheduler,
            ShardBoundaries = [KeyLayout.Make(new KeyspaceId(1, 0), "m"u8)],
        });
        _session = _database.OpenSession();
        _keys = _session.Default;
    }

    public void Dispose()
    {
        _database.Dispose();
        _scheduler.Dispose();
    }

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    static string? S(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);

    string All() => string.Join(' ', _keys.Scan().Select(e => $"{S(e.Key)}={S(e.Value)}"));

    static ErrorCode CodeOf(Action action) => Assert.Throws<AevumException>(action).Code;

    [Theory]
    [InlineData(Isolation.ReadCommitted)]
    [InlineData(Isolation.RepeatableRead)]
    [InlineData(Isolation.Serializable)]
    public void What_is_written_is_seen_inside_and_after_the_commit_outside(Isolation isolation)
    {
        _keys.Put(B("a"), B("1"));
        _keys.Put(B("z"), B("1"));
        using var transaction = _session.Begin(isolation);
        transaction.Put(_keys, B("a"), B("2"));
        transaction.Put(_keys, B("n"), B("new"));
        transaction.Delete(_keys, B("z"));
        Assert.Equal(("2", "new", null), (S(transaction.Get(_keys, B("a"))), S(transaction.Get(_keys, B("n"))), S(transaction.Get(_keys, B("z")))));
        Assert.Equal("a=2 n=new", string.Join(' ', transaction.Scan(_keys).Select(e => $"{S(e.Key)}={S(e.Value)}")));
        Assert.Equal("a=1 z=1", All());
        var time = transaction.Commit();
        Assert.Equal("a=2 n=new", All());
        Assert.Equal((time, time), (_keys.GetVersioned(B("a"))!.Version, _keys.GetVersioned(B("n"))!.Version));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => transaction.Put(_keys, B("a"), B("3"))));
    }

    [Fact]
    public void What_is_given_up_leaves_nothing()
    {
        using (var transaction = _session.Begin()) transaction.Put(_keys, B("a"), B("1"));
        using (var transaction = _session.Begin())
        {
            transaction.Put(_keys, B("a"), B("1"));
            transaction.Rollback();
        }
        Assert.Equal("", All());
    }

    [Fact]
    public void Write_skew_is_refused_where_it_must_be()
    {
        foreach (var (isolation, expected) in new[] { (Isolation.Serializable, ErrorCode.Conflict), (Isolation.RepeatableRead, ErrorCode.Unknown) })
        {
            _keys.Put(B("a"), B("on"));
            _keys.Put(B("z"), B("on"));
            using var one = _session.Begin(isolation);
            using var two = _session.Begin(isolation);
            _ = (one.Get(_keys, B("a")), one.Get(_keys, B("z")), two.Get(_keys, B("a")), two.Get(_keys, B("z")));
            one.Put(_keys, B("a"), B("off"));
            two.Put(_keys, B("z"), B("off"));
            one.Commit();
            if (expected == ErrorCode.Conflict) Assert.Equal(expected, CodeOf(() => two.Commit()));
            else two.Commit();
        }
    }

    [Fact]
    public void Phantoms_are_refused_under_serializable()
    {
        _keys.Put(B("k1"), B("1"));
        using var transaction = _session.Begin();
        Assert.Single(transaction.Scan(_keys, ScanOptions.OfPrefix("k"u8)));
        transaction.Put(_keys, B("count"), B("1"));
        _keys.Put(B("k2"), B("1"));
        Assert.Equal(ErrorCode.Conflict, CodeOf(() => transaction.Commit()));

        // A key behind what was looked at is no phantom.
        using var partial = _session.Begin();
        _ = partial.Scan(_keys).First();
        partial.Put(_keys, B("count"), B("1"));
        _keys.Put(B("zz"), B("1"));
        partial.Commit();
    }

    [Fact]
    public void Lost_updates_are_refused_or_waited_for()
    {
        _keys.Put(B("n"), B("1"));
        foreach (var isolation in new[] { Isolation.RepeatableRead, Isolation.Serializable })
        {
            using var one = _session.Begin(isolation);
            using var two = _session.Begin(isolation);
            one.Increment(_keys, B("n"));
            two.Increment(_keys, B("n"));
            one.Commit();
            Assert.Equal(ErrorCode.Conflict, CodeOf(() => two.Commit()));
        }
        using var first = _session.Begin(Isolation.ReadCommitted);
        using var second = _session.Begin(Isolation.ReadCommitted, lockTimeout: TimeSpan.FromMilliseconds(10));
        first.Increment(_keys, B("n"));
        Assert.Equal(ErrorCode.LockTimeout, CodeOf(() => second.Increment(_keys, B("n"))));
        first.Commit();
        Assert.Equal("4", S(_keys.Get(B("n"))));

        // One who takes no locks is found at the commit.
        using var third = _session.Begin(Isolation.ReadCommitted);
        third.Increment(_keys, B("n"));
        _keys.Increment(B("n"));
        Assert.Equal(ErrorCode.Conflict, CodeOf(() => third.Commit()));
    }

    [Fact]
    public void Each_isolation_reads_what_it_promises()
    {
        _keys.Put(B("a"), B("1"));
        _keys.Put(B("z"), B("1"));
        using var committed = _session.Begin(Isolation.ReadCommitted);
        using var repeatable = _session.Begin(Isolation.RepeatableRead);
        _ = (committed.Get(_keys, B("a")), repeatable.Get(_keys, B("a")));
        _keys.Put(B("a"), B("2"));
        _keys.Put(B("z"), B("2"));
        Assert.Equal(("2", "1", "1"), (S(committed.Get(_keys, B("a"))), S(repeatable.Get(_keys, B("a"))), S(repeatable.Get(_keys, B("z")))));
        Assert.Equal(SystemTime.None, repeatable.Commit());
    }

    [Fact]
    public void A_transaction_keeps_its_moment_where_no_history_is_kept()
    {
        var keys = _session.CreateKeyspace("plain", new() { });
        keys.Put(B("a"), B("1"));
        using var transaction = _session.Begin();
        keys.Put(B("a"), B("2"));
        _database.Flush();
        Assert.Equal("1", S(transaction.Get(keys, B("a"))));
        transaction.Put(keys, B("b"), B("1"));
        Assert.Equal(ErrorCode.Conflict, CodeOf(() => transaction.Commit()));
    }

    [Fact]
    public void Savepoints_take_back_what_came_after()
    {
        using var transaction = _session.Begin(Isolation.ReadCommitted);
        transaction.Put(_keys, B("a"), B("1"));
        var first = transaction.SetSavepoint();
        transaction.Put(_keys, B("a"), B("2"));
        transaction.Put(_keys, B("b"), B("2"));
        var second = transaction.SetSavepoint();
        transaction.Delete(_keys, B("a"));
        transaction.RollbackTo(second);
        Assert.Equal("2", S(transaction.Get(_keys, B("a"))));
        transaction.RollbackTo(first);
        Assert.Equal(("1", null), (S(transaction.Get(_keys, B("a"))), S(transaction.Get(_keys, B("b")))));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => transaction.RollbackTo(second)));

        // The lock on b is free again, that on a is not.
        using var other = _session.Begin(Isolation.ReadCommitted, lockTimeout: TimeSpan.FromMilliseconds(1));
        other.Put(_keys, B("b"), B("theirs"));
        Assert.Equal(ErrorCode.LockTimeout, CodeOf(() => other.Put(_keys, B("a"), B("theirs"))));
        transaction.Commit();
        Assert.Equal("a=1", All());
    }

    [Fact]
    public void A_void_savepoint_stays_void_however_much_is_written()
    {
        using var transaction = _session.Begin();
        var first = transaction.SetSavepoint();
        transaction.Put(_keys, B("a"), B("1"));
        var second = transaction.SetSavepoint();
        transaction.RollbackTo(first);
        transaction.Put(_keys, B("b"), B("2"));
        transaction.Put(_keys, B("c"), B("2"));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => transaction.RollbackTo(second)));
        transaction.RollbackTo(first);
        transaction.RollbackTo(first);
        Assert.Empty(transaction.Scan(_keys));
    }

    [Theory]
    [InlineData(Isolation.RepeatableRead)]
    [InlineData(Isolation.Serializable)]
    public void What_is_read_for_update_is_of_the_moment_and_stays(Isolation isolation)
    {
        _keys.Put(B("a"), B("1"));
        using (var transaction = _session.Begin(isolation))
        {
            _keys.Delete(B("a"));
            Assert.Equal(ErrorCode.Conflict, CodeOf(() => transaction.GetForUpdate(_keys, B("a"))));
            Assert.False(transaction.IsOpen);
        }
        using (var transaction = _session.Begin(isolation))
        {
            Assert.Null(transaction.GetForUpdate(_keys, B("a")));
            using var other = _session.Begin(isolation);
            other.Put(_keys, B("a"), B("2"));
            other.Commit();
            transaction.Put(_keys, B("z"), B("because there was no a"));
            Assert.Equal(ErrorCode.Conflict, CodeOf(() => transaction.Commit()));
        }
        Assert.Equal("a=2", All());
    }

    [Fact]
    public void A_commit_in_the_middle_of_a_scan_counts_what_was_seen_of_it()
    {
        _keys.Put(B("c"), B("1"));
        _keys.Put(B("e"), B("1"));
        foreach (var (changed, expected) in new[] { ("b", ErrorCode.Conflict), ("d", ErrorCode.Unknown) })
        {
            using var transaction = _session.Begin();
            foreach (var first in transaction.Scan(_keys))
            {
                Assert.Equal("c", S(first.Key));
                transaction.Put(_keys, B("z"), B($"first is {S(first.Key)}"));
                _keys.Put(B(changed), B("1"));
                if (expected == ErrorCode.Conflict) Assert.Equal(expected, CodeOf(() => transaction.Commit()));
                else transaction.Commit();
                break;
            }
            _keys.Delete(B(changed));
        }
    }

    [Fact]
    public void An_idempotency_key_is_refused_over_several_shards()
    {
        using var transaction = _session.Begin();
        transaction.Note = new(IdempotencyKey: "once");
        transaction.Put(_keys, B("a"), B("1"));
        transaction.Put(_keys, B("z"), B("1"));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => transaction.Commit()));
        Assert.Equal("", All());
    }

    [Fact]
    public void The_runner_tries_again_until_it_is_through()
    {
        _keys.Put(B("n"), B("0"));
        var attempts = 0;
        var sum = _session.Run(transaction =>
        {
            attempts++;
            var next = transaction.Increment(_keys, B("n"));
            if (attempts < 6) _keys.Increment(B("n"), 10);
            return next;
        });
        Assert.Equal((6, 51L, "51"), (attempts, sum, S(_keys.Get(B("n")))));
        Assert.Equal(ErrorCode.Conflict, CodeOf(() => _session.Run(transaction =>
        {
            transaction.Increment(_keys, B("n"));
            _keys.Increment(B("n"));
        }, attemptsMax: 3)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => _session.Run(_ => Throw.Invalid("the action's own"))));
    }

    [Theory, Aevum.Testing.Seeds(40)]
    public void What_commits_is_as_if_one_came_after_the_other(ulong seed)
    {
        var random = new SeededRandom(seed);
        var log = new List<Told>();
        var open = new List<(Transaction Transaction, Told Told)>();
        string Key() => ((char)random.Next('h', 'r')).ToString();
        var value = 0;
        for (var step = 0; step < 600; step++)
        {
            if (open.Count == 0 || (open.Count < 5 && random.OneIn(4)))
            {
                var begun = _session.Begin();
                open.Add((begun, new Told { Moment = begun.Moment }));
                continue;
            }
            var index = random.Next(open.Count);
            var (transaction, told) = open[index];
            switch (random.Next(10))
            {
                case < 3:
                    var read = Key();
                    told.Reads.Add((read, S(transaction.Get(_keys, B(read)))));
                    break;
                case < 6:
                    var written = Key();
                    told.Writes[written] = (++value).ToString(System.Globalization.CultureInfo.InvariantCulture);
                    transaction.Put(_keys, B(written), B(told.Writes[written]!));
                    told.Reads.Add(("own " + written, told.Writes[written]));
                    break;
                case 6:
                    var deleted = Key();
                    told.Writes[deleted] = null;
                    transaction.Delete(_keys, B(deleted));
                    break;
                case 7:
                    var (low, high) = (Key(), Key());
                    if (string.CompareOrdinal(low, high) > 0) (low, high) = (high, low);
                    var found = transaction.Scan(_keys, ScanOptions.Between(B(low), B(high))).Where(e => e.Version != SystemTime.None);
                    told.Scans.Add((low, high, string.Join(' ', found.Select(e => $"{S(e.Key)}={S(e.Value)}")), [.. told.Writes.Keys]));
                    break;
                default:
                    open.RemoveAt(index);
                    try
                    {
                        told.Time = transaction.Commit();
                        log.Add(told);
                    }
                    catch (AevumException conflict) when (conflict.Code == ErrorCode.Conflict)
                    {
                    }
                    break;
            }
        }
        foreach (var (transaction, _) in open) transaction.Dispose();
        Assert.True(log.Count > 20);
        Replay(log);
    }

    sealed class Told
    {
        public SystemTime Moment { get; init; }

        public SystemTime Time { get; set; }

        public List<(string Key, string? Value)> Reads { get; } = [];

        public List<(string Low, string High, string Found, HashSet<string> Own)> Scans { get; } = [];

        public Dictionary<string, string?> Writes { get; } = [];
    }

    // One after the other, in the order of the commits (of one that wrote nothing: of its moment), each must have read what stood there.
    void Replay(List<Told> log)
    {
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var told in log.OrderBy(t => t.Time == SystemTime.None ? t.Moment.Value : t.Time.Value))
        {
            var own = new Dictionary<string, string?>();
            foreach (var (key, value) in told.Reads)
            {
                if (key.StartsWith("own ", StringComparison.Ordinal)) own[key[4..]] = value;
                else if (!told.Writes.ContainsKey(key)) Assert.Equal(state.GetValueOrDefault(key), value);
            }
            foreach (var (low, high, found, written) in told.Scans)
            {
                var expected = state.Where(s => string.CompareOrdinal(s.Key, low) >= 0 && string.CompareOrdinal(s.Key, high) < 0 && !written.Contains(s.Key));
                Assert.Equal(string.Join(' ', expected.Select(s => $"{s.Key}={s.Value}")), found);
            }
            foreach (var (key, value) in told.Writes)
            {
                if (value is null) state.Remove(key);
                else state[key] = value;
            }
        }
        Assert.Equal(string.Join(' ', state.Select(s => $"{s.Key}={s.Value}")), All());
    }
}
