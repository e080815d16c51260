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

    public void Sample(double value, params ReadOnlySpan<(string Name, string Value)> labels) => Line("", value, labels);

    /// <summary>One histogram of the family.</summary>
    /// <param name="buckets">Upper bounds, rising, and how many values are at or below each; without the infinite one.</param>
    /// <param name="count">All values.</param>
    /// <param name="sum">Of all values.</param>
    public void Histogram(ReadOnlySpan<(double Bound, long Count)> buckets, long count, double sum, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        foreach (var bucket in buckets) Line("_bucket", bucket.Count, labels, bucket.Bound);
        Line("_bucket", count, labels, double.PositiveInfinity);
        Line("_sum", sum, labels);
        Line("_count", count, labels);
    }

    // Bound: of a bucket; NaN: the line has none.
    void Line(string suffix, double value, ReadOnlySpan<(string Name, string Value)> labels, double bound = double.NaN)
    {
        Write(_family);
        Write(suffix);
        var separator = "{";
        foreach (var (name, text) in labels)
        {
            Open(ref separator, name);
            Write(NeedsQuoting(text) ? Escape(text).Replace("\"", "\\\"", StringComparison.Ordinal) : text);
            Write("\"");
        }
        if (!double.IsNaN(bound))
        {
            Open(ref separator, "le");
            Number(bound);
            Write("\"");
        }
        if (separator == ",") Write("}");
        Write(" ");
        Number(value);
        Write("\n");
    }

    void Open(ref string separator, string name)
    {
        Write(separator);
        Write(name);
        Write("=\"");
        separator = ",";
    }

    void Number(double value)
    {
        switch (value)
        {
            case double.PositiveInfinity:
                Write("+Inf");
                return;
            case double.NegativeInfinity:
                Write("-Inf");
                return;
            case double.NaN:
                Write("NaN");
                return;
        }
        var room = target.GetSpan(40);
        // Counters are whole up to 2^53: without an exponent they are easier to read.
        var isWhole = value == Math.Floor(value) && Math.Abs(value) < 1L << 53;
        if (isWhole ? ((long)value).TryFormat(room, out var written, default, CultureInfo.InvariantCulture)
            : value.TryFormat(room, out written, "R", CultureInfo.InvariantCulture)) target.Advance(written);
        else Write(value.ToString("R", CultureInfo.InvariantCulture));
    }

    static bool NeedsQuoting(string text) => text.AsSpan().ContainsAny('\\', '\n', '"');

    static string Escape(string text) => text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    void Write(string text) => Encoding.UTF8.GetBytes(text, target);
}
