// aevum bench redis: what it counts, what it says, where it ends; on a server in this process, and on one that answers what it is told to.

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Benching;
using Aevum.Cli.Connecting;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Server.Hosting;
using Spectre.Console;

namespace Aevum.Cli.Tests;

public sealed class BenchTests
{
    static ServerHost Serve()
    {
        var host = ServerHost.Start(new ServerOptions { Resp = [new IPEndPoint(IPAddress.Loopback, 0)] });
        Assert.True(host.WaitUntilOpen());
        return host;
    }

    static CliResult Bench(ServerHost host, params string[] options) =>
        CliWorld.Run("", ["bench", "redis", $"127.0.0.1:{host.RespEndpoints[0].Port}", .. options]);

    static string Ask(ServerHost host, params string[] words)
    {
        using var connection = RespConnection.Open(new ConnectOptions("127.0.0.1", host.RespEndpoints[0].Port, null, null, false, null, 0));
        return ReplyText.ForPerson(connection.Ask(words)).TrimEnd();
    }

    [Fact]
    public void Counted_requests_arrive_all_and_no_more()
    {
        using var host = Serve();
        var result = Bench(host, "--mix", "incr", "--keys", "1", "--requests", "1003", "--clients", "4", "--pipeline", "7");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("\"1003\"", Ask(host, "GET", "bench:n:0"));
        Assert.Contains("1,003", result.Lines.Single(l => l.StartsWith("incr", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_command_of_a_mix_is_one_that_the_server_takes()
    {
        using var host = Serve();
        var mix = string.Join(',', LoadCommands.All.Select(c => c.Name));
        var result = Bench(host, "--mix", mix, "--requests", "4000", "--clients", "3", "--pipeline", "5", "--keys", "50", "--size", "9", "--json", "--fill");
        Assert.Equal(0, result.ExitCode);
        using var last = JsonDocument.Parse(result.Lines[^1]);
        var summary = last.RootElement.GetProperty("summary");
        Assert.Equal(4000, summary.GetProperty("requests").GetInt64());
        Assert.Equal(0, summary.GetProperty("errors").GetInt64());
        var commands = summary.GetProperty("commands").EnumerateArray().ToArray();
        Assert.Equal(LoadCommands.All.Select(c => c.Name), commands.Select(c => c.GetProperty("command").GetString()));
        Assert.Equal(4000, commands.Sum(c => c.GetProperty("requests").GetInt64()));
        Assert.All(commands, c => Assert.True(c.GetProperty("p50_us").GetDouble() <= c.GetProperty("max_us").GetDouble()));
    }

    [Fact]
    public void What_is_filled_is_found()
    {
        using var host = Serve();
        var filled = Bench(host, "--mix", "get", "--requests", "500", "--keys", "300", "--fill", "--json", "--prefix", "x:");
        Assert.Equal(0, Nil(filled));
        Assert.Equal("(integer) 300", Ask(host, "DBSIZE"));
        Assert.StartsWith("fill set", filled.Error, StringComparison.Ordinal);
        Assert.Equal(500, Nil(Bench(host, "--mix", "get", "--requests", "500", "--keys", "300", "--json", "--prefix", "y:")));

        static long Nil(CliResult result)
        {
            using var last = JsonDocument.Parse(result.Lines[^1]);
            return last.RootElement.GetProperty("summary").GetProperty("commands")[0].GetProperty("nil").GetInt64();
        }
    }

    [Fact]
    public void Errors_are_counted_by_their_words_and_tell_in_the_exit_code()
    {
        using var host = Serve();
        Ask(host, "SET", "bench:l:0", "text");
        var result = Bench(host, "--mix", "lpush", "--keys", "1", "--requests", "30", "--clients", "2");
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
        Assert.Contains("30 x WRONGTYPE Operation against a key holding the wrong kind of value", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_ends_it_and_each_second_is_a_line()
    {
        using var host = Serve();
        var result = Bench(host, "--seconds", "1.2", "--clients", "1", "--mix", "ping", "--json");
        Assert.Equal(0, result.ExitCode);
        using var first = JsonDocument.Parse(result.Lines[0]);
        Assert.Equal(1, first.RootElement.GetProperty("second").GetInt32());
        Assert.True(first.RootElement.GetProperty("requests").GetInt64() > 0);
        Assert.Contains("\"summary\"", result.Lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no load is made of 'nope'", "--mix", "nope")]
    [InlineData("is no number above 0", "--mix", "get=0")]
    [InlineData("twice", "--mix", "get,get=2")]
    [InlineData("--clients is from 1 to 100000", "--clients", "0")]
    [InlineData("--seconds is above 0", "--seconds", "0")]
    [InlineData("--requests is above 0", "--requests", "-1")]
    public void What_makes_no_load_is_refused(string why, params string[] options)
    {
        var result = CliWorld.Run("", ["bench", "redis", "127.0.0.1:1", .. options]);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_there_is_one_line()
    {
        var result = CliWorld.Run("", "bench", "redis", "127.0.0.1:1", "--requests", "1");
        Assert.Equal(ExitCodes.CouldNotRun, result.ExitCode);
        Assert.Contains("127.0.0.1:1: ", result.Error, StringComparison.Ordinal);
    }

    // A server that greets, answers one request and ends the connection; whoever comes again gets the same.
    [Fact]
    public void A_connection_that_breaks_is_counted_and_opened_anew()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var greeted = 0;
        var thread = new Thread(() =>
        {
            for (var i = 0; i < 2; i++)
            {
                using var client = listener.AcceptTcpClient();
                var stream = client.GetStream();
                var reader = new RespReader(stream);
                reader.Read();
                Interlocked.Increment(ref greeted);
                stream.Write("%0\r\n"u8);
                reader.Read();
                stream.Write("+PONG\r\n"u8);
            }
            listener.Stop();
        });
        thread.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var result = CliWorld.Run("", "bench", "redis", $"127.0.0.1:{port}", "--mix", "ping", "--clients", "1", "--seconds", "2.5");
        thread.Join();
        Assert.Equal(2, greeted);
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
        Assert.Contains("2 x the connection broke: ", result.Out, StringComparison.Ordinal);
    }

    // ------------------------------------------------------------------------------------------------ parts

    static List<(ReplyKind Kind, string Error)> Skim(string bytes, SeededRandom? cuts)
    {
        var skimmer = new ReplySkimmer();
        var found = new List<(ReplyKind, string)>();
        var all = Encoding.Latin1.GetBytes(bytes);
        for (var at = 0; at < all.Length;)
        {
            var length = cuts is null ? all.Length : Math.Min(all.Length - at, cuts.Next(1, 9));
            ReadOnlySpan<byte> piece = all.AsSpan(at, length);
            while (skimmer.TrySkim(ref piece, out var kind)) found.Add((kind, kind == ReplyKind.Error ? skimmer.Error : ""));
            at += length;
        }
        return found;
    }

    [Fact]
    public void Replies_are_told_apart_however_they_are_cut()
    {
        const string bytes = "+OK\r\n-ERR no\r\n:5\r\n$3\r\na\nb\r\n$0\r\n\r\n$-1\r\n_\r\n*-1\r\n*0\r\n*2\r\n*1\r\n$1\r\nx\r\n-ERR inside\r\n%1\r\n+a\r\n:1\r\n"
            + ">2\r\n+invalidate\r\n*1\r\n+k\r\n,1.5\r\n!7\r\nERR yes\r\n|1\r\n+ttl\r\n:3\r\n:5\r\n~1\r\n#t\r\n=5\r\ntxt:a\r\n*1\r\n_\r\n";
        (ReplyKind, string)[] expected =
        [
            (ReplyKind.Value, ""), (ReplyKind.Error, "ERR no"), (ReplyKind.Value, ""), (ReplyKind.Value, ""), (ReplyKind.Value, ""),
            (ReplyKind.Nothing, ""), (ReplyKind.Nothing, ""), (ReplyKind.Nothing, ""), (ReplyKind.Value, ""), (ReplyKind.Value, ""),
            (ReplyKind.Value, ""), (ReplyKind.Value, ""), (ReplyKind.Error, "ERR yes"), (ReplyKind.Value, ""), (ReplyKind.Value, ""),
            (ReplyKind.Value, ""), (ReplyKind.Value, ""),
        ];
        Assert.Equal(expected, Skim(bytes, null));
        for (ulong seed = 0; seed < 50; seed++) Assert.Equal(expected, Skim(bytes, new SeededRandom(seed)));
    }

    [Fact]
    public void Any_bytes_are_skimmed_or_refused()
    {
        const string letters = "+-:$*%~>#_,(=!|0123456789\r\n\r\n\r\nab";
        var random = new SeededRandom(3);
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => letters[random.Next(letters.Length)]));
            try
            {
                Skim(text, random);
            }
            catch (AevumException refused)
            {
                Assert.Equal(ErrorCode.InputOutput, refused.Code);
            }
        }
    }

    [Fact]
    public void A_mix_draws_by_weight()
    {
        var mix = LoadMix.Parse("get=8, set=1, incr");
        Assert.Equal("get=8,set=1,incr=1", mix.ToString());
        var random = new SeededRandom(1);
        var drawn = new int[3];
        for (var i = 0; i < 10_000; i++) drawn[mix.Draw(random)]++;
        Assert.InRange(drawn[0], 7_800, 8_200);
        Assert.InRange(drawn[1], 900, 1_100);
    }

    [Fact]
    public void The_live_view_shows_rates_bars_and_errors()
    {
        Assert.Equal("▁▅█", Sparkline.Of([9, 0, 4, 8], 3));
        Assert.Equal("▁▁", Sparkline.Of([0, 0], 9));
        Assert.Equal("", Sparkline.Of([], 9));
        var server = new ConnectOptions("localhost", 7, null, null, false, null, 0);
        var options = new LoadOptions(server, 2, 1, 10, 1, LoadMix.Parse("get,set"), TimeSpan.FromSeconds(9), null, "", 1);
        using var load = new RedisLoad(options, TimeProvider.System);
        load.Counters.Latencies[0].Record(50_000, 1000);
        load.Counters.Errors[1] = 3;
        load.Errors.Add("ERR no");
        var sum = new LoadSum(2);
        sum.Add(load.Counters);
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 120;
        console.Write(LoadView.Draw(load, sum, TimeSpan.FromSeconds(1), [500, 1000], 120));
        var shown = output.ToString();
        foreach (var part in (string[])["localhost:7", "1,000", "p99.9", "▅█", "2 of 9 s", "0 of 2 clients", "1 x ERR no"])
            Assert.Contains(part, shown, StringComparison.Ordinal);
    }
}
