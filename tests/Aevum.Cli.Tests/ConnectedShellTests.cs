using System.Net;
using System.Net.Sockets;
using System.Text;
using Aevum.Cli.Connecting;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Cli.Tests;

public sealed class ConnectedShellTests
{
    static RespReply Read(string bytes) => new RespReader(new MemoryStream(Encoding.Latin1.GetBytes(bytes))).Read();

    static string Raw(string bytes)
    {
        using var raw = new MemoryStream();
        ReplyText.WriteRaw(raw, Read(bytes));
        return Encoding.Latin1.GetString(raw.ToArray());
    }

    // What redis-cli -3 prints on a terminal.
    [Theory]
    [InlineData("+OK\r\n", "OK\n")]
    [InlineData("-ERR no\r\n", "(error) ERR no\n")]
    [InlineData("!6\r\nERR no\r\n", "(error) ERR no\n")]
    [InlineData(":-7\r\n", "(integer) -7\n")]
    [InlineData(",3.25\r\n", "(double) 3.25\n")]
    [InlineData("#t\r\n", "(true)\n")]
    [InlineData("_\r\n", "(nil)\n")]
    [InlineData("$-1\r\n", "(nil)\n")]
    [InlineData("*-1\r\n", "(nil)\n")]
    [InlineData("$0\r\n\r\n", "\"\"\n")]
    [InlineData("$9\r\na\"b\\\n\r\t\u0001\u00ff\r\n", "\"a\\\"b\\\\\\n\\r\\t\\x01\\xff\"\n")]
    [InlineData("=9\r\ntxt:a\nb\tc\r\n", "a\nb\tc\n")]
    [InlineData("*0\r\n", "(empty array)\n")]
    [InlineData("%0\r\n", "(empty hash)\n")]
    [InlineData("~0\r\n", "(empty set)\n")]
    [InlineData("*2\r\n$1\r\na\r\n:1\r\n", "1) \"a\"\n2) (integer) 1\n")]
    [InlineData("*2\r\n*2\r\n$1\r\na\r\n_\r\n*1\r\n$1\r\nb\r\n", "1) 1) \"a\"\n   2) (nil)\n2) 1) \"b\"\n")]
    [InlineData("~2\r\n$1\r\na\r\n$1\r\nb\r\n", "1~ \"a\"\n2~ \"b\"\n")]
    [InlineData("%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*2\r\n:1\r\n:2\r\n", "1# \"a\" => (integer) 1\n2# \"b\" => 1) (integer) 1\n   2) (integer) 2\n")]
    [InlineData(">2\r\n$1\r\na\r\n:1\r\n", "1) \"a\"\n2) (integer) 1\n")]
    [InlineData("|1\r\n+ttl\r\n:3\r\n:5\r\n", "(integer) 5\n")]
    public void Replies_are_shown_to_a_person(string bytes, string shown) => Assert.Equal(shown, ReplyText.ForPerson(Read(bytes)));

    [Fact]
    public void Long_lists_line_up()
    {
        var numbers = string.Concat(Enumerable.Range(0, 9).Select(i => $":{i}\r\n"));
        var shown = ReplyText.ForPerson(Read($"*10\r\n{numbers}*1\r\n*2\r\n+x\r\n+y\r\n")).Split('\n');
        Assert.Equal(" 1) (integer) 0", shown[0]);
        Assert.Equal("10) 1) 1) x", shown[9]);
        Assert.Equal("       2) y", shown[10]);
    }

    [Theory]
    [InlineData("+OK\r\n", "OK\n")]
    [InlineData("-ERR no\r\n", "ERR no\n\n")]
    [InlineData("$3\r\na\u0001b\r\n", "a\u0001b\n")]
    [InlineData("_\r\n", "\n")]
    [InlineData("*3\r\n$1\r\na\r\n_\r\n*2\r\n:1\r\n,1.5\r\n", "a\n\n1\n1.5\n")]
    [InlineData("%2\r\n$1\r\na\r\n:1\r\n+b\r\n:2\r\n", "a 1\nb 2\n")]
    public void Replies_go_into_a_pipe_as_they_are(string bytes, string raw) => Assert.Equal(raw, Raw(bytes));

    [Theory]
    [InlineData("")]
    [InlineData("\r\n")]
    [InlineData("?\r\n")]
    [InlineData(":x\r\n")]
    [InlineData("$5\r\nab\r\n")]
    [InlineData("$2\r\nabcd")]
    [InlineData("*2\r\n:1\r\n")]
    [InlineData("$99999999999\r\n")]
    [InlineData("*99999999999\r\n")]
    [InlineData("%9223372036854775807\r\n")]
    [InlineData("*-5000000\r\n:")]
    [InlineData("+a\rb\r\n")]
    public void What_is_no_reply_is_an_error_with_a_code(string bytes)
    {
        if (bytes == "*-5000000\r\n:")
        {
            Assert.Equal(RespKind.Nil, Read(bytes).Kind);
            return;
        }
        Assert.Equal(ErrorCode.InputOutput, Assert.Throws<AevumException>(() => Read(bytes)).Code);
    }

    [Fact]
    public void Any_bytes_are_a_reply_or_an_error_with_a_code()
    {
        var random = new SeededRandom(7);
        const string letters = "+-:$*%~>#_,(=!|0123456789\r\n\r\n\r\nab";
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => letters[random.Next(letters.Length)]));
            try
            {
                var reply = Read(text);
                _ = ReplyText.ForPerson(reply);
                _ = Raw(text);
            }
            catch (AevumException failure)
            {
                Assert.Equal(ErrorCode.InputOutput, failure.Code);
            }
        }
        Assert.Throws<AevumException>(() => Read(string.Concat(Enumerable.Repeat("*1\r\n", 100_000))));
    }

    [Theory]
    [InlineData("SET k v", "SET|k|v")]
    [InlineData("  SET\tk   \"a b\" ", "SET|k|a b")]
    [InlineData("SET k \"a\\x41\\n\\\"\\q\"", "SET|k|aA\n\"q")]
    [InlineData("SET k 'a\\n\\'b'", "SET|k|a\\n'b")]
    [InlineData("SET k \"\"", "SET|k|")]
    [InlineData("a\"b\"", "ab")]
    [InlineData("", "")]
    public void Lines_are_taken_apart_as_redis_cli_does(string line, string words) =>
        Assert.Equal(words, string.Join('|', CommandWords.Split(line)!.Select(Encoding.Latin1.GetString)));

    [Theory]
    [InlineData("SET \"k")]
    [InlineData("SET 'k")]
    [InlineData("SET \"k\"v")]
    [InlineData("SET \"k\\\"")]
    public void Half_a_quote_is_refused(string line) => Assert.Null(CommandWords.Split(line));

    [Theory]
    [InlineData("localhost:7000", "localhost", 7000)]
    [InlineData("localhost", "localhost", 6379)]
    [InlineData("[::1]:7000", "::1", 7000)]
    [InlineData("::1", "::1", 6379)]
    [InlineData("[::1]", "::1", 6379)]
    public void Addresses_are_hosts_with_or_without_a_port(string text, string host, int port) =>
        Assert.Equal((host, port), ConnectOptions.ParseAddress(text));

    [Theory]
    [InlineData("localhost:x")]
    [InlineData("localhost:0")]
    [InlineData(":1")]
    [InlineData("localhost:99999")]
    public void What_is_no_address_is_refused(string text) => Assert.Throws<AevumException>(() => ConnectOptions.ParseAddress(text));

    // ------------------------------------------------------------------------------------------------ with a server of a few lines

    /// <summary>Answers each request with the next of the given replies, and keeps what it was asked; then it ends the connection.</summary>
    sealed class ScriptedServer : IDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly Thread _thread;

        public ScriptedServer(params string[] replies)
        {
            _listener.Start();
            _thread = new Thread(() =>
            {
                using var client = _listener.AcceptTcpClient();
                var stream = client.GetStream();
                var reader = new RespReader(stream);
                foreach (var reply in replies)
                {
                    Asked.Add(string.Join(' ', reader.Read().Parts.Select(p => p.Text)));
                    stream.Write(Encoding.Latin1.GetBytes(reply));
                }
            });
            _thread.Start();
        }

        public List<string> Asked { get; } = [];

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose()
        {
            _listener.Stop();
            _thread.Join();
        }
    }

    const string Hello = "%1\r\n+server\r\n+x\r\n";

    static CliResult Shell(ScriptedServer server, string input, params string[] options) =>
        CliWorld.Run(input, ["shell", "--connect", $"127.0.0.1:{server.Port}", .. options]);

    [Fact]
    public void A_pipe_of_commands_is_answered_line_by_line()
    {
        using var server = new ScriptedServer(Hello, "+OK\r\n", "$1\r\nv\r\n", "-ERR no\r\n", ":1\r\n");
        var result = Shell(server, "SET k \"a b\"\n\nGET k\nNOPE\nINCR n\n");
        Assert.Equal("OK\nv\nERR no\n\n1\n", result.Out);
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
        Assert.Equal(["HELLO 3", "SET k a b", "GET k", "NOPE", "INCR n"], server.Asked);
    }

    [Fact]
    public void Json_is_one_line_a_reply()
    {
        using var server = new ScriptedServer(
            Hello, "%1\r\n$1\r\na\r\n:9223372036854775807\r\n", "$1\r\n\u00ff\r\n", "*3\r\n_\r\n#t\r\n,inf\r\n", "-ERR no\r\n", "~1\r\n,1.5\r\n");
        var result = Shell(server, "a\nb\nc\nd\ne\n", "--json");
        Assert.Equal("{\"a\":\"9223372036854775807\"}\n{\"base64\":\"/w==\"}\n[null,true,\"inf\"]\n{\"error\":\"ERR no\"}\n[1.5]\n", result.Out);
    }

    [Fact]
    public void A_password_is_told_to_the_server_and_to_nobody_else()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "secret\n");
        using (var server = new ScriptedServer(Hello, "+PONG\r\n"))
        {
            Assert.Equal("PONG\n", Shell(server, "PING\n", "--user", "ada", "--password-file", file).Out);
            Assert.Equal("HELLO 3 AUTH ada secret", server.Asked[0]);
        }
        using (var server = new ScriptedServer("-WRONGPASS invalid username-password pair or user is disabled.\r\n"))
        {
            var refused = Shell(server, "PING\n", "--password-file", file);
            Assert.Equal(ExitCodes.CouldNotRun, refused.ExitCode);
            Assert.Contains("WRONGPASS", refused.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", refused.Error, StringComparison.Ordinal);
        }
        using (var server = new ScriptedServer("-ERR unknown command 'HELLO'\r\n", "+OK\r\n", "+OK\r\n", "+PONG\r\n"))
        {
            Assert.Equal("PONG\n", Shell(server, "PING\n", "--password-file", file, "--db", "3").Out);
            Assert.Equal(["HELLO 3 AUTH default secret", "AUTH secret", "SELECT 3", "PING"], server.Asked);
        }
        using (var server = new ScriptedServer("-NOAUTH HELLO must be called with the client already authenticated\r\n", "+OK\r\n"))
            Assert.Equal("OK\n", Shell(server, "AUTH secret\n").Out);
        File.Delete(file);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "shell", "--connect", "127.0.0.1:1", "--user", "ada", "--password-file", file).ExitCode);
    }

    [Fact]
    public void A_subscription_is_listened_to_until_it_ends()
    {
        const string subscribed = ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
        using var server = new ScriptedServer(Hello, subscribed + ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
        var result = Shell(server, "SUBSCRIBE c\nGET x\n");
        Assert.Equal("subscribe\nc\n1\nmessage\nc\nhi\n", result.Out);
        Assert.Equal(ExitCodes.CouldNotRun, result.ExitCode);
        Assert.Contains("the server ended the connection", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_unasked_is_shown_before_the_reply()
    {
        using var server = new ScriptedServer(Hello, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n$1\r\nv\r\n");
        Assert.Equal("invalidate\nk\nv\n", Shell(server, "GET k\n").Out);
    }

    [Fact]
    public void The_prompt_tells_where_one_stands_and_a_broken_connection_is_opened_anew()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader(""), output, error) { IsInputInteractive = true };
        using var server = new ScriptedServer(Hello, "+OK\r\n", "+OK\r\n", "+QUEUED\r\n", "*1\r\n+OK\r\n", "*2\r\n$3\r\nget\r\n$10\r\nconfig|get\r\n");
        using var shell = new ConnectedShell(terminal, new ConnectOptions("127.0.0.1", server.Port, null, null, false, null, 0), asJson: false);
        shell.Connect();
        Assert.Equal($"127.0.0.1:{server.Port}> ", shell.Prompt);
        Assert.True(shell.Run("SELECT 2"));
        Assert.Equal($"127.0.0.1:{server.Port}[2]> ", shell.Prompt);
        Assert.True(shell.Run("MULTI"));
        Assert.Equal($"127.0.0.1:{server.Port}[2](TX)> ", shell.Prompt);
        Assert.True(shell.Run("SET k v"));
        Assert.True(shell.Run("EXEC"));
        Assert.Equal($"127.0.0.1:{server.Port}[2]> ", shell.Prompt);
        Assert.Equal(["GET"], shell.Complete("G", 1).Words);
        Assert.Equal(["get"], shell.Complete("g", 1).Words);
        Assert.False(shell.Run("SET \"k"));
        Assert.False(shell.Run("PING"));
        Assert.StartsWith($"127.0.0.1:{server.Port} (not connected)", shell.Prompt, StringComparison.Ordinal);
        Assert.True(shell.Run("quit"));
        Assert.True(shell.IsOver);
        Assert.Equal("OK\nOK\nQUEUED\n1) OK\n", output.ToString());
    }

    [Fact]
    public void Arguments_that_make_no_sense_are_refused()
    {
        Assert.Equal(ExitCodes.Usage, CliWorld.Run("", "shell").ExitCode);
        Assert.Equal(ExitCodes.Usage, CliWorld.Run("", "shell", "x", "--connect", "y").ExitCode);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "shell", "--connect", "127.0.0.1:1").ExitCode);
    }
}
