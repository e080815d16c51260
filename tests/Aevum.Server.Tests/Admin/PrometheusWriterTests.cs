using System.Buffers;
using System.Text;
using Aevum.Server.Admin;

namespace Aevum.Server.Tests.Admin;

public sealed class PrometheusWriterTests
{
    readonly ArrayBufferWriter<byte> _page = new();

    string Text => Encoding.UTF8.GetString(_page.WrittenSpan);

    [Fact]
    public void A_family_reads_as_the_format_has_it()
    {
        var writer = new PrometheusWriter(_page);
        writer.Counter("things_total", "How many.", 12);
        writer.Begin("size_bytes", "gauge", "How large.").Sample(0.5, ("kind", "a"), ("level", "1"));
        writer.Begin("nothing", "gauge", "None of it.");
        writer.Begin("took_seconds", "histogram", "How long.").Histogram([(0.001, 2), (0.004, 5)], 6, 1.25, ("command", "get"));
        Assert.Equal("""
            # HELP things_total How many.
            # TYPE things_total counter
            things_total 12
            # HELP size_bytes How large.
            # TYPE size_bytes gauge
            size_bytes{kind="a",level="1"} 0.5
            # HELP nothing None of it.
            # TYPE nothing gauge
            # HELP took_seconds How long.
            # TYPE took_seconds histogram
            took_seconds_bucket{command="get",le="0.001"} 2
            took_seconds_bucket{command="get",le="0.004"} 5
            took_seconds_bucket{command="get",le="+Inf"} 6
            took_seconds_sum{command="get"} 1.25
            took_seconds_count{command="get"} 6

            """, Text);
        Assert.Equal(4, PrometheusText.Parse(Text).Count);
    }

    [Theory]
    [InlineData("a\\b")]
    [InlineData("a\"b")]
    [InlineData("two\nlines")]
    [InlineData("\\n \\\\ \"")]
    [InlineData("größer 🐘 {a=\"b\"}, 1")]
    [InlineData("")]
    public void Whatever_stands_in_a_text_reads_back(string text)
    {
        new PrometheusWriter(_page).Begin("x", "gauge", text).Sample(1, ("label", text), ("other", "o"));
        var family = PrometheusText.Parse(Text)["x"];
        Assert.Equal(text, family.Help);
        Assert.Equal(text, family.Samples[0].Label("label"));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(9007199254740991, "9007199254740991")]
    [InlineData(1e300, "1E+300")]
    [InlineData(1.024e-6, "1.024E-06")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    public void Numbers_read_back(double value, string text)
    {
        new PrometheusWriter(_page).Gauge("x", "x", value);
        Assert.EndsWith($"\nx {text}\n", Text, StringComparison.Ordinal);
        Assert.Equal(value, PrometheusText.Parse(Text)["x"].Value);
    }

    // The reader of the tests is strict: each of these it refuses.
    [Theory]
    [InlineData("x 1")]
    [InlineData("x 1\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\ny 1\n")]
    [InlineData("# HELP x y\n# TYPE x counter\nx 1\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx 1\nx 2\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx{a=1} 1\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx{a=\"1\",a=\"2\"} 1\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx{a=\"\\t\"} 1\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx 1,5\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\nx 1\n# HELP x y\n# TYPE x gauge\n")]
    [InlineData("# HELP x y\n# TYPE x gauge\r\nx 1\n")]
    [InlineData("# HELP x y\n# TYPE x histogram\nx_bucket{le=\"1\"} 3\nx_bucket{le=\"+Inf\"} 2\nx_sum 1\nx_count 2\n")]
    [InlineData("# HELP x y\n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 2\nx_sum 1\nx_count 3\n")]
    public void The_reader_of_the_tests_forgives_nothing(string text) => Assert.Throws<FormatException>(() => PrometheusText.Parse(text));
}
