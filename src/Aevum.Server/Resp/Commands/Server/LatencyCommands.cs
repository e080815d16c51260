// LATENCY: what held clients up (LatencyEvents), and how long commands take (RespStatistics).

using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Measuring;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class LatencyCommands
{
    public static SubcommandGroup Make() => new("latency", CommandGroup.Server, "2.8.13", "What held clients up, and how long commands take.",
        Verb("latency|latest", "2.8.13", "Answers the newest sample of each event.", Latest),
        Verb("latency|history", "2.8.13", "Answers the samples of an event.", History),
        Verb("latency|reset", "2.8.13", "Forgets events.", Reset),
        Verb("latency|graph", "2.8.13", "Draws the samples of an event.", Graph),
        Verb("latency|doctor", "2.8.13", "Tells of all events in words.", Doctor),
        Verb("latency|histogram", "7.0.0", "Answers how many calls of commands took how long.", Histogram),
        new HelpVerb("latency|help", CommandGroup.Server, "2.8.13",
            "DOCTOR", "    All events in words.",
            "GRAPH <event>", "    The samples of an event as a drawing.",
            "HISTOGRAM [<command> ...]", "    How many calls took how long.",
            "HISTORY <event>", "    Time and milliseconds of the samples of an event.",
            "LATEST", "    The newest sample of each event.",
            "RESET [<event> ...]", "    Forgets events, all by default."));

    static SessionVerb Verb(string name, string since, string summary, SessionAction run) =>
        ServerCommands.Known(name, CommandGroup.Server, since, summary, run, "O(N) with N the samples");

    static LatencyEvents EventsOf(RespClient client) => client.Engine.Server.Statistics.LatencyEvents;

    static void Latest(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var all = EventsOf(client).All();
        reply.Array(all.Count);
        foreach (var one in all)
        {
            reply.Array(4);
            reply.Bulk(one.Name);
            reply.Integer(one.Samples[^1].UnixSeconds);
            reply.Integer(one.Samples[^1].Milliseconds);
            reply.Integer(one.MillisecondsMax);
        }
    }

    static void History(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var samples = EventsOf(client).Find(Encoding.UTF8.GetString(args[2]))?.Samples ?? [];
        reply.Array(samples.Count);
        foreach (var sample in samples)
        {
            reply.Array(2);
            reply.Integer(sample.UnixSeconds);
            reply.Integer(sample.Milliseconds);
        }
    }

    static void Reset(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count == 2)
        {
            reply.Integer(EventsOf(client).Reset());
            return;
        }
        var count = 0;
        for (var i = 2; i < args.Count; i++)
            if (EventsOf(client).Reset(Encoding.UTF8.GetString(args[i]))) count++;
        reply.Integer(count);
    }

    // A row of heights from 0 to 7, the newest at the right.
    static void Graph(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var name = Encoding.UTF8.GetString(args[2]);
        if (EventsOf(client).Find(name) is not { } found)
        {
            reply.Error($"ERR No samples available for event '{name}'");
            return;
        }
        var samples = found.Samples.TakeLast(80).ToArray();
        var (low, high) = (samples.Min(s => s.Milliseconds), samples.Max(s => s.Milliseconds));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{name} - high {high} ms, low {low} ms (all time high {found.MillisecondsMax} ms)\n").Append('-',
            80).Append('\n');
        for (var row = 3; row >= 0; row--)
        {
            foreach (var sample in samples)
            {
                var height = high == low ? 7 : (sample.Milliseconds - low) * 7 / (high - low);
                text.Append(height / 2 < row ? ' ' : height / 2 > row ? '|' : height % 2 == 0 ? '_' : '#');
            }
            text.Append('\n');
        }
        reply.Verbatim(Encoding.UTF8.GetBytes(text.ToString()));
    }

    static void Doctor(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var server = client.Engine.Server;
        var events = EventsOf(client).All();
        var text = new StringBuilder();
        if (server.Settings.LatencyMilliseconds.Value == 0)
            text.Append("Latency monitoring is disabled: CONFIG SET latency-monitor-threshold <milliseconds> enables it.\n");
        else if (events.Count == 0)
            text.Append("No event took as long as latency-monitor-threshold says.\n");
        foreach (var one in events)
        {
            var average = one.Samples.Average(s => s.Milliseconds);
            text.Append(CultureInfo.InvariantCulture,
                $"{one.Name}: {one.Samples.Count} samples, {average:0} ms on average, {one.MillisecondsMax} ms at most.\n");
        }
        reply.Verbatim(Encoding.UTF8.GetBytes(text.ToString()));
    }

    static void Histogram(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var server = client.Engine.Server;
        var chosen = new List<CommandCounts>();
        if (args.Count == 2) chosen.AddRange(server.Statistics.All(sinceReset: true).Where(c => c.Calls > 0));
        for (var i = 2; i < args.Count; i++)
        {
            var bar = args[i].IndexOf((byte)'|');
            var command = bar < 0 ? server.Commands.Find(args[i]) : server.Commands.Find(args[i][..bar])?.FindSubcommand(args[i][(bar + 1)..]);
            if (command is null) continue;
            foreach (var one in command.Subcommands.Prepend(command))
                if (server.Statistics.CountsOf(one, sinceReset: true) is { Calls: > 0 } counts) chosen.Add(counts);
        }
        reply.Map(chosen.Count);
        foreach (var counts in chosen)
        {
            reply.Bulk(counts.Command.Info.Name);
            reply.Map(2);
            reply.Bulk("calls"u8);
            reply.Integer(counts.Calls);
            reply.Bulk("histogram_usec"u8);
            var steps = counts.Latency.Doublings().ToArray();
            reply.Map(steps.Length);
            foreach (var (microseconds, count) in steps)
            {
                reply.Integer(microseconds);
                reply.Integer(count);
            }
        }
    }
}
