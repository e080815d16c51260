// The real server, as a process, spoken to with a socket: what is left when it ends, however it ends; what it refuses; what it tells.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

/// <summary>The real server, as a process, spoken to with a socket.</summary>
[Collection("README")]
public sealed class ServeTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_was_acknowledged_is_there_after_a_clean_end_and_after_a_kill()
    {
        using (var server = AskedServer.Start(_world, "--data", "store"))
        {
            Assert.Equal("+OK\r\n", server.Ask("SET a 1"));
            Assert.Equal(0, server.Terminate());
        }
        using (var server = AskedServer.Start(_world, "--data", "store"))
        {
            Assert.Equal("$1\r\n1\r\n", server.Ask("GET a"));
            Assert.Equal("+OK\r\n", server.Ask("SET a 2"));
            server.Kill();
        }
        using (var server = AskedServer.Start(_world, "--data", "store"))
            Assert.Equal("$1\r\n2\r\n", server.Ask("GET a"));
    }

    [Fact]
    public void Whoever_waits_for_a_key_does_not_hold_the_end_up()
    {
        using var server = AskedServer.Start(_world, "--memory");
        server.Send("BLPOP queue 0");
        Assert.Equal(0, server.Terminate());
        Assert.Equal("", server.ReadToEnd());
    }

    [Fact]
    public void Every_write_that_was_acknowledged_before_the_end_is_there_afterwards()
    {
        var acknowledged = 0;
        using (var server = AskedServer.Start(_world, "--data", "store"))
        {
            // A client that never stops writing, told to end in the middle of it.
            var pipeline = string.Concat(Enumerable.Range(0, 200).Select(i => $"INCR n\r\n"));
            for (var burst = 0; burst < 20; burst++) acknowledged = Math.Max(acknowledged, LastNumber(server.Ask(pipeline.TrimEnd())));
            server.Send(pipeline.TrimEnd());
            Assert.Equal(0, server.Terminate());
            acknowledged = Math.Max(acknowledged, LastNumber(server.ReadToEnd()));
        }
        Assert.True(acknowledged > 0);
        using (var server = AskedServer.Start(_world, "--data", "store"))
        {
            var text = server.Ask("GET n").Split("\r\n")[1];
            Assert.InRange(int.Parse(text), acknowledged, 21 * 200);
        }
    }

    static int LastNumber(string replies) =>
        replies.Split("\r\n")[..^1].LastOrDefault(l => l.StartsWith(':')) is { } line ? int.Parse(line[1..]) : 0;

    [Theory]
    [InlineData(ExitCodes.Usage, "say what to serve")]
    [InlineData(ExitCodes.Usage, "did you mean --clients-max?", "--memory", "--clints-max", "5")]
    [InlineData(ExitCodes.Configuration, "it is one or the other", "--memory", "--data", "x")]
    [InlineData(ExitCodes.Configuration, "--resp: expected an address", "--memory", "--resp", "nowhere")]
    [InlineData(ExitCodes.Configuration, "--cache: expected a size", "--memory", "--cache", "much")]
    [InlineData(ExitCodes.Configuration, "needs tls.certificate", "--memory", "--resp-tls", "127.0.0.1:0")]
    [InlineData(ExitCodes.Configuration, "cannot be read", "--memory", "--config", "nowhere.json")]
    [InlineData(ExitCodes.CouldNotRun, "nobody has to say who he is", "--memory", "--resp", "0.0.0.0:0")]
    [InlineData(ExitCodes.CouldNotRun, "nowhere.pem", "--memory", "--resp-tls", "127.0.0.1:0", "--tls-cert", "nowhere.pem", "--tls-key", "nowhere.pem")]
    public void What_makes_no_server_is_refused(int code, string why, params string[] arguments)
    {
        var result = CliWorld.Run("", ["serve", .. arguments]);
        Assert.Contains(why, result.Error);
        Assert.Equal(code, result.ExitCode);
    }

    [Fact]
    public void A_directory_or_an_address_that_is_taken_is_told()
    {
        using var server = AskedServer.Start(_world, "--data", "store");
        var locked = CliWorld.Run("", "serve", "--data", _world.PathOf("store"), "--resp", "127.0.0.1:0", "--http", "off");
        Assert.Equal(ExitCodes.CouldNotRun, locked.ExitCode);
        Assert.Contains("is locked by", locked.Error);
        var taken = CliWorld.Run("", "serve", "--memory", "--resp", $"{server.Endpoint}", "--http", "off");
        Assert.Equal(ExitCodes.CouldNotRun, taken.ExitCode);
        Assert.Contains($"cannot listen on {server.Endpoint}", taken.Error);
    }

    [Fact]
    public void The_log_has_a_line_for_each_thing_and_nothing_of_what_keys_hold()
    {
        using var server = AskedServer.Start(_world, "--data", "store", "--log-format", "json");
        Assert.Equal("+OK\r\n", server.Ask("SET key hush"));
        Assert.Equal(0, server.Terminate());
        var lines = server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["database open", "stopping", "stopped"], lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("message").GetString()));
        Assert.DoesNotContain("hush", server.Log);
    }

    [Fact]
    public void The_configuration_is_shown_and_checked()
    {
        var file = _world.PathOf("aevum.json");
        File.WriteAllText(file, """{"resp": {"clients-max": 7}, "log": {"level": "loud"}}""");
        var wrong = CliWorld.Run("", "config", "check", file);
        Assert.Equal(ExitCodes.Problems, wrong.ExitCode);
        Assert.Contains("log.level: expected one of", wrong.Error);
        File.WriteAllText(file, """{"resp": {"clients-max": 7},}""");
        Assert.Equal((ExitCodes.Done, ""), CliWorld.Run("", "config", "check", file) is var right ? (right.ExitCode, right.Error) : default);
        var shown = CliWorld.Run("", "config", "print", "--config", file, "--memory", "--resp", "127.0.0.1:1", "--resp", "[::1]:2");
        Assert.Equal(ExitCodes.Done, shown.ExitCode);
        Assert.Contains(shown.Lines, l => l.StartsWith("resp.clients-max", StringComparison.Ordinal) && l.EndsWith($"{file}:1", StringComparison.Ordinal));
        Assert.Contains(shown.Lines, l => l.StartsWith("resp.listen", StringComparison.Ordinal) && l.Contains("127.0.0.1:1,[::1]:2", StringComparison.Ordinal));
        Assert.Contains(shown.Lines, l => l.StartsWith("data.memory", StringComparison.Ordinal) && l.EndsWith("--memory", StringComparison.Ordinal));
        var json = JsonDocument.Parse(CliWorld.Run("", "config", "print", "--json", "--config", file).Out).RootElement;
        Assert.Equal("7", json.GetProperty("resp.clients-max").GetProperty("value").GetString());
    }

    [Fact]
    public void The_demo_data_is_there_for_clients_of_Redis()
    {
        Assert.Equal(0, CliWorld.Run("", "demo", _world.PathOf("data"), "--data", CliWorld.DemoFolder).ExitCode);
        using var server = AskedServer.Start(_world, "--data", "data");
        // The data again, read the plain way.
        var synsets = DemoTests.Lines("synsets.tsv.gz").Select(l => l.Split('\t')).ToList();
        var edges = DemoTests.Lines("edges.tsv.gz").Select(l => l.Split('\t')).ToList();
        var words = synsets.SelectMany(f => f[3].ToLowerInvariant().Replace(' ', '_').Split(";_")).Distinct().Count();
        var sets = edges.Select(e => (e[0], e[1])).Distinct().Count();
        Assert.Equal($":{synsets.Count + words + sets + 3}\r\n", server.Ask("DBSIZE"));
        for (var id = 0; id < synsets.Count; id += 97)
        {
            var degree = edges.Count(e => e[0] == synsets[id][0]).ToString();
            Assert.Equal($"${degree.Length}\r\n{degree}\r\n", server.Ask($"ZSCORE count:degree {id}"));
            var kinds = edges.Where(e => e[0] == synsets[id][0] && e[1] == "@").Select(e => e[2]).Order(StringComparer.Ordinal);
            var answered = server.Ask($"SMEMBERS rel:{id}:hypernym").Split("\r\n").Skip(1).Where((_, i) => i % 2 == 1);
            Assert.Equal(kinds, answered.Order(StringComparer.Ordinal));
            Assert.Equal($"${Encoding.UTF8.GetByteCount(synsets[id][4])}\r\n", server.Ask($"HGET synset:{id} gloss").Split('\n')[0] + "\n");
        }
    }

    // The session of redis-cli in the README, played on the demo data; AEVUM_GOLDENS=rewrite puts what came out into the README instead.
    [FactThatNeeds(Program = "redis-cli")]
    public void The_session_of_redis_cli_in_the_README_goes_as_shown()
    {
        var path = Path.Combine(TestFolders.Repository, "README.md");
        var readme = File.ReadAllText(path);
        const string begin = "<!-- redis tour -->\n```text\n";
        var at = readme.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var shown = readme[at..readme.IndexOf("```", at, StringComparison.Ordinal)];
        var typed = shown.Split('\n').Where(l => l.StartsWith("$ redis-cli ", StringComparison.Ordinal)).ToList();
        Assert.True(typed.Count >= 5, "the session is read");

        Assert.Equal(0, CliWorld.Run("", "demo", _world.PathOf("data"), "--data", CliWorld.DemoFolder).ExitCode);
        using var server = AskedServer.Start(_world, "--data", "data");
        var played = new StringBuilder();
        foreach (var line in typed)
        {
            // On a terminal redis-cli shows what --no-raw shows.
            var words = line[2..].Replace("redis-cli", $"redis-cli --no-raw -p {server.Endpoint.Port}", StringComparison.Ordinal);
            var start = new ProcessStartInfo("sh", ["-c", words]) { RedirectStandardOutput = true };
            using var client = Process.Start(start)!;
            played.Append(line).Append('\n').Append(client.StandardOutput.ReadToEnd());
        }
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
            File.WriteAllText(path, readme.Replace(shown, played.ToString(), StringComparison.Ordinal));
        else Assert.Equal(shown, played.ToString());
    }
}

/// <summary>A server in a process of its own, and one client of it.</summary>
sealed class AskedServer : IDisposable
{
    const int AnswerMillisecondsMax = 30_000;

    readonly ServerProcess _process;
    readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = AnswerMillisecondsMax };

    AskedServer(ServerProcess process)
    {
        _process = process;
        Endpoint = process.WaitUntilReady();
        _client.Connect(Endpoint);
    }

    public IPEndPoint Endpoint { get; }

    /// <summary>What it logged; all of it once it has ended.</summary>
    public string Log => _process.LogText;

    /// <summary>Starts one at a free port and waits until it is ready.</summary>
    public static AskedServer Start(CliWorld world, params string[] arguments) => new(new ServerProcess(arguments, world.Folder));

    public void Send(string request) => _client.Send(Encoding.ASCII.GetBytes(request + "\r\n"));

    /// <summary>Sends an inline request and returns what comes back at once.</summary>
    public string Ask(string request)
    {
        Send(request);
        var buffer = new byte[64 << 10];
        return Encoding.ASCII.GetString(buffer, 0, _client.Receive(buffer));
    }

    public string ReadToEnd()
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (_client.Receive(buffer) is var count and > 0) text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        return text.ToString();
    }

    /// <summary>Asks it to end, and waits.</summary>
    public int Terminate() => _process.Terminate();

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        _process.Dispose();
        _client.Dispose();
    }
}
