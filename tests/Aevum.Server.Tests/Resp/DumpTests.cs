// DUMP and RESTORE: every encoding that dumps may have, from bytes put together here and from Redis itself where it is installed; and dumps that are none.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Keys.Dumps;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class DumpTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string Latin(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>An object with version and checksum behind it.</summary>
    static byte[] Sealed(ReadOnlySpan<byte> body, ushort version = 10)
    {
        var dump = new byte[body.Length + 10];
        body.CopyTo(dump);
        BinaryPrimitives.WriteUInt16LittleEndian(dump.AsSpan(body.Length), version);
        BinaryPrimitives.WriteUInt64LittleEndian(dump.AsSpan(body.Length + 2), Crc64.Of(dump.AsSpan(0, body.Length + 2)));
        return dump;
    }

    static byte[] Text(string text) => [(byte)text.Length, .. Encoding.Latin1.GetBytes(text)];

    static byte[] Ziplist(int count, params byte[][] entries)
    {
        byte[] body = [.. entries.SelectMany(e => e)];
        var bytes = new byte[11 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)count);
        body.CopyTo(bytes, 10);
        bytes[^1] = 0xFF;
        return [(byte)bytes.Length, .. bytes];
    }

    static byte[] Listpack(int count, params byte[][] entries)
    {
        byte[] body = [.. entries.SelectMany(e => (byte[])[.. e, (byte)e.Length])];
        var bytes = new byte[7 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), (ushort)count);
        body.CopyTo(bytes, 6);
        bytes[^1] = 0xFF;
        return [(byte)bytes.Length, .. bytes];
    }

    string Restore(byte[] dump, string key = "k", string rest = "") =>
        _world.Ask(["RESTORE", key, "0", Latin(dump), .. rest.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    static byte[] Unpacked(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    [Fact]
    public void The_checksum_is_that_of_Jones()
    {
        Assert.Equal(0xe9c6d914c4b8d9caUL, Crc64.Of("123456789"u8));
        var random = new SeededRandom(1);
        for (var length = 0; length < 40; length++)
        {
            var bytes = new byte[length];
            random.Fill(bytes);
            var slow = 0UL;
            foreach (var one in bytes)
            {
                slow ^= one;
                for (var bit = 0; bit < 8; bit++) slow = (slow & 1) != 0 ? (slow >> 1) ^ 0x95AC9329AC4BC9B5 : slow >> 1;
            }
            Assert.Equal(slow, Crc64.Of(bytes));
        }
    }

    [Fact]
    public void What_was_dumped_is_restored()
    {
        _world.Ask("SET text hello");
        _world.Ask("SET", "long", new string('x', 70_000));
        for (var i = 0; i < 5; i++)
        {
            _world.Ask($"RPUSH list v{i}");
            _world.Ask($"SADD set m{i}");
            _world.Ask($"HSET hash f{i} v{i}");
            _world.Ask($"ZADD zset {i}.5 m{i}");
        }
        for (var i = 0; i < 300; i++)
        {
            _world.Ask($"RPUSH list:large v{i}");
            _world.Ask($"SADD set:large m{i}");
            _world.Ask($"HSET hash:large f{i} v{i}");
            _world.Ask($"ZADD zset:large {i}.5 m{i}");
        }
        _world.Ask("ZADD zset inf up -inf down");
        foreach (var (key, look) in (ReadOnlySpan<(string, string)>)[
            ("text", "GET"), ("long", "GET"), ("list", "LRANGE 0 -1"), ("set", "SMEMBERS"), ("hash", "HGETALL"), ("zset", "ZRANGE 0 -1 WITHSCORES"),
            ("list:large", "LRANGE 0 -1"), ("set:large", "SMEMBERS"), ("hash:large", "HGETALL"), ("zset:large", "ZRANGE 0 -1 WITHSCORES")])
        {
            var dump = _world.Ask($"DUMP {key}");
            Assert.Equal("OK", _world.Ask("RESTORE", "copy", "0", dump, "REPLACE"));
            string Look(string name) => _world.Ask(string.Join(' ', look.Split(' ').Take(1).Append(name).Concat(look.Split(' ').Skip(1))));
            Assert.Equal(Look(key), Look("copy"));
            StructureChecker.Check(_world);
        }
        Assert.Equal("(nil)", _world.Ask("DUMP nothing"));
    }

    [Fact]
    public void Restore_is_told_how()
    {
        var dump = Sealed([0, .. Text("v")]);
        Assert.Equal("OK", Restore(dump));
        Assert.Equal("(error) BUSYKEY Target key name already exists.", Restore(dump));
        Assert.Equal("OK", Restore(dump, rest: "REPLACE IDLETIME 5"));
        Assert.Equal("OK", Restore(dump, rest: "replace freq 255 absttl"));
        Assert.Equal("(error) ERR syntax error", Restore(dump, rest: "REPLACE FREQ 1 IDLETIME 1"));
        Assert.Equal("(error) ERR syntax error", Restore(dump, rest: "REPLACE FOO"));
        Assert.Equal("(error) ERR Invalid FREQ value, must be >= 0 and <= 255", Restore(dump, rest: "REPLACE FREQ 256"));
        Assert.Equal("(error) ERR Invalid IDLETIME value, must be >= 0", Restore(dump, rest: "REPLACE IDLETIME -1"));
        Assert.Equal("(error) ERR Invalid TTL value, must be >= 0", _world.Ask("RESTORE", "n", "-1", Latin(dump)));
        Assert.Equal("(error) ERR value is not an integer or out of range", _world.Ask("RESTORE", "n", "x", Latin(dump)));
        Assert.Equal("OK", _world.Ask("RESTORE", "t", "5000", Latin(dump)));
        Assert.Equal("5000", _world.Ask("PTTL t"));
        Assert.Equal("OK", _world.Ask("RESTORE", "t", "9223372036854775807", Latin(dump), "REPLACE", "ABSTTL"));
        Assert.Equal("9223372036854775807", _world.Ask("PEXPIRETIME t"));
        Assert.Equal("OK", _world.Ask("RESTORE", "t", "1", Latin(dump), "REPLACE", "ABSTTL"));   // gone already
        Assert.Equal("0", _world.Ask("EXISTS t"));
        Assert.Equal("(error) ERR DUMP payload version or checksum are wrong", _world.Ask("RESTORE", "n", "0", Latin(Sealed([0, .. Text("v")], version: 99))));
        Assert.Equal("(error) ERR DUMP payload version or checksum are wrong", _world.Ask("RESTORE n 0 abc"));
        dump[^1]++;
        Assert.Equal("(error) ERR DUMP payload version or checksum are wrong", Restore(dump, "n"));
        Assert.Equal("(error) ERR Bad data format", Restore(Sealed([15, .. Text("v")]), "n"));
        Assert.Equal("(error) ERR Bad data format", Restore(Sealed([]), "n"));
    }

    [Fact]
    public void Every_encoding_is_read()
    {
        void Is(string wanted, string look, params byte[] body)
        {
            Assert.Equal("OK", Restore(Sealed(body), rest: "REPLACE"));
            Assert.Equal(wanted, _world.Ask(look));
        }
        // Strings: numbers, lengths of each form, LZF with literals, near and far repeats that overlap.
        Is("-5", "GET k", 0, 0xC0, 0xFB);
        Is("-300", "GET k", 0, 0xC1, 0xD4, 0xFE);
        Is("70000", "GET k", 0, 0xC2, 0x70, 0x11, 0x01, 0x00);
        Is("ab", "GET k", 0, 0x40, 2, (byte)'a', (byte)'b');
        Is("ab", "GET k", 0, 0x80, 0, 0, 0, 2, (byte)'a', (byte)'b');
        Is("ab", "GET k", 0, 0x81, 0, 0, 0, 0, 0, 0, 0, 2, (byte)'a', (byte)'b');
        Is("abababababab", "GET k", [0, 0xC3, 6, 12, .. Unpacked("01 6162 e0 01 01")]);
        Is("abcabca", "GET k", [0, 0xC3, 6, 7, .. Unpacked("02 616263 40 02")]);
        // Numbers of each width in each packed form.
        byte[][] zip = [[0, 1, (byte)'a'], [3, 0xFE, 0x80], [3, 0xC0, 0xD4, 0xFE], [4, 0xF0, 1, 0, 0x80], [5, 0xD0, 1, 0, 0, 0],
            [6, 0xE0, 1, 0, 0, 0, 0, 0, 0, 0x80],
            [10, 0xF1], [2, 0xFD], [254, 0, 0, 0, 0, 0x40, 1, (byte)'b'], [4, 0x80, 0, 0, 0, 1, (byte)'c']];
        const string zipTexts = "[a, -128, -300, -8388607, 1, -9223372036854775807, 0, 12, b, c]";
        Is(zipTexts, "LRANGE k 0 -1", [10, .. Ziplist(10, zip)]);
        Is(zipTexts, "LRANGE k 0 -1", [14, 1, .. Ziplist(10, zip)]);
        byte[][] pack = [[5], [0x81, (byte)'a'], [0xDF, 0xFF], [0xC0, 0x80], [0xE0, 1, (byte)'b'], [0xF0, 1, 0, 0, 0, (byte)'c'], [0xF1, 0xD4, 0xFE],
            [0xF2, 1, 0, 0x80], [0xF3, 1, 0, 0, 0], [0xF4, 1, 0, 0, 0, 0, 0, 0, 0x80]];
        const string packTexts = "5, a, -1, 128, b, c, -300, -8388607, 1, -9223372036854775807";
        Is($"[{packTexts}, plain]", "LRANGE k 0 -1", [18, 2, 2, .. Listpack(10, pack), 1, .. Text("plain")]);
        Is($"[{packTexts}]", "HGETALL k", [16, .. Listpack(10, pack)]);
        Is("[a, 1, b, -2.5]", "ZRANGE k 0 -1 REV WITHSCORES", [17, .. Listpack(4, [0x81, (byte)'b'],
            [0x84, (byte)'-', (byte)'2', (byte)'.', (byte)'5'], [0x81, (byte)'a'], [1])]);
        Is("[a, 1]", "ZRANGE k 0 -1 WITHSCORES", [12, .. Ziplist(2, [0, 1, (byte)'a'], [3, 0xF2])]);
        Is("[a, b]", "HGETALL k", [13, .. Ziplist(2, [0, 1, (byte)'a'], [3, 1, (byte)'b'])]);
        Is("[a, bc]", "HGETALL k", [9, 9, 1, 1, (byte)'a', 2, 1, (byte)'b', (byte)'c', 0, 0xFF]);
        Is("[-2, 3]", "SORT k", [11, 12, 2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 3, 0]);
        Is("[-2, 3]", "SORT k", [11, 24, 8, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0]);
        Is("[a]", "SMEMBERS k", [20, .. Listpack(1, [0x81, (byte)'a'])]);
        Is("[c, -inf, a, 1.5, b, inf]", "ZRANGE k 0 -1 WITHSCORES",
            [3, 3, .. Text("a"), 3, (byte)'1', (byte)'.', (byte)'5', .. Text("b"), 254, .. Text("c"), 255]);
    }

    [Fact]
    public void Objects_that_are_none_are_refused()
    {
        foreach (var body in (byte[][])[
            [1, 0], [4, 0], [5, 0], [18, 0], [11, 8, 2, 0, 0, 0, 0, 0, 0, 0],                     // nothing
            [2, 2, .. Text("a"), .. Text("a")], [4, 2, .. Text("a"), .. Text("b"), .. Text("a"), .. Text("c")],        // twice
            [16, .. Listpack(1, [5])], [13, .. Ziplist(1, [0, 0xF2])],                           // half a pair
            [17, .. Listpack(2, [5], [0x81, (byte)'x'])], [3, 1, .. Text("a"), 253],              // no score
            [5, 1, .. Text("a"), 0, 0, 0, 0, 0, 0, 0xF8, 0x7F],
            // These say more than there is.
            [1, 0x81, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [4, 0x81, 0x40, 0, 0, 0, 0, 0, 0, 1], [0, 0x80, 0xFF, 0xFF, 0xFF, 0xFF],
            [0, 0xC3, 1, 0x81, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0],
            [0, 0xC3, 3, 12, 0, (byte)'a', 0xE0], [0, 0xC3, 3, 12, 0x20, 5, 0], [0, 0xC4], [0, 0x82], [18, 1, 3, .. Text("a")],
            [10, .. Ziplist(2, [0, 1, (byte)'a'])], [16, .. Listpack(9, [5], [6])], [10, .. Ziplist(1, [0, 0xFF])], [16, .. Listpack(2, [0xF5], [5])]])
            Assert.Equal((Convert.ToHexString(body), "(error) ERR Bad data format"), (Convert.ToHexString(body), Restore(Sealed(body))));
        Assert.Equal("0", _world.Ask("DBSIZE"));
    }

    [Theory, Seeds(10)]
    public void Any_bytes_with_a_sound_checksum_are_restored_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        byte[][] bodies =
        [
            [0, 0xC3, 6, 12, .. Unpacked("01 6162 e0 01 01")], [1, 2, .. Text("a"), .. Text("b")], [2, 2, .. Text("a"), .. Text("b")],
            [4, 1, .. Text("a"), .. Text("b")],
            [5, 1, .. Text("a"), 0, 0, 0, 0, 0, 0, 0xF8, 0x3F], [3, 1, .. Text("a"), 1, (byte)'5'],
            [9, 9, 1, 1, (byte)'a', 2, 1, (byte)'b', (byte)'c', 0, 0xFF],
            [10, .. Ziplist(2, [0, 1, (byte)'a'], [3, 0xC0, 1, 2])], [11, 12, 2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 3, 0],
            [14, 1, .. Ziplist(1, [0, 1, (byte)'a'])],
            [16, .. Listpack(2, [5], [0x81, (byte)'a'])], [17, .. Listpack(2, [0x81, (byte)'a'], [5])],
            [18, 2, 2, .. Listpack(1, [0xF1, 1, 2]), 1, .. Text("plain")],
            [20, .. Listpack(1, [0x81, (byte)'a'])],
        ];
        for (var i = 0; i < 3000; i++)
        {
            var body = bodies[random.Next(bodies.Length)].ToArray();
            for (var n = random.Next(4); n > 0; n--)
            {
                var at = random.Next(body.Length);
                if (random.OneIn(3)) body[at] ^= (byte)(1 << random.Next(8));
                else if (random.OneIn(3)) body[at] = (byte)random.Next(256);
                else if (random.OneIn(2)) body = [.. body[..at], (byte)random.Next(256), .. body[at..]];
                else if (body.Length > 1) body = [.. body[..at], .. body[(at + 1)..]];
            }
            var reply = Restore(Sealed(body), rest: "REPLACE");
            Assert.True(reply is "OK" or "(error) ERR Bad data format", $"{Convert.ToHexString(body)}: {reply}");
            if (i % 200 == 0) StructureChecker.Check(_world);
        }
        StructureChecker.Check(_world);
    }

    // ------------------------------------------------------------------------------------------------ beside Redis

    // The text in a reply that is one bulk string.
    static byte[] Bulk(byte[] reply)
    {
        var start = reply.AsSpan().IndexOf((byte)'\n') + 1;
        return reply[start..^2];
    }

    static byte[] Ask(RealRedis redis, params string[] words) => redis.Ask(TestChannel.Request(words));

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(3)]
    public void Dumps_go_from_Redis_to_ours_and_back(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var redis = new RealRedis();
        string[] looks = ["GET", "LRANGE 0 -1", "SMEMBERS", "HGETALL", "ZRANGE 0 -1 WITHSCORES"];
        string Value() => random.Next(5) switch
        {
            0 => random.Next(1 << 30).ToString(CultureInfo.InvariantCulture),
            1 => (random.Next(256) - 128).ToString(CultureInfo.InvariantCulture),
            2 => new string((char)('a' + random.Next(3)), random.Next(300)),
            3 => ((long)random.NextUInt64()).ToString(CultureInfo.InvariantCulture),
            _ => Latin(RandomBytes(random, random.Next(100))),
        };
        for (var round = 0; round < 40; round++)
        {
            var kind = random.Next(5);
            int[] sizes = [1, 3, 20, 129, 600];
            var size = kind == 0 ? 1 : sizes[random.Next(sizes.Length)];
            var isNumbers = random.OneIn(3);
            Ask(redis, "DEL", "k");
            for (var i = 0; i < size; i++)
            {
                var name = isNumbers ? $"{i * 7}" : Value() + i;
                Ask(redis, kind switch
                {
                    0 => ["SET", "k", Value()],
                    1 => ["RPUSH", "k", Value()],
                    2 => ["SADD", "k", name],
                    3 => ["HSET", "k", name, Value()],
                    _ => ["ZADD", "k", (random.NextDouble() * random.Next(1000)).ToString("R", CultureInfo.InvariantCulture), name],
                });
            }
            var look = looks[kind].Split(' ');
            string[] words = [look[0], "k", .. look[1..]];
            var theirs = Bulk(Ask(redis, "DUMP", "k"));
            Assert.Equal("OK", Restore(theirs, rest: "REPLACE"));
            StructureChecker.Check(_world);
            var ours = _world.Ask("DUMP", "k");
            string Sorted(string reply) => kind is 2 or 3 ? string.Join(", ", reply[1..^1].Split(", ").Order(StringComparer.Ordinal)) : reply;
            var wanted = Sorted(ReplyText.Of(Ask(redis, words)));
            Assert.Equal(wanted, Sorted(_world.Ask(words)));
            Assert.Equal("OK", ReplyText.Of(Ask(redis, "RESTORE", "k", "0", ours, "REPLACE")));
            Assert.Equal(wanted, Sorted(ReplyText.Of(Ask(redis, words))));
        }
    }

    static byte[] RandomBytes(SeededRandom random, int length)
    {
        var bytes = new byte[length];
        random.Fill(bytes);
        return bytes;
    }
}
