using System.Globalization;
using System.Text;

namespace Aevum.Server.Tests.Resp;

/// <summary>What a request reads is what stood there at one moment, whatever another loop commits between its reads: before each look at the clock, in turn,
/// something is committed, and the reply must be the one from before, or the one from after.</summary>
public sealed class OneMomentTests : IDisposable
{
    const int LooksMax = 200;

    readonly RespWorld _world = new();
    readonly TestLoop _otherLoop;
    readonly TestChannel _other;

    public OneMomentTests()
    {
        _otherLoop = _world.AddLoop();
        _other = _world.Connect(_otherLoop);
    }

    public void Dispose() => _world.Dispose();

    static string[] Numbered(string command, string key, int from, int count, Func<int, string[]> words) =>
        [command, key, .. Enumerable.Range(from, count).SelectMany(words)];

    static string Text(int number) => number.ToString("d4", CultureInfo.InvariantCulture);

    static string[] Hash(string key, int from, int count) => Numbered("HSET", key, from, count, i => [$"f{Text(i)}", $"v{i}"]);

    static string[] Set(string key, int from, int count) => Numbered("SADD", key, from, count, i => [$"m{Text(i)}"]);

    static string[] List(string key, int from, int count) => Numbered("RPUSH", key, from, count, i => [$"e{Text(i)}"]);

    static string[] Sorted(string key, int from, int count) => Numbered("ZADD", key, from, count, i => [Text(i), $"m{Text(i)}"]);

    static string[] Stream(int id) => ["XADD", "x", $"{id}-1", "f", $"v{id}"];

    // A request that has many rows to read, and what may come between.
    void Fill(int size)
    {
        string[][] filling =
        [
            ["DEL", "h", "s", "t", "l", "z", "y", "x", "a", "b"],
            Hash("h", 0, size), Set("s", 0, size), Set("t", size / 2, size), List("l", 0, size), Sorted("z", 0, size), Sorted("y", size / 2, size),
            .. Enumerable.Range(1, size).Select(Stream), ["MSET", "a", "1", "b", "1"], ["EXPIRE", "a", "1000"], ["EXPIRE", "b", "1000"],
        ];
        Do(filling);
        _other.Take();
    }

    void Do(string[][] requests)
    {
        _other.Receive([.. requests.SelectMany(TestChannel.Request)]);
        _otherLoop.EndTurn();
    }

    static string[][][] Changes(int size) =>
    [
        [["MULTI"], ["DEL", "h", "s", "l", "z", "x", "t", "y", "a", "b"], ["EXEC"]],
        [
            ["MULTI"], Hash("h", size, 3), Set("s", size, 3), Set("t", 0, 3), List("l", size, 3), Sorted("z", size, 3), Sorted("y", 0, 3),
            Stream(size + 1), ["MSET", "a", "2", "b", "2"], ["EXEC"],
        ],
        [
            ["MULTI"], ["HDEL", "h", "f0000", $"f{Text(size - 1)}"], ["SREM", "s", "m0000", $"m{Text(size - 1)}"], ["LPOP", "l", "5"],
            ["ZREM", "z", "m0000", $"m{Text(size - 1)}"], ["XDEL", "x", "2-1"], ["MSET", "a", "2", "b", "2"], ["EXEC"],
        ],
        [
            ["MULTI"], ["DEL", "h", "s", "l", "z", "x"], Hash("h", 5, size / 2), Set("s", 5, size / 2), List("l", 5, size / 2), Sorted("z", 5, size / 2),
            Stream(size + 7), ["MSET", "a", "2", "b", "2"], ["EXEC"],
        ],
        [["MULTI"], ["DEL", "h", "s", "l", "z", "x"], Hash("h", 5, 3), Set("s", 5, 3), List("l", 5, 3), Sorted("z", 5, 3), ["SET", "x", "other"], ["EXEC"]],
        [["FLUSHALL"]],
    ];

    public static TheoryData<string> Reads =>
    [
        "HGETALL h", "HKEYS h", "HVALS h", "HMGET h f0000 f0001 f0007 f0170", "HLEN h", "HSCAN h 0 COUNT 2000",
        "SMEMBERS s", "SMISMEMBER s m0000 m0001 m0006", "SUNION s t", "SINTER s t", "SDIFF s t", "SINTERCARD 2 s t",
        "LRANGE l 0 -1", "LRANGE l -20 -1", "LINDEX l -1", "LINDEX l 100", "LPOS l e0170", "LPOS l e0007 COUNT 0",
        "ZRANGE z 0 -1 WITHSCORES", "ZRANGE z 120 170", "ZREVRANGE z 0 10", "ZRANGEBYSCORE z 10 90", "ZRANGE z [m0003 [m0100 BYLEX", "ZRANK z m0170",
        "ZCOUNT z 5 150", "ZMSCORE z m0000 m0006", "ZUNION 2 z y WITHSCORES", "ZINTER 2 z y", "ZDIFF 2 z y",
        "XRANGE x - +", "XREVRANGE x + - COUNT 5", "XREAD STREAMS x 0", "XLEN x",
        "SORT s ALPHA", "SORT_RO l ALPHA LIMIT 0 10", "DUMP s", "MGET a b", "EXISTS a b h s", "TOUCH a h",
    ];

    [Theory]
    [MemberData(nameof(Reads))]
    public void Of_a_few_rows(string read) => Check(read, 180, Changes(180));

    static readonly string[] s_slowReads =
    [
        "HGETALL h", "HVALS h", "SMEMBERS s", "SUNION s t", "SINTER s t", "SDIFF s t", "LRANGE l 0 -1", "LPOS l e0007 COUNT 0", "ZRANGE z 0 -1 WITHSCORES",
        "ZREVRANGE z 100 1050", "ZRANGEBYSCORE z 10 1090", "ZRANGE z [m0003 [m1090 BYLEX", "ZRANK z m0170", "ZCOUNT z 5 950", "ZUNION 2 z y WITHSCORES",
        "XRANGE x - +", "XREAD STREAMS x 0", "SORT s ALPHA", "DUMP s",
    ];

    public static TheoryData<string> SlowReads => [.. s_slowReads];

    [Theory]
    [MemberData(nameof(SlowReads))]
    public void Of_so_many_that_they_are_read_beside_the_loop(string read)
    {
        var changes = Changes(1100);
        if (Environment.GetEnvironmentVariable("AEVUM_LONG_TESTS") == "1") Check(read, 1100, changes);
        // Two of them, others from read to read.
        else Check(read, 1100, [.. ((int[])[0, 3]).Select(i => changes[(Array.IndexOf(s_slowReads, read) + i) % changes.Length])]);
    }

    void Check(string read, int size, string[][][] changes)
    {
        var wasBetween = 0;
        foreach (var change in changes)
        {
            Fill(size);
            var before = _world.Ask(read);
            Do(change);
            _other.Take();
            var after = _world.Ask(read);
            for (var look = 1; ; look++)
            {
                Assert.InRange(look, 1, LooksMax);
                Fill(size);
                _world.Looks.DoAt(look, () => Do(change));
                _world.First.Receive(Encoding.Latin1.GetBytes(read + "\r\n"));
                var said = ReplyText.Of(_world.First.Take());
                if (!_world.Looks.End()) break;
                wasBetween++;
                _other.Take();
                if (said != before) Assert.Equal(after, said);
            }
        }
        Assert.NotEqual(0, wasBetween);
    }
}
