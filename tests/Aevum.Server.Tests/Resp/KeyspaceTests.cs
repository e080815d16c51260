// Commands over whole databases: scans and what they promise, copies between databases, swaps and flushes and who waits or watches meanwhile.

using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Keys;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class KeyspaceTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    // [cursor, [a, b]] as a cursor and names that have no ", ".
    (string Cursor, string[] Keys) Scan(string request)
    {
        var reply = _world.Ask(request);
        Assert.StartsWith("[", reply, StringComparison.Ordinal);
        var comma = reply.IndexOf(", [", StringComparison.Ordinal);
        var keys = reply[(comma + 3)..^2];
        return (reply[1..comma], keys.Length == 0 ? [] : keys.Split(", "));
    }

    [Theory, Seeds(6)]
    public void A_scan_tells_each_key_that_is_there_all_the_time_once(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (kept, gone) = (new HashSet<string>(), new HashSet<string>());
        for (var i = 0; i < 300; i++)
        {
            var key = $"key:{random.Next(1000)}";
            kept.Add(key);
            _world.Ask($"SET {key} v");
        }
        for (var i = 0; i < 200; i++) _world.Ask($"SADD key:5:large m{i}");   // elements lie between heads
        kept.Add("key:5:large");
        var told = new List<string>();
        var (cursor, isDone) = ("0", false);
        do
        {
            var (next, keys) = Scan($"SCAN {cursor} COUNT {1 + random.Next(40)}");
            Assert.True(ulong.Parse(next, CultureInfo.InvariantCulture) < 1UL << 53);
            if (random.OneIn(4))
            {
                Assert.Equal(keys, Scan($"SCAN {cursor} COUNT {Math.Max(1, keys.Length)}").Keys);   // the same again
                continue;
            }
            cursor = next;
            isDone = next == "0";
            told.AddRange(keys);
            var other = $"other:{random.Next(1000)}";
            if (random.OneIn(2)) _world.Ask($"SET {other} v");
            var victim = kept.ElementAt(random.Next(kept.Count));
            if (told.Contains(victim) || random.OneIn(2))
            {
                _world.Ask($"DEL {victim}");
                if (!told.Contains(victim)) gone.Add(victim);
                kept.Remove(victim);
            }
        }
        while (!isDone);
        Assert.Equal(told.Count, told.Distinct().Count());
        Assert.Empty(kept.Except(told));
    }

    [Fact]
    public void A_scan_filters_by_pattern_and_type_and_says_what_is_wrong()
    {
        _world.Ask("SET a:1 v");
        _world.Ask("SADD a:2 m");
        _world.Ask("HSET b:1 f v");
        Assert.Equal("[0, [a:1, a:2]]", _world.Ask("SCAN 0 MATCH a:*"));
        Assert.Equal("[0, [a:2]]", _world.Ask("SCAN 0 MATCH a:* TYPE SET"));
        Assert.Equal("[0, [b:1]]", _world.Ask("SCAN 0 TYPE hash"));
        Assert.Equal("[0, []]", _world.Ask("SCAN 0 TYPE nothing"));
        Assert.Equal("(error) ERR invalid cursor", _world.Ask("SCAN x"));
        Assert.Equal("(error) ERR invalid cursor", _world.Ask("SCAN -1"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("SCAN 0 COUNT 0"));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("SCAN 0 COUNT x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("SCAN 0 MATCH"));
        Assert.Equal("[0, [a:1, a:2, b:1]]", _world.Ask("SCAN 12345"));   // a cursor of nobody: from the beginning
    }

    [Fact]
    public void Places_of_scans_are_bounded_and_a_lost_one_begins_anew()
    {
        var places = new ScanPlaces(new SeededRandom(1));
        var first = places.Add([1], 0);
        var second = places.Add([2], first);
        var third = places.Add([3], second);
        Assert.Null(places.Find(first));
        Assert.Equal([2], places.Find(second));
        Assert.Equal([3], places.Find(third));
        for (var i = 0; i < 20_000; i++) places.Add(new byte[8], 0);
        Assert.Null(places.Find(third));
        var large = places.Add(new byte[20 << 20], 0);
        Assert.NotNull(places.Find(large));
        var next = places.Add([1], 0);
        Assert.Null(places.Find(large));
        Assert.NotNull(places.Find(next));
    }

    [Fact]
    public void What_a_key_holds_is_copied_and_moved_whole()
    {
        for (var i = 0; i < 1500; i++) _world.Ask($"ZADD z {i} m{i}");
        _world.Ask("EXPIRE z 100");
        Assert.Equal("1", _world.Ask("COPY z y"));
        Assert.Equal("0", _world.Ask("COPY z y"));
        Assert.Equal("1", _world.Ask("COPY z y REPLACE"));
        Assert.Equal("1", _world.Ask("COPY z z DB 3"));
        Assert.Equal("0", _world.Ask("COPY nothing other"));
        Assert.Equal("(error) ERR source and destination objects are the same", _world.Ask("COPY z z"));
        Assert.Equal("(error) ERR DB index is out of range", _world.Ask("COPY z z DB 16"));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("COPY z z DB x"));
        Assert.Equal("(error) ERR syntax error", _world.Ask("COPY z z DB"));
        _world.Ask("ZREM z m3");
        Assert.Equal("[1499, 1500, 100]", $"[{_world.Ask("ZCARD z")}, {_world.Ask("ZCOUNT y -inf +inf")}, {_world.Ask("TTL y")}]");
        Assert.Equal(2, StructureChecker.Check(_world));
        Assert.Equal("1", _world.Ask("MOVE y 2"));
        Assert.Equal("0", _world.Ask("MOVE y 2"));
        Assert.Equal("1", _world.Ask("COPY z y"));
        Assert.Equal("0", _world.Ask("MOVE y 2"));
        Assert.Equal("(error) ERR source and destination objects are the same", _world.Ask("MOVE y 0"));
        Assert.Equal("(error) ERR DB index is out of range", _world.Ask("MOVE y -1"));
        _world.Ask("SELECT 2");
        Assert.Equal("[y, 1500, 100]", $"{_world.Ask("KEYS *")[..^1]}, {_world.Ask("ZCARD y")}, {_world.Ask("TTL y")}]");
        _world.Ask("SELECT 3");
        Assert.Equal("1500", _world.Ask("ZCARD z"));
        _world.Ask("MULTI");
        _world.Ask("MOVE z 9");
        Assert.Equal("[1]", _world.Ask("EXEC"));
    }

    [Fact]
    public void A_copy_that_comes_again_has_nothing_of_the_one_before()
    {
        for (var i = 0; i < 200; i++) _world.Ask($"SADD a m{i}");
        foreach (var request in (string[])["COPY a b", "SREM a m1", "COPY a b REPLACE", "RENAME a c", "SREM c m2", "RENAME c a"])
            _world.First.Receive(System.Text.Encoding.ASCII.GetBytes(request + "\r\n"));   // one batch
        _ = _world.First.Take();
        Assert.Equal(2, StructureChecker.Check(_world));
        Assert.Equal("[198, 199, 0]", $"[{_world.Ask("SCARD a")}, {_world.Ask("SCARD b")}, {_world.Ask("SISMEMBER b m1")}]");
    }

    [Fact]
    public void All_databases_are_flushed_also_within_a_transaction()
    {
        _world.Ask("SET a 1");
        _world.Ask("SELECT 5");
        _world.Ask("SET b 1");
        _world.Ask("MULTI");
        _world.Ask("FLUSHDB");
        Assert.Equal("[OK]", _world.Ask("EXEC"));
        Assert.Equal("0", _world.Ask("DBSIZE"));
        _world.Ask("SET b 1");
        Assert.Equal("(error) ERR syntax error", _world.Ask("FLUSHALL NOW"));
        Assert.Equal("OK", _world.Ask("FLUSHALL ASYNC"));
        Assert.Equal("0", _world.Ask("DBSIZE"));
        _world.Ask("SELECT 0");
        Assert.Equal("0", _world.Ask("DBSIZE"));
    }

    [Fact]
    public void Databases_are_swapped_under_those_who_wait_and_watch()
    {
        var (waits, watches, idle) = (_world.Connect(), _world.Connect(), _world.Connect());
        Assert.Equal("", waits.Ask("BLPOP l 0"));
        watches.Ask("WATCH l");
        idle.Ask("WATCH nothing");
        _world.Ask("SELECT 1");
        _world.Ask("RPUSH l one two");
        Assert.Equal("(error) ERR invalid first DB index", _world.Ask("SWAPDB x 1"));
        Assert.Equal("(error) ERR invalid second DB index", _world.Ask("SWAPDB 1 x"));
        Assert.Equal("(error) ERR DB index is out of range", _world.Ask("SWAPDB 1 16"));
        Assert.Equal("OK", _world.Ask("SWAPDB 0 1"));
        Assert.Equal("[l, one]", ReplyText.Of(waits.Take()));
        Assert.Equal("0", _world.Ask("DBSIZE"));
        watches.Ask("MULTI");
        watches.Ask("PING");
        Assert.Equal("(nil)", watches.Ask("EXEC"));
        idle.Ask("MULTI");
        idle.Ask("LLEN l");
        Assert.Equal("[1]", idle.Ask("EXEC"));
    }

    [Fact]
    public void A_request_that_waits_is_addressed_anew_by_its_own_loop_alone()
    {
        var waits = _world.Connect(_world.AddLoop());
        Assert.Equal("", waits.Ask("BLPOP l 0"));
        var call = _world.Server.Waiters.Of(waits.Client)!;
        var packed = call.Packed.ToArray();
        _world.Server.Databases.Swap(0, 1);
        Assert.Equal([call], _world.Server.Waiters.Follow(_world.Server.Databases));
        Assert.Equal(packed, call.Packed);   // which its loop may be reading
        Assert.Equal(_world.Server.Databases.IdOf(0), call.Keyspace);
        _world.Ask("RPUSH l one");
        Assert.Equal("[l, one]", ReplyText.Of(waits.Take()));
        Assert.Equal("0", _world.Ask("DBSIZE"));
    }

    [Fact]
    public void A_random_key_is_any_of_them()
    {
        Assert.Equal("(nil)", _world.Ask("RANDOMKEY"));
        _world.Ask("SET zzz v");
        Assert.Equal("zzz", _world.Ask("RANDOMKEY"));
        // A lone key beside many that begin alike, of letters that lie unevenly, and elements of a large object among them.
        for (var i = 0; i < 1000; i++) _world.Ask($"SET user:{i * 7919 % 65536:x} v");
        for (var i = 0; i < 200; i++) _world.Ask($"SADD user:set m{i}");
        var drawn = new Dictionary<string, int>();
        for (var i = 0; i < 4000; i++)
        {
            var key = _world.Ask("RANDOMKEY");
            drawn[key] = drawn.GetValueOrDefault(key) + 1;
        }
        // Fair: each 4 times of 4000, and 1 - e^-4 of the keys at all.
        Assert.InRange(drawn.GetValueOrDefault("zzz"), 0, 40);
        Assert.InRange(drawn.Count, 900, 1002);
        Assert.InRange(drawn.Values.Max(), 4, 40);
    }

    [Fact]
    public void Shapes_are_named_as_redis_names_them()
    {
        _world.Ask("SET int 12345");
        _world.Ask("SET", "embstr", new string('x', 44));
        _world.Ask("SET", "raw", new string('x', 45));
        _world.Ask("RPUSH list a");
        _world.Ask("SADD intset 1 2 -3");
        _world.Ask("SADD set 1 a");
        _world.Ask("HSET hash f v");
        _world.Ask("HSET", "hash:long", "f", new string('x', 65));
        _world.Ask("ZADD zset 1 m");
        for (var i = 0; i < 513; i++) _world.Ask($"HSET hash:large f{i} v");
        for (var i = 0; i < 129; i++) _world.Ask($"ZADD zset:large {i} m{i}");
        for (var i = 0; i < 513; i++) _world.Ask($"SADD intset:large {i}");
        foreach (var (key, shape) in (ReadOnlySpan<(string, string)>)[
            ("int", "int"), ("embstr", "embstr"), ("raw", "raw"), ("list", "quicklist"), ("intset", "intset"), ("set", "hashtable"), ("hash", "listpack"),
            ("hash:long", "hashtable"), ("zset", "listpack"), ("hash:large", "hashtable"), ("zset:large", "skiplist"), ("intset:large", "hashtable")])
            Assert.Equal((key, shape), (key, _world.Ask($"OBJECT ENCODING {key}")));
        Assert.Equal("(nil)", _world.Ask("OBJECT ENCODING nothing"));
        Assert.Equal("[1, 0]", $"[{_world.Ask("OBJECT REFCOUNT int")}, {_world.Ask("OBJECT IDLETIME int")}]");
        Assert.StartsWith("(error) ERR An LFU maxmemory policy is not selected", _world.Ask("OBJECT FREQ int"), StringComparison.Ordinal);
        Assert.Equal("(error) ERR unknown subcommand 'x'. Try OBJECT HELP.", _world.Ask("OBJECT x"));
        Assert.Equal("(error) ERR wrong number of arguments for 'object|encoding' command", _world.Ask("OBJECT ENCODING"));
        Assert.StartsWith("[OBJECT <subcommand>", _world.Ask("OBJECT HELP"), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_waits_for_replicas_waits_in_vain()
    {
        Assert.Equal("0", _world.Ask("WAIT 0 1000"));
        Assert.Equal("(error) ERR timeout is negative", _world.Ask("WAIT 1 -1"));
        Assert.Equal("(error) ERR timeout is not an integer or out of range", _world.Ask("WAIT 1 x"));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("WAIT x 1"));
        Assert.Equal("", _world.Ask("WAIT 1 100"));
        Assert.Equal("", _world.Ask("PING"));
        _world.Pass(TimeSpan.FromMilliseconds(100));
        Assert.Equal("0 PONG", ReplyText.Of(_world.First.Take()));
        _world.Ask("MULTI");
        _world.Ask("WAIT 1 100");
        Assert.Equal("[0]", _world.Ask("EXEC"));
        Assert.StartsWith("(error) ERR MIGRATE is not available yet", _world.Ask("MIGRATE h 1 k 0 1"), StringComparison.Ordinal);
    }
}
