// LoadCommands: the requests that a load can be made of. Each draws its key, and what else it needs, from the client's own stream of numbers.
//
// Keys of different kinds have different names, so that any mix works: PREFIX and a letter, and the number of the key. A structure has a hundred
// members at most unless it is filled by pushing.
//
// To add one: a line in All, with what fills the keys that it reads.

using Aevum.Core.Scheduling;

namespace Aevum.Cli.Benching;

/// <summary>A request that a load can be made of.</summary>
/// <param name="FilledBy">The command that puts there what this one reads; null: it needs nothing.</param>
sealed record LoadCommand(string Name, string? FilledBy, Action<RequestBuffer, LoadDraw> Write);

/// <summary>What requests draw: keys, members, values.</summary>
/// <param name="keys">How many keys of each kind there are.</param>
/// <param name="size">Bytes of a value.</param>
sealed class LoadDraw(byte[] prefix, long keys, int size, ulong seed)
{
    const int Members = 100;

    // Any part of it is a value: no two that follow each other are the same, and none compresses to nothing.
    readonly byte[] _letters = Letters(size + 4096, seed);
    long? _given;

    public SeededRandom Random { get; } = new(seed);

    /// <summary>The next keys are this one, not drawn; null: they are.</summary>
    public void Give(long? key) => _given = key;

    public ReadOnlySpan<byte> Value => _letters.AsSpan(Random.Next(4096), size);

    public long Member => Random.Next(Members);

    public void Key(RequestBuffer to, byte kind)
    {
        Span<byte> name = stackalloc byte[prefix.Length + 2];
        prefix.CopyTo(name);
        name[^2] = kind;
        name[^1] = (byte)':';
        to.Word(name, _given ?? Random.Next(keys));
    }

    static byte[] Letters(int count, ulong seed)
    {
        var random = new SeededRandom(seed ^ 0x5DEECE66D);
        var letters = new byte[count];
        for (var i = 0; i < count; i++) letters[i] = (byte)('!' + random.Next(94));
        return letters;
    }
}

static class LoadCommands
{
    const int ManyKeys = 10;

    public static IReadOnlyList<LoadCommand> All { get; } =
    [
        new("ping", null, static (to, _) => to.Verb("PING"u8, 1)),
        new("set", null, static (to, draw) => to.Verb("SET"u8, 3).Key(draw, 's').Value(draw)),
        new("get", "set", static (to, draw) => to.Verb("GET"u8, 2).Key(draw, 's')),
        new("mset", null, static (to, draw) =>
        {
            to.Verb("MSET"u8, 1 + (2 * ManyKeys));
            for (var i = 0; i < ManyKeys; i++) to.Key(draw, 's').Value(draw);
        }),
        new("mget", "set", static (to, draw) =>
        {
            to.Verb("MGET"u8, 1 + ManyKeys);
            for (var i = 0; i < ManyKeys; i++) to.Key(draw, 's');
        }),
        new("del", "set", static (to, draw) => to.Verb("DEL"u8, 2).Key(draw, 's')),
        new("expire", "set", static (to, draw) => to.Verb("EXPIRE"u8, 3).Key(draw, 's').Word(3600)),
        new("incr", null, static (to, draw) => to.Verb("INCR"u8, 2).Key(draw, 'n')),
        new("lpush", null, static (to, draw) => to.Verb("LPUSH"u8, 3).Key(draw, 'l').Value(draw)),
        new("rpush", null, static (to, draw) => to.Verb("RPUSH"u8, 3).Key(draw, 'l').Value(draw)),
        new("lpop", "rpush", static (to, draw) => to.Verb("LPOP"u8, 2).Key(draw, 'l')),
        new("rpop", "rpush", static (to, draw) => to.Verb("RPOP"u8, 2).Key(draw, 'l')),
        new("lrange", "rpush", static (to, draw) => to.Verb("LRANGE"u8, 4).Key(draw, 'l').Words(0, 99)),
        new("sadd", null, static (to, draw) => to.Verb("SADD"u8, 3).Key(draw, 'u').Member(draw)),
        new("sismember", "sadd", static (to, draw) => to.Verb("SISMEMBER"u8, 3).Key(draw, 'u').Member(draw)),
        new("spop", "sadd", static (to, draw) => to.Verb("SPOP"u8, 2).Key(draw, 'u')),
        new("hset", null, static (to, draw) => to.Verb("HSET"u8, 4).Key(draw, 'h').Member(draw).Value(draw)),
        new("hget", "hset", static (to, draw) => to.Verb("HGET"u8, 3).Key(draw, 'h').Member(draw)),
        new("hgetall", "hset", static (to, draw) => to.Verb("HGETALL"u8, 2).Key(draw, 'h')),
        new("zadd", null, static (to, draw) => to.Verb("ZADD"u8, 4).Key(draw, 'z').Score(draw).Member(draw)),
        new("zscore", "zadd", static (to, draw) => to.Verb("ZSCORE"u8, 3).Key(draw, 'z').Member(draw)),
        new("zrange", "zadd", static (to, draw) => to.Verb("ZRANGE"u8, 4).Key(draw, 'z').Words(0, 9)),
        new("xadd", null, static (to, draw) => to.Verb("XADD"u8, 8).Key(draw, 'x').Trimmed().Value(draw)),
    ];

    public static LoadCommand? Find(string name) => All.FirstOrDefault(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    static RequestBuffer Verb(this RequestBuffer to, ReadOnlySpan<byte> name, int words)
    {
        to.Begin(words);
        to.Word(name);
        return to;
    }

    static RequestBuffer Key(this RequestBuffer to, LoadDraw draw, char kind)
    {
        draw.Key(to, (byte)kind);
        return to;
    }

    static RequestBuffer Value(this RequestBuffer to, LoadDraw draw)
    {
        to.Word(draw.Value);
        return to;
    }

    static RequestBuffer Member(this RequestBuffer to, LoadDraw draw)
    {
        to.Word("member:"u8, draw.Member);
        return to;
    }

    static RequestBuffer Score(this RequestBuffer to, LoadDraw draw)
    {
        to.Word(draw.Random.Next(1_000_000L));
        return to;
    }

    static RequestBuffer Words(this RequestBuffer to, long first, long second)
    {
        to.Word(first);
        to.Word(second);
        return to;
    }

    // A stream grows with each entry: it keeps about the last thousand.
    static RequestBuffer Trimmed(this RequestBuffer to)
    {
        foreach (var word in (ReadOnlySpan<string>)["MAXLEN", "~", "1000", "*", "f"]) to.Word(System.Text.Encoding.ASCII.GetBytes(word));
        return to;
    }
}
