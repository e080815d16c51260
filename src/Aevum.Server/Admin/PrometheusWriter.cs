// PrometheusWriter: metrics in Prometheus' text format, version 0.0.4. Knows the format and no metric.
//
//   # HELP name what it is
//   # TYPE name counter
//   name{label="value",other="value"} 12
//
// Always true: a family's lines stand together, its HELP and TYPE before them, each once; what has no samples is still told of. In help texts a
// backslash and a line feed are escaped, in label values a quote too; numbers are written so that they read back as they were.
// Format: https://prometheus.io/docs/instrumenting/exposition_formats/

using System.Buffers;
using System.Globalization;
using System.Text;

namespace Aevum.Server.Admin;

sealed class PrometheusWriter(IBufferWriter<byte> target)
{
    /// <summary>What to answer with.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    string _family = "";

    public void Counter(string name, string help, double value) => Begin(name, "counter", help).Sample(value);

    public void Gauge(string name, string help, double value) => Begin(name, "gauge", help).Sample(value);

    /// <summary>Begins a family of several samples.</summary>
    /// <param name="type">counter, gauge or histogram.</param>
    public PrometheusWriter Begin(string name, string type, string help)
    {
        _family = name;
        Write("# HELP ");
        Write(name);
        Write(" ");
        Write(Escape(help));
        Write("\n# TYPE ");
        Write(name);
        Write(" ");
        Write(type);
        Write("\n");
        return this;
    }

    public void Sample(double value, params ReadOnlySpan<(string Name, string Value)> labels) => Line("", value, labels, default);

    /// <summary>One histogram of the family.</summary>
    /// <param name="buckets">Upper bounds, rising, and how many values are at or below each; without the infinite one.</param>
    /// <param name="count">All values.</param>
    /// <param name="sum">Of all values.</param>
    public void Histogram(ReadOnlySpan<(double Bound, long Count)> buckets, long count, double sum, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        foreach (var bucket in buckets) Line("_bucket", bucket.Count, labels, Number(bucket.Bound));
        Line("_bucket", count, labels, "+Inf");
        Line("_sum", sum, labels, null);
        Line("_count", count, labels, null);
    }

    void Line(string suffix, double value, ReadOnlySpan<(string Name, string Value)> labels, string? bound)
    {
        Write(_family);
        Write(suffix);
        var separator = "{";
        foreach (var (name, text) in labels) Label(ref separator, name, text);
        if (bound is not null) Label(ref separator, "le", bound);
        if (separator == ",") Write("}");
        Write(" ");
        Write(Number(value));
        Write("\n");
    }

    void Label(ref string separator, string name, string value)
    {
        Write(separator);
        Write(name);
        Write("=\"");
        Write(Escape(value).Replace("\"", "\\\"", StringComparison.Ordinal));
        Write("\"");
        separator = ",";
    }

    static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        // Counters are whole up to 2^53: without an exponent they are easier to read.
        _ when value == Math.Floor(value) && Math.Abs(value) < 1L << 53 => ((long)value).ToString(CultureInfo.InvariantCulture),
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    static string Escape(string text) => text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    void Write(string text) => Encoding.UTF8.GetBytes(text, target);
}
