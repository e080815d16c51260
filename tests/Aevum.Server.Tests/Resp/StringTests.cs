// Strings and bitmaps beside what transcripts say word for word: time passing, transactions, the third protocol, limits, and what a request costs.

using System.Globalization;
using System.Text;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class StringTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("SETEX k 1 v")]
    [InlineData("PSETEX k 1000 v")]
    [InlineData("SET k v EX 1")]
    [InlineData("SET k v PX 1000 GET")]
    [InlineData("SET k v PX 1000 NX")]
    public void A_string_expires(string set)
    {
        _world.Ask(set);
        Assert.Equal("v", _world.Ask("GETEX k"));
        Assert.Equal("2", _world.Ask("APPEND k x"));
        _world.Ask("SETBIT k 40 1");
        _world.Ask("SETRANGE k 0 q");
        _world.Ask("BITFIELD k SET u8 0 1");
        _world.Pass(TimeSpan.FromMilliseconds(900));
        Assert.Equal("6", _world.Ask("STRLEN k"));
        _world.Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal("[(nil), (nil)]", _world.Ask("MGET k none"));
        Assert.Equal("0", _world.Ask("STRLEN k"));
        Assert.Equal("0", _world.Ask("BITCOUNT k"));
        Assert.Equal("(nil)", _world.Ask("GETDEL k"));
        Assert.Equal("1", _world.Ask("SETNX k again"));
        Assert.Equal("-1", _world.Ask("TTL k"));
    }

    [Fact]
    public void A_number_that_expired_counts_as_none()
    {
        _world.Ask("SET n 41 PX 100");
        Assert.Equal("42", _world.Ask("INCR n"));
        _world.Pass(TimeSpan.FromMilliseconds(150));
        Assert.Equal("1", _world.Ask("INCR n"));
        _world.Ask("SET f 1.5 PX 100");
        _world.Pass(TimeSpan.FromMilliseconds(150));
        Assert.Equal("0.25", _world.Ask("INCRBYFLOAT f 0.25"));
        Assert.Equal("-1", _world.Ask("TTL f"));
    }

    [Fact]
    public void Getex_changes_when_it_expires()
    {
        _world.Ask("SET k v");
        Assert.Equal("v", _world.Ask("GETEX k PX 100"));
        Assert.Equal("v", _world.Ask("GETEX k PERSIST"));
        _world.Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal("v", _world.Ask("GETEX k EX 1"));
        _world.Pass(TimeSpan.FromMilliseconds(1100));
        Assert.Equal("(nil)", _world.Ask("GETEX k PERSIST"));
    }

    [Fact]
    public void In_a_transaction_each_sees_those_before()
    {
        _world.Ask("MULTI");
        foreach (var request in (string[])
            ["MSET a 1 b 2", "INCR a", "APPEND a 0", "GETRANGE a 0 -1", "SETBIT a 7 1", "BITCOUNT a", "BITOP OR c a b", "LCS a c", "MSETNX b 1 new 2",
                "BITFIELD a GET u8 0 INCRBY u8 0 1", "GETDEL a", "MGET a b c", "INCR c"])
            Assert.Equal("QUEUED", _world.Ask(request));
        Assert.Equal("[OK, 2, 2, 20, 0, 6, 2, 30, 0, [51, 52], 40, [(nil), 2, 30], 31]", _world.Ask("EXEC"));
    }

    [Fact]
    public void The_third_protocol_has_its_own_shapes()
    {
        _world.First.Client.Version = 3;
        _world.Ask("MSET a ohmytext b mynewtext");
        Assert.Equal("{matches: [[[4, 7], [5, 8], 4]], len: 6}", _world.Ask("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"));
        foreach (var request in (string[])["GET none", "GETEX none", "GETDEL none", "SET a v NX", "GETSET none v"])
        {
            _world.First.Receive(Encoding.ASCII.GetBytes(request + "\r\n"));
            Assert.Equal("_\r\n", Encoding.ASCII.GetString(_world.First.Take()));
        }
        _world.First.Receive("MGET a none x\r\nBITFIELD n OVERFLOW FAIL SET u1 0 2 GET u1 0\r\n"u8);
        Assert.Equal("*3\r\n$8\r\nohmytext\r\n$1\r\nv\r\n_\r\n*2\r\n_\r\n:0\r\n", Encoding.ASCII.GetString(_world.First.Take()));
    }

    [Fact]
    public void Many_keys_are_one_step_and_what_they_held_is_put_down()
    {
        for (var i = 0; i < 300; i++) _world.Ask($"RPUSH k3 {i}");
        var before = _world.Position;
        Assert.Equal("OK", _world.Ask(["MSET", .. Enumerable.Range(0, 10).SelectMany(i => new[] { $"k{i}", $"v{i}" })]));
        Assert.Equal(before + 1, _world.Position);
        Assert.Equal("[v3, v9]", _world.Ask("MGET k3 k9"));
        Assert.Equal(0, StructureChecker.Check(_world));
        for (var i = 0; i < 300; i++) _world.Ask($"RPUSH l {i}");
        Assert.Equal("2", _world.Ask("BITOP AND l k1 k2"));
        Assert.Equal("string", _world.Ask("TYPE l"));
        Assert.Equal("0", _world.Ask("MSETNX l x fresh y"));
        Assert.Equal("0", _world.Ask("EXISTS fresh"));
    }

    [Fact]
    public void A_string_grows_to_its_limit_and_no_further()
    {
        const int Max = (64 << 20) - (128 << 10);
        const string TooLong = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        Assert.Equal($"{Max}", _world.Ask($"SETRANGE k {Max - 1} x"));
        Assert.Equal(TooLong, _world.Ask($"SETRANGE k {Max} x"));
        Assert.Equal(TooLong, _world.Ask("APPEND k x"));
        Assert.Equal(TooLong, _world.Ask($"SETBIT k {8L * Max} 1"));
        Assert.Equal(TooLong, _world.Ask($"BITFIELD k SET u8 {(8L * Max) - 7} 1"));
        Assert.Equal("0", _world.Ask($"GETBIT k {8L * Max}"));
        Assert.Equal("[0]", _world.Ask($"BITFIELD k GET u8 {8L * Max}"));
        Assert.Equal("4", _world.Ask("BITCOUNT k"));
        Assert.Equal($"{(8L * Max) - 7}", _world.Ask("BITPOS k 1"));
        Assert.Equal("x", _world.Ask("GETRANGE k -1 -1"));
    }

    [Fact]
    public void A_pipeline_that_writes_more_than_a_batch_holds_is_several()
    {
        var second = _world.Connect();
        _world.Ask("SETRANGE b 8000000 x");
        var before = _world.Position;
        for (var i = 0; i < 20; i++)
        {
            _world.First.Receive(Encoding.ASCII.GetBytes($"SETBIT b {i} 1\r\nINCR n\r\n"));
            second.Receive("INCR n\r\nBITCOUNT b 0 99\r\n"u8);
        }
        _world.Loop.EndTurn();
        Assert.Equal(before + 3, _world.Position);
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 20).Select(i => $"0 {(2 * i) + 1}")), ReplyText.Of(_world.First.Take()));
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 20).Select(i => $"{(2 * i) + 2} {i + 1}")), ReplyText.Of(second.Take()));
        Assert.Equal("24", _world.Ask("BITCOUNT b"));
    }

    [Fact]
    public void What_changes_nothing_writes_nothing()
    {
        _world.Ask("SETBIT k 7 0");
        _world.Ask("BITFIELD f SET i5 0 0");
        var watcher = _world.Connect();
        watcher.Ask("WATCH k f");
        Assert.Equal("0", _world.Ask("SETBIT k 3 0"));
        Assert.Equal("[0]", _world.Ask("BITFIELD f SET i5 0 0"));
        watcher.Ask("MULTI");
        Assert.Equal("[]", watcher.Ask("EXEC"));
        watcher.Ask("WATCH k f");
        Assert.Equal("[1]", _world.Ask("BITFIELD f INCRBY i5 0 1"));
        watcher.Ask("MULTI");
        Assert.Equal("(nil)", watcher.Ask("EXEC"));
    }

    [Fact]
    public void Long_strings_are_compared_beside_the_loop()
    {
        var a = string.Concat(Enumerable.Range(0, 2000).Select(i => (char)('a' + (i * i % 7))));
        var b = string.Concat(Enumerable.Range(0, 2000).Select(i => (char)('a' + (i * 3 % 5))));
        _world.Ask("MSET", "a", a, "b", b);
        _world.First.Receive("LCS a b LEN\r\nGET none\r\n"u8);
        Assert.True(_world.First.Client.IsSuspended);
        var reply = ReplyText.Of(_world.First.Take());
        Assert.EndsWith(" (nil)", reply, StringComparison.Ordinal);
        Assert.InRange(int.Parse(reply.Split(' ')[0], CultureInfo.InvariantCulture), 500, 1999);
        _world.Ask("MSET", "a", new string('a', 20_000), "b", new string('b', 20_000));
        Assert.Equal("(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len", _world.Ask("LCS a b LEN"));
    }
}
