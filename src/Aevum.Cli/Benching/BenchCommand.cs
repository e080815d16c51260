// BenchCommand: aevum bench redis [HOST:PORT]: a load against a server of Redis' protocol, shown while it runs, and what it came to.
//
// It is bounded: by --seconds, by --requests, or by whichever comes first of both; ^C ends it early and shows what there is.

using System.CommandLine;
using Aevum.Cli.Connecting;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Benching;

static class BenchCommand
{
    const int SecondsAtFirst = 10;

    public static Command Create(Terminal terminal) => new("bench", "Measure: a server under a load, indexes on your vectors.")
    {
        Redis(terminal),
        Vectors.VectorBenchCommand.Create(terminal),
    };

    static Command Redis(Terminal terminal)
    {
        var address = new Argument<string>("HOST:PORT") { Description = "The server.", DefaultValueFactory = static _ => "127.0.0.1:6379" };
        var clients = Number("--clients", "Connections.", 50);
        var pipeline = Number("--pipeline", "Requests that a client sends before it waits for their replies.", 1);
        var keys = Number("--keys", "Keys of each kind, drawn evenly.", 100_000);
        var size = Number("--size", "Bytes of a value.", 64);
        var mix = new Option<string>("--mix")
        {
            Description = $"Commands and how often each: {string.Join(' ', LoadCommands.All.Select(c => c.Name))}.",
            DefaultValueFactory = static _ => "get=80,set=20",
        };
        var seconds = new Option<double?>("--seconds") { Description = $"How long; {SecondsAtFirst} unless requests are counted." };
        var requests = new Option<long?>("--requests") { Description = "How many requests in all." };
        var fill = new Option<bool>("--fill") { Description = "First write every key that the mix reads." };
        var prefix = new Option<string>("--prefix") { Description = "What the names of all keys begin with.", DefaultValueFactory = static _ => "bench:" };
        var seed = new Option<long>("--seed") { Description = "The same seed draws the same requests.", DefaultValueFactory = static _ => 1 };
        var json = new Option<bool>("--json") { Description = "One JSON object a second, and one with the summary." };
        var connect = new ConnectFlags();
        var command = new Command("redis", "Load a server of Redis' protocol, Aevum or another. It writes keys there, and leaves them.")
        {
            address, clients, pipeline, keys, size, mix, seconds, requests, fill, prefix, seed, json,
        };
        connect.AddTo(command, withAddress: false);
        command.SetAction(parsed =>
        {
            LoadOptions options;
            try
            {
                var time = parsed.GetValue(seconds) ?? (parsed.GetValue(requests) is null ? SecondsAtFirst : null);
                options = new LoadOptions(connect.Read(parsed, parsed.GetValue(address)!), (int)Within(clients, 1, 100_000), (int)Within(pipeline, 1, 10_000),
                    Within(keys, 1, 1L << 40), (int)Within(size, 0, 64 << 20), LoadMix.Parse(parsed.GetValue(mix)!),
                    time is null ? null : TimeSpan.FromSeconds(time is > 0 and <= 86_400 ? time.Value : throw Wrong("--seconds is above 0 and a day at most")),
                    parsed.GetValue(requests) is null or > 0 ? parsed.GetValue(requests) : throw Wrong("--requests is above 0"),
                    parsed.GetValue(prefix)!, (ulong)parsed.GetValue(seed));
            }
            catch (AevumException misused) when (misused.Code == ErrorCode.InvalidArgument)
            {
                terminal.Fail(misused.Message);
                return ExitCodes.Usage;
            }
            return Run(terminal, options, parsed.GetValue(fill), parsed.GetValue(json));

            long Within(Option<long> option, long lower, long upper) => parsed.GetValue(option) is var number && number >= lower && number <= upper ? number
                : throw Wrong(FormattableString.Invariant($"{option.Name} is from {lower} to {upper}"));
        });
        return command;
    }

    static Option<long> Number(string name, string what, long at) => new(name) { Description = what, DefaultValueFactory = _ => at };

    static AevumException Wrong(string what) => new(ErrorCode.InvalidArgument, what);

    static int Run(Terminal terminal, LoadOptions options, bool fill, bool asJson)
    {
        // A reply is taken on the thread that waits for sockets: handing each to another thread would cost more than the reply. Said before the first
        // socket is made; whoever has said something himself is left alone.
        const string inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (Environment.GetEnvironmentVariable(inline) is null) Environment.SetEnvironmentVariable(inline, "1");
        using var interruption = new Interruption();
        var time = TimeProvider.System;
        using var load = new RedisLoad(options, time);
        if (fill) Stages.Run(terminal, time, stages => KeyFiller.Fill(options, stages, interruption.Token));
        load.Connect();
        var (sum, took) = LoadView.Run(terminal, load, asJson, interruption.Token);
        terminal.Out.Write(asJson ? LoadReport.JsonSummary(load, sum, took) + "\n" : LoadReport.Summary(load, sum, took).TrimStart('\n'));
        return sum.ErrorCount + load.Broken > 0 ? ExitCodes.Problems : ExitCodes.Done;
    }
}
