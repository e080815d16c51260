// LoadReport: what a load has come to, as text for people and as JSON for programs: a line a second, and a summary.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Cli.Benching;

static class LoadReport
{
    static readonly (string Name, double Percent)[] s_percents = [("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100)];

    public static string Header => $"{"second",6} {"requests/s",12} {"p50 µs",9} {"p99 µs",9} {"p99.9 µs",9} {"max µs",9} {"errors",8} {"clients",8}";

    public static string Line(int second, LoadSum sum, TimeSpan since, int connected)
    {
        var all = sum.All();
        return Text($"{second,6} {Rate(all.Count, since),12:N0} {Micro(all, 50),9} {Micro(all, 99),9} {Micro(all, 99.9),9} {Micro(all, 100),9} ")
            + Text($"{sum.ErrorCount,8:N0} {connected,8:N0}");
    }

    /// <summary>What all of it came to, a line a command.</summary>
    public static string Summary(RedisLoad load, LoadSum sum, TimeSpan took)
    {
        var text = new StringBuilder();
        var options = load.Options;
        text.AppendLine();
        text.AppendLine(Text($"{options.Clients:N0} clients, bursts of {options.Pipeline:N0}, {options.Keys:N0} keys, values of {options.Size:N0} bytes, ")
            + Text($"{took.TotalSeconds:F1} s"));
        text.AppendLine($"{"",-10} {"requests",13} {"a second",12} {"p50 µs",9} {"p99 µs",9} {"p99.9 µs",9} {"max µs",9} {"nil",11} {"errors",8}");
        for (var i = 0; i < options.Mix.Parts.Count; i++)
            Row(options.Mix.Parts[i].Command.Name, sum.Latencies[i], sum.Nothing[i], sum.Errors[i]);
        if (options.Mix.Parts.Count > 1) Row("all", sum.All(), sum.Nothing.Sum(), sum.ErrorCount);
        foreach (var (error, count) in load.Errors.All()) text.AppendLine(Text($"{count,11:N0} x {error}"));
        return text.ToString();

        void Row(string name, LatencyDistribution of, long nothing, long errors) =>
            text.AppendLine(Text($"{name,-10} {of.Count,13:N0} {Rate(of.Count, took),12:N0} {Micro(of, 50),9} {Micro(of, 99),9} {Micro(of, 99.9),9} ")
                + Text($"{Micro(of, 100),9} {nothing,11:N0} {errors,8:N0}"));
    }

    public static string JsonLine(int second, LoadSum sum, TimeSpan since, int connected) => Json(json =>
    {
        json.WriteNumber("second", second);
        Numbers(json, sum.All(), since);
        json.WriteNumber("errors", sum.ErrorCount);
        json.WriteNumber("clients", connected);
    });

    public static string JsonSummary(RedisLoad load, LoadSum sum, TimeSpan took) => Json(json =>
    {
        var options = load.Options;
        json.WriteStartObject("summary");
        json.WriteString("server", $"{options.Server.Host}:{options.Server.Port}");
        json.WriteNumber("clients", options.Clients);
        json.WriteNumber("pipeline", options.Pipeline);
        json.WriteNumber("keys", options.Keys);
        json.WriteNumber("size", options.Size);
        json.WriteString("mix", options.Mix.ToString());
        json.WriteNumber("seconds", Math.Round(took.TotalSeconds, 3));
        Numbers(json, sum.All(), took);
        json.WriteNumber("errors", sum.ErrorCount);
        json.WriteNumber("connections_broken", load.Broken);
        json.WriteStartArray("commands");
        for (var i = 0; i < options.Mix.Parts.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("command", options.Mix.Parts[i].Command.Name);
            Numbers(json, sum.Latencies[i], took);
            json.WriteNumber("nil", sum.Nothing[i]);
            json.WriteNumber("errors", sum.Errors[i]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("error_texts");
        foreach (var (error, count) in load.Errors.All())
        {
            json.WriteStartObject();
            json.WriteString("text", error);
            json.WriteNumber("count", count);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    static void Numbers(Utf8JsonWriter json, LatencyDistribution of, TimeSpan took)
    {
        json.WriteNumber("requests", of.Count);
        json.WriteNumber("rate", Math.Round(Rate(of.Count, took)));
        foreach (var (name, percent) in s_percents) json.WriteNumber(name + "_us", Math.Round(of.NanosecondsAt(percent) / 1e3, 1));
    }

    static string Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, JsonOptions.Lines))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static double Rate(long count, TimeSpan took) => took > TimeSpan.Zero ? count / took.TotalSeconds : 0;

    /// <summary>Microseconds, with as many digits as they are worth.</summary>
    public static string Micro(LatencyDistribution of, double percent)
    {
        var micro = of.NanosecondsAt(percent) / 1e3;
        return of.Count == 0 ? "-" : micro >= 100 ? Text($"{micro:N0}") : Text($"{micro:F1}");
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
