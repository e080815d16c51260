// LoadView: where a load is shown while it runs: drawn in place on a terminal, a line a second elsewhere, or JSON lines.

using System.Globalization;
using Aevum.Cli.Terminals;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Aevum.Cli.Benching;

static class LoadView
{
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Runs the load and shows it.</summary>
    public static (LoadSum Sum, TimeSpan Took) Run(Terminal terminal, RedisLoad load, bool asJson, CancellationToken cancellation)
    {
        if (terminal.IsOutputInteractive && !asJson) return RunLive(terminal, load, cancellation);
        var second = 0;
        if (!asJson) terminal.Out.WriteLine(LoadReport.Header);
        terminal.Out.Flush();
        return load.Run(s_interval, Tell, cancellation);

        void Tell(LoadSum sum, TimeSpan since)
        {
            second++;
            terminal.Out.WriteLine(asJson ? LoadReport.JsonLine(second, sum, since, load.Connected) : LoadReport.Line(second, sum, since, load.Connected));
            terminal.Out.Flush();
        }
    }

    static (LoadSum Sum, TimeSpan Took) RunLive(Terminal terminal, RedisLoad load, CancellationToken cancellation)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Out),
            ColorSystem = terminal.UsesColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        var rates = new List<double>();
        (LoadSum, TimeSpan) result = default;
        console.Live(Draw(load, null, TimeSpan.Zero, rates, terminal.Width())).AutoClear(true).Start(live =>
        {
            live.Refresh();
            terminal.Out.Flush();
            result = load.Run(s_interval, Show, cancellation);

            void Show(LoadSum sum, TimeSpan since)
            {
                rates.Add(LoadReport.Rate(sum.Count, since));
                live.UpdateTarget(Draw(load, sum, since, rates, terminal.Width()));
                live.Refresh();
                terminal.Out.Flush();
            }
        });
        return result;
    }

    /// <summary>One picture: the rate and how it went, then the commands of the last second.</summary>
    internal static IRenderable Draw(RedisLoad load, LoadSum? sum, TimeSpan since, IReadOnlyList<double> rates, int width)
    {
        var options = load.Options;
        var table = new Table().Border(TableBorder.Simple).Title(Markup.Escape($"{options.Server.Host}:{options.Server.Port}"));
        foreach (var (name, isText) in (ReadOnlySpan<(string, bool)>)
            [("", true), ("a second", false), ("p50 µs", false), ("p99 µs", false), ("p99.9 µs", false), ("max µs", false), ("nil", false),
                ("errors", false)])
            table.AddColumn(isText ? new TableColumn(name) : new TableColumn(name).RightAligned());
        for (var i = 0; i < options.Mix.Parts.Count; i++)
            Row(options.Mix.Parts[i].Command.Name, sum?.Latencies[i], sum?.Nothing[i] ?? 0, sum?.Errors[i] ?? 0);
        if (options.Mix.Parts.Count > 1) Row("all", sum?.All(), sum?.Nothing.Sum() ?? 0, sum?.ErrorCount ?? 0);

        var lines = new List<IRenderable> { table };
        var seconds = rates.Count;
        var end = options.Time is { } time ? Text($" of {time.TotalSeconds:F0}") : "";
        var latest = rates.Count > 0 ? rates[^1] : 0;
        lines.Add(new Text(Text($"  {latest,12:N0}/s  {Sparkline.Of(rates, Math.Clamp(width - 40, 8, 120))}  {seconds}{end} s")));
        lines.Add(new Text(Text($"  {load.Connected:N0} of {options.Clients:N0} clients, bursts of {options.Pipeline:N0}; ^C ends it")));
        foreach (var (error, count) in load.Errors.All().Take(3))
            lines.Add(new Text(Text($"  {count,10:N0} x {error}"), new Style(Color.Red)) { Overflow = Overflow.Ellipsis });
        return new Rows(lines);

        void Row(string name, Server.Resp.Measuring.LatencyDistribution? of, long nothing, long errors)
        {
            if (of is null) table.AddRow(name, "", "", "", "", "", "", "");
            else table.AddRow(new Text(name), new Text(Text($"{LoadReport.Rate(of.Count, since):N0}")), new Text(LoadReport.Micro(of, 50)),
                new Text(LoadReport.Micro(of, 99)), new Text(LoadReport.Micro(of, 99.9)), new Text(LoadReport.Micro(of, 100)),
                new Text(Text($"{nothing:N0}")), new Text(Text($"{errors:N0}"), errors > 0 ? new Style(Color.Red) : null));
        }
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Numbers as bars of eighths, one a character, from nothing to the greatest of those shown.</summary>
static class Sparkline
{
    const string Bars = "▁▂▃▄▅▆▇█";

    /// <param name="width">Characters: the last so many numbers are shown.</param>
    public static string Of(IReadOnlyList<double> numbers, int width)
    {
        var shown = numbers.Skip(Math.Max(0, numbers.Count - width)).ToArray();
        var max = shown.DefaultIfEmpty().Max();
        return string.Concat(shown.Select(n => Bars[max <= 0 ? 0 : (int)Math.Clamp(n / max * Bars.Length, 0, Bars.Length - 1)]));
    }
}
