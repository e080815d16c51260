using System.Text.Json;
using Aevum.Core.Diagnostics;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Diagnostics;

public sealed class LineLogTests
{
    static string Written(bool asJson, LogLevel least, Action<ILog> work)
    {
        using var scheduler = new SimulatedScheduler(1);
        using var target = new StringWriter { NewLine = "\n" };
        work(new LineLog(target, scheduler.Time, least, asJson));
        return target.ToString();
    }

    [Fact]
    public void Text_is_one_line_whatever_stands_in_the_fields()
    {
        var text = Written(asJson: false, LogLevel.Info, log => log.Write(
            LogLevel.Warning, "it happened", ("plain", "a/b:1"), ("blank", "a b"), ("quote", "a\"b"), ("line", "a\nb\u2028c"),
            ("empty", ""), ("number", 5L), ("truth", true), ("none", null)));
        Assert.Single(text.TrimEnd('\n').Split('\n', '\u2028'));
        Assert.EndsWith(
            " warning it happened plain=a/b:1 blank=\"a b\" quote=\"a\\\"b\" line=\"a\\nb\\u2028c\" empty=\"\" number=5 truth=true none=\"\"\n", text);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning", text);
    }

    [Fact]
    public void Json_keeps_kinds_and_is_one_line()
    {
        var text = Written(asJson: true, LogLevel.Debug, log => log.Write(
            LogLevel.Debug, "it happened", ("text", "a\"\nb"), ("number", 5), ("share", 0.5), ("none_finite", double.NaN), ("truth", false)));
        Assert.Single(text.TrimEnd('\n').Split('\n'));
        var root = JsonDocument.Parse(text).RootElement;
        Assert.Equal(["time", "level", "message", "text", "number", "share", "none_finite", "truth"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("debug", "it happened", "a\"\nb", 5, 0.5, "NaN", false), (
            root.GetProperty("level").GetString()!, root.GetProperty("message").GetString()!,
            root.GetProperty("text").GetString()!, root.GetProperty("number").GetInt32(), root.GetProperty("share").GetDouble(),
            root.GetProperty("none_finite").GetString()!, root.GetProperty("truth").GetBoolean()));
    }

    [Theory]
    [InlineData(LogLevel.Debug, "debug info warning error")]
    [InlineData(LogLevel.Warning, "warning error")]
    [InlineData(LogLevel.Off, "")]
    public void What_is_less_grave_is_left_out(LogLevel least, string shown)
    {
        var text = Written(asJson: false, least, log =>
        {
            foreach (var level in (LogLevel[])[LogLevel.Debug, LogLevel.Info, LogLevel.Warning, LogLevel.Error])
            {
                log.Write(level, "x");
                Assert.Equal(level >= least, log.Logs(level));
            }
        });
        Assert.Equal(shown, string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[1])));
    }

    [Fact]
    public void A_writer_that_fails_stops_nothing()
    {
        using var scheduler = new SimulatedScheduler(1);
        var target = new StringWriter();
        target.Dispose();
        new LineLog(target, scheduler.Time, LogLevel.Debug, asJson: false).Write(LogLevel.Error, "x");
    }
}
