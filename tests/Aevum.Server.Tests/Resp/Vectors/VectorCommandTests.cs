using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Aevum.Server.Tests.Resp.Vectors;

/// <summary>The V commands by themselves: replies and errors, word for word, as the seed has them where it has them.</summary>
public sealed class VectorCommandTests : IDisposable
{
    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string Blob(params float[] vector) => Encoding.Latin1.GetString(MemoryMarshal.AsBytes<float>(vector));

    string Ask(params string[] words) => _world.Ask(words);

    [Fact]
    public void Within_a_transaction_vectors_are_written_with_the_rest_and_collections_made_and_searched_after_it()
    {
        Ask("VNEW", "idx", "2", "METRIC", "l2");
        var other = _world.Connect();
        foreach (var queued in (string[][])[["MULTI"], ["VADD", "idx", "a", Blob(0, 1)], ["SET", "k", "v"], ["VSEARCH", "idx", Blob(0, 0), "9"],
            ["VNEW", "two", "3"], ["VADD", "two", "a", Blob(1, 2, 3)], ["VLIST"], ["VDROP", "two"], ["VINFO", "two"], ["GET", "k"]])
            Ask(queued);
        _world.First.Receive(TestChannel.Request("EXEC"));
        _world.First.Receive(TestChannel.Request("PING"));
        _world.Loop.EndTurn();
        Assert.Empty(_world.First.Sent);                           // a worker searches,
        Assert.Equal("v", other.Ask("GET", "k"));                  // and others go on
        Assert.Equal("[1, OK, [a, 1], OK, (error) ERR no such index, [idx, two], OK, (error) ERR no such index, v] PONG",
            ReplyText.Of(_world.First.Take()).ReplaceLineEndings(" "));
    }

    [Fact]
    public void A_collection_is_made_filled_searched_and_emptied()
    {
        Assert.Equal("OK", Ask("VNEW", "idx", "2", "METRIC", "l2"));
        Assert.Equal("1", Ask("VADD", "idx", "a", Blob(0, 0)));
        Assert.Equal("1", Ask("VADD", "idx", "b", Blob(3, 4)));
        Assert.Equal("0", Ask("VADD", "idx", "a", Blob(0, 1)));
        Assert.Equal("[a, 1, b, 5]", Ask("VSEARCH", "idx", Blob(0, 0), "10"));
        Assert.Equal("[a, 1]", Ask("VSEARCH", "idx", Blob(0, 0), "1", "EF", "5"));
        Assert.Equal("[]", Ask("VSEARCH", "idx", Blob(0, 0), "0"));
        Assert.Equal("[dim, 2, metric, l2, count, 2]", Ask("VINFO", "idx"));
        Assert.Equal("1", Ask("VDEL", "idx", "a"));
        Assert.Equal("0", Ask("VDEL", "idx", "a"));
        Assert.Equal("[b, 5]", Ask("VSEARCH", "idx", Blob(0, 0), "10"));
        Assert.Equal("[dim, 2, metric, l2, count, 1]", Ask("VINFO", "idx"));
        Assert.Equal("(error) ERR persistence not enabled; start with a data dir", Ask("VSAVE"));
    }

    [Fact]
    public void Errors_are_worded_as_the_seed_words_them()
    {
        Assert.Equal("(error) ERR wrong number of arguments for 'vnew' command", Ask("VNEW", "idx"));
        Assert.Equal("(error) ERR dimension must be a positive integer", Ask("VNEW", "idx", "0"));
        Assert.Equal("(error) ERR dimension must be a positive integer", Ask("VNEW", "idx", "-3"));
        Assert.Equal("(error) ERR dimension must be a positive integer", Ask("VNEW", "idx", "many"));
        Assert.Equal("(error) ERR unknown metric", Ask("VNEW", "idx", "3", "METRIC", "manhattan"));
        Assert.Equal("(error) ERR syntax error", Ask("VNEW", "idx", "3", "METRIC"));
        Assert.Equal("(error) ERR syntax error", Ask("VNEW", "idx", "3", "COLOUR", "red"));
        Assert.Equal("(error) ERR unknown quantization", Ask("VNEW", "idx", "3", "QUANT", "half"));
        Assert.Equal("(error) ERR syntax error", Ask("VNEW", "idx", "3", "QUANT"));
        Assert.StartsWith("(error) ERR vectors of Float16 are not quantized further", Ask("VNEW", "idx", "3", "TYPE", "f16", "QUANT", "int8"));
        Assert.Equal("OK", Ask("VNEW", "idx", "3"));
        Assert.Equal("(error) ERR index already exists", Ask("VNEW", "idx", "3"));
        Assert.Equal("(error) ERR index already exists", Ask("VNEW", "idx", "4", "METRIC", "dot"));

        Assert.Equal("(error) ERR wrong number of arguments for 'vadd' command", Ask("VADD", "idx", "k"));
        Assert.Equal("(error) ERR wrong number of arguments for 'vadd' command", Ask("VADD", "idx", "k", Blob(1, 2, 3), "more"));
        Assert.Equal("(error) ERR no such index", Ask("VADD", "none", "k", Blob(1, 2, 3)));
        Assert.Equal("(error) ERR invalid vector encoding", Ask("VADD", "idx", "k", ""));
        Assert.Equal("(error) ERR invalid vector encoding", Ask("VADD", "idx", "k", "12345"));
        Assert.Equal("(error) ERR invalid vector encoding", Ask("VADD", "idx", "k", Blob(1, float.NaN, 3)));
        Assert.Equal("(error) ERR invalid vector encoding", Ask("VADD", "idx", "k", Blob(1, 2, float.PositiveInfinity)));
        Assert.Equal("(error) ERR wrong vector dimension: index expects 3, got 2", Ask("VADD", "idx", "k", Blob(1, 2)));
        Assert.StartsWith("(error) ERR the vector is zero everywhere", Ask("VADD", "idx", "k", Blob(0, 0, 0)));
        Assert.StartsWith("(error) ERR the vector is longer", Ask("VADD", "idx", "k", Blob(1e30f, 0, 0)));

        Assert.Equal("(error) ERR wrong number of arguments for 'vsearch' command", Ask("VSEARCH", "idx", Blob(1, 2, 3)));
        Assert.Equal("(error) ERR no such index", Ask("VSEARCH", "none", Blob(1, 2, 3), "1"));
        Assert.Equal("(error) ERR wrong vector dimension: index expects 3, got 1", Ask("VSEARCH", "idx", Blob(1), "1"));
        Assert.Equal("(error) ERR invalid vector encoding", Ask("VSEARCH", "idx", "x", "1"));
        Assert.Equal("(error) ERR value is not an integer or out of range", Ask("VSEARCH", "idx", Blob(1, 2, 3), "ten"));
        Assert.Equal("(error) ERR value is not an integer or out of range", Ask("VSEARCH", "idx", Blob(1, 2, 3), "-1"));
        Assert.Equal("(error) ERR value is not an integer or out of range", Ask("VSEARCH", "idx", Blob(1, 2, 3), "1", "EF", "x"));
        Assert.Equal("(error) ERR syntax error", Ask("VSEARCH", "idx", Blob(1, 2, 3), "1", "EF"));
        Assert.Equal("(error) ERR syntax error", Ask("VSEARCH", "idx", Blob(1, 2, 3), "1", "NEARLY", "2"));

        Assert.Equal("(error) ERR no such index", Ask("VDEL", "none", "k"));
        Assert.Equal("(error) ERR no such index", Ask("VINFO", "none"));
        Assert.Equal("(error) ERR no such index", Ask("VDROP", "none"));
        Assert.Equal("(error) ERR no such index", Ask("VGET", "none", "k"));
    }

    [Fact]
    public void Names_of_metrics_have_aliases_and_distances_mean_what_they_say()
    {
        foreach (var (name, shown, distance) in new[]
        {
            ("euclidean", "l2", "[k, 5]"), ("L2", "l2", "[k, 5]"), ("ip", "dot", "[k, -25]"), ("dot", "dot", "[k, -25]"), ("COSINE", "cosine", "[k, 0]"),
            ("l1", "l1", "[k, 7]"),
        })
        {
            Assert.Equal("OK", Ask("VNEW", "m-" + name, "2", "METRIC", name));
            Assert.Equal("1", Ask("VADD", "m-" + name, "k", Blob(6, 8)));
            Assert.Equal($"[dim, 2, metric, {shown}, count, 1]", Ask("VINFO", "m-" + name));
            var query = shown == "dot" ? Blob(1.5f, 2) : Blob(3, 4);
            Assert.Equal(distance, Ask("VSEARCH", "m-" + name, query, "1"));
        }
    }

    [Fact]
    public void Vectors_come_as_numbers_too_and_searches_begin_at_keys()
    {
        Ask("VNEW", "idx", "2", "METRIC", "l2");
        Assert.Equal("1", Ask("VADD", "idx", "a", "VALUES", "2", "1", "2.5"));
        Assert.Equal("1", Ask("VADD", "idx", "b", "values", "2", "1e0", "3.5"));
        Assert.Equal("[1, 2.5]", Ask("VGET", "idx", "a", "VALUES"));
        Assert.Equal(Blob(1, 3.5f), Ask("VGET", "idx", "b"));
        Assert.Equal("(nil)", Ask("VGET", "idx", "c"));
        Assert.Equal("[a, 0, b, 1]", Ask("VSEARCH", "idx", "KEY", "a", "2"));
        Assert.Equal("[b, 0.25, a, 0.75]", Ask("VSEARCH", "idx", "VALUES", "2", "1", "3.25", "2"));
        Assert.Equal("(error) ERR no such key", Ask("VSEARCH", "idx", "KEY", "c", "2"));
        Assert.Equal("(error) ERR syntax error", Ask("VADD", "idx", "a", "VALUES", "3", "1", "2"));
        Assert.Equal("(error) ERR value is not a valid float", Ask("VADD", "idx", "a", "VALUES", "2", "1", "x"));
        Assert.Equal("(error) ERR wrong vector dimension: index expects 2, got 1", Ask("VADD", "idx", "a", "VALUES", "1", "1"));
        Assert.Equal("1", Ask("VEXISTS", "idx"));
        Assert.Equal("0", Ask("VEXISTS", "other"));
        Assert.Equal("1", Ask("VEXISTS", "idx", "a"));
        Assert.Equal("0", Ask("VEXISTS", "idx", "z"));
        Assert.Equal("[a, 0, " + Blob(1, 2.5f) + "]", Ask("VSEARCH", "idx", "KEY", "a", "1", "WITHVECTORS"));
        Assert.Equal("[b, 1]", Ask("VSEARCH", "idx", "KEY", "a", "2", "OFFSET", "1"));
        Assert.Equal("[a, 0]", Ask("VSEARCH", "idx", "KEY", "a", "2", "THRESHOLD", "0.5"));
        Assert.Equal("[a, 0]", Ask("VSEARCH", "idx", "KEY", "a", "1", "EXACT"));
    }

    [Theory]
    [InlineData("int8")]
    [InlineData("pq")]
    public void A_quantized_collection_tells_of_its_codes(string quantization)
    {
        using var world = new RespWorld(new DatabaseOptions { VectorSealRows = 40 });
        Assert.Equal("OK", world.Ask("VNEW", "idx", "4", "METRIC", "l2", "QUANT", quantization));
        for (var i = 0; i < 100; i++) Assert.Equal("1", world.Ask("VADD", "idx", $"k{i}", Blob(i, i % 7, i % 5, 1)));
        world.Pass(TimeSpan.FromSeconds(2));
        var told = world.Ask("VINFO", "idx", "FULL");
        Assert.Contains($"type, f32, quantization, {quantization}, m, 16", told, StringComparison.Ordinal);
        Assert.Matches("indexed, 100, coded, (6[1-9]|[7-9].|100), tail, 0, memory", told);
        Assert.Contains(", bytes_per_vector, ", told, StringComparison.Ordinal);
        Assert.Equal("[k50, 0, k51, 1.7320508]", world.Ask("VSEARCH", "idx", Blob(50, 1, 0, 1), "2"));
        Assert.Equal("1", world.Ask("VDEL", "idx", "k50"));
        Assert.Equal("[k51, 1.7320508]", world.Ask("VSEARCH", "idx", Blob(50, 1, 0, 1), "1"));
        Assert.Equal("[dim, 4, metric, l2, count, 99]", world.Ask("VINFO", "idx"));
    }

    [Fact]
    public void The_past_is_searched_as_it_was()
    {
        Ask("AEVUM.RETENTION", "forever");   // of the selected database: else no moment of it can be named
        Ask("VNEW", "idx", "2", "METRIC", "l2");
        Ask("VADD", "idx", "a", Blob(0, 0));
        Ask("VADD", "idx", "b", Blob(0, 2));
        var before = _world.Database.Now;
        _world.Pass(TimeSpan.FromSeconds(1));
        Ask("VDEL", "idx", "a");
        Ask("VADD", "idx", "b", Blob(5, 5));
        Ask("VADD", "idx", "c", Blob(1, 0));
        Assert.Equal("[c, 1, b, 7.071068]", Ask("VSEARCH", "idx", Blob(0, 0), "9"));
        Assert.Equal("[a, 0, b, 2]", Ask("VSEARCH", "idx", Blob(0, 0), "9", "ASOF", $"v:{before.Value}"));
        Assert.Equal("[a, 0, b, 2]", Ask("VSEARCH", "idx", Blob(0, 0), "9", "EXACT", "ASOF", $"v:{before.Value}"));
        _world.Pass(TimeSpan.FromSeconds(1));   // the index catches up
        Assert.Equal("[a, 0, b, 2]", Ask("VSEARCH", "idx", Blob(0, 0), "9", "ASOF", $"v:{before.Value}"));

        Assert.Equal($"v:{before.Value}", Ask("AEVUM.ASOF", $"v:{before.Value}"));
        Assert.Equal("[a, 0, b, 2]", Ask("VSEARCH", "idx", Blob(0, 0), "9"));
        Assert.Equal("[0, 2]", Ask("VGET", "idx", "b", "VALUES"));
        Assert.Equal("0", Ask("VEXISTS", "idx", "c"));
        Assert.Equal("[dim, 2, metric, l2, count, 2]", Ask("VINFO", "idx"));
        Assert.StartsWith("(error) ERR this connection reads as of", Ask("VADD", "idx", "x", Blob(1, 1)));
        Assert.Equal("OK", Ask("AEVUM.ASOF", "NOW"));

        Assert.Equal("OK", Ask("VDROP", "idx"));
        Assert.Equal("[]", Ask("VLIST"));
        Assert.Equal("(error) ERR no such index", Ask("VSEARCH", "idx", Blob(0, 0), "9"));
        Assert.Equal("[a, 0, b, 2]", Ask("VSEARCH", "idx", Blob(0, 0), "9", "ASOF", $"v:{before.Value}"));
        Assert.Equal("OK", Ask("VNEW", "idx", "3"));
        Assert.Equal("[]", Ask("VSEARCH", "idx", Blob(1, 0, 0), "9"));
        Assert.Equal("[idx]", Ask("VLIST"));
    }

    [Fact]
    public void Vectors_and_keys_change_together_or_not_at_all()
    {
        Ask("VNEW", "idx", "1", "METRIC", "l2");
        Ask("MULTI");
        Ask("SET", "k", "v");
        Ask("VADD", "idx", "a", Blob(1));
        Ask("VADD", "idx", "a", Blob(2));
        Ask("VEXISTS", "idx", "a");
        Ask("VSEARCH", "idx", Blob(0), "5");
        Ask("VDEL", "idx", "b");
        Assert.Equal("[OK, 1, 0, 1, [a, 2], 0]", Ask("EXEC"));
        Assert.Equal("[a, 2]", Ask("VSEARCH", "idx", Blob(0), "5"));

        var other = _world.Connect();
        Ask("WATCH", "k");
        Ask("MULTI");
        Ask("VADD", "idx", "b", Blob(9));
        other.Ask("SET", "k", "w");
        Assert.Equal("(nil)", Ask("EXEC"));
        Assert.Equal("0", Ask("VEXISTS", "idx", "b"));
    }

    [Fact]
    public void A_pipeline_is_answered_in_order_and_each_search_sees_what_came_before()
    {
        Ask("VNEW", "idx", "1", "METRIC", "l2");
        var pipeline = new List<byte>();
        var expected = new List<string>();
        for (var i = 1; i <= 50; i++)
        {
            pipeline.AddRange(TestChannel.Request("VADD", "idx", "a", Blob(i)));
            pipeline.AddRange(TestChannel.Request("VSEARCH", "idx", Blob(0), "2"));
            pipeline.AddRange(TestChannel.Request("PING"));
            expected.Add(string.Create(CultureInfo.InvariantCulture, $"{(i == 1 ? 1 : 0)} [a, {i}] PONG"));
        }
        _world.First.Receive(pipeline.ToArray());
        Assert.Equal(string.Join(' ', expected), ReplyText.Of(_world.First.Take()));
    }

    [Fact]
    public void Distances_are_written_without_exponents()
    {
        foreach (var (distance, text) in new[]
        {
            (0f, "0"), (0.25f, "0.25"), (1e-7f, "0.0000001"), (-1.5e-9f, "-0.0000000015"), (1.2345678e20f, "123456780000000000000"), (-3f, "-3"),
            (float.MaxValue, "340282350000000000000000000000000000000"), (16777216f, "16777216"),
            (1.1754944e-38f, "0.000000000000000000000000000000000000011754944"),
        })
        {
            Assert.Equal(text, Server.Resp.Commands.Vectors.VectorCommands.TextOf(distance));
            Assert.Equal(distance, float.Parse(text, CultureInfo.InvariantCulture));
        }
    }
}
