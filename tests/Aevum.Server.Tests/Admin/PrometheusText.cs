// PrometheusText: a strict reader of Prometheus' text format 0.0.4: what a scraper might forgive is an error here.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Aevum.Server.Tests.Admin;

sealed record PrometheusSample(string Name, IReadOnlyList<(string Name, string Value)> Labels, double Value)
{
    public string? Label(string name) => Labels.Where(l => l.Name == name).Select(l => l.Value).FirstOrDefault();
}

sealed record PrometheusFamily(string Name, string Type, string Help, List<PrometheusSample> Samples)
{
    /// <summary>The only sample.</summary>
    public double Value => Samples.Single().Value;
}

static partial class PrometheusText
{
    /// <exception cref="FormatException">Anything that is not as the format has it.</exception>
    public static IReadOnlyDictionary<string, PrometheusFamily> Parse(string text)
    {
        if (!text.EndsWith('\n')) throw new FormatException("the last line does not end");
        if (text.Contains('\r')) throw new FormatException("lines end in a line feed alone");
        var families = new Dictionary<string, PrometheusFamily>();
        string? help = null, named = null;
        PrometheusFamily? family = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                if (help is not null) throw new FormatException($"a help text without a type before: {line}");
                var parts = line[7..].Split(' ', 2);
                (named, help) = (Name(parts[0]), Unescape(parts[1], quoted: false));
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line[7..].Split(' ');
                if (parts.Length != 2 || help is null || parts[0] != named) throw new FormatException($"a type without its help text: {line}");
                if (parts[1] is not ("counter" or "gauge" or "histogram")) throw new FormatException($"no type: {line}");
                if (parts[1] == "counter" && !named.EndsWith("_total", StringComparison.Ordinal))
                    throw new FormatException($"a counter's name ends in _total: {line}");
                family = new PrometheusFamily(named, parts[1], help, []);
                if (!families.TryAdd(named, family)) throw new FormatException($"told of twice: {line}");
                help = null;
            }
            else
            {
                if (family is null || help is not null) throw new FormatException($"a sample outside of its family: {line}");
                var sample = Sample(line);
                var suffixes = family.Type == "histogram" ? new[] { "_bucket", "_sum", "_count" } : [""];
                if (!suffixes.Any(s => sample.Name == family.Name + s)) throw new FormatException($"a sample of another family: {line}");
                if (family.Type == "counter" && !(sample.Value >= 0)) throw new FormatException($"a counter below zero: {line}");
                if (family.Samples.Any(s => s.Name == sample.Name && s.Labels.SequenceEqual(sample.Labels)))
                    throw new FormatException($"told twice: {line}");
                family.Samples.Add(sample);
            }
        }
        foreach (var histogram in families.Values.Where(f => f.Type == "histogram")) CheckHistogram(histogram);
        return families;
    }

    static void CheckHistogram(PrometheusFamily family)
    {
        foreach (var group in family.Samples.GroupBy(s => string.Join(',', s.Labels.Where(l => l.Name != "le"))))
        {
            var buckets = group.Where(s => s.Name == family.Name + "_bucket").ToArray();
            var bounds = buckets.Select(b => Number(b.Label("le") ?? throw new FormatException("a bucket without a bound"))).ToArray();
            if (!bounds.SequenceEqual(bounds.Distinct().Order())) throw new FormatException($"bounds do not rise: {family.Name} {group.Key}");
            var counts = buckets.Select(b => b.Value).ToArray();
            if (!counts.SequenceEqual(counts.Order())) throw new FormatException($"counts fall: {family.Name} {group.Key}");
            var count = group.Single(s => s.Name == family.Name + "_count").Value;
            _ = group.Single(s => s.Name == family.Name + "_sum");
            if (bounds[^1] != double.PositiveInfinity || counts[^1] != count)
                throw new FormatException($"the infinite bucket is not the count: {family.Name}");
        }
    }

    static PrometheusSample Sample(string line)
    {
        var at = line.IndexOfAny(['{', ' ']);
        if (at < 0) throw new FormatException($"no value: {line}");
        var name = Name(line[..at]);
        var labels = new List<(string, string)>();
        if (line[at] == '{')
        {
            at++;
            while (true)
            {
                var equals = line.IndexOf('=', at);
                if (equals < 0 || line[equals + 1] != '"') throw new FormatException($"a label without a value: {line}");
                var label = LabelName().IsMatch(line[at..equals]) ? line[at..equals] : throw new FormatException($"no label: {line}");
                var end = equals + 2;
                while (line[end] != '"') end += line[end] == '\\' ? 2 : 1;
                labels.Add((label, Unescape(line[(equals + 2)..end], quoted: true)));
                at = end + 2;
                if (line[end + 1] == '}') break;
                if (line[end + 1] != ',') throw new FormatException($"labels are apart by commas: {line}");
            }
            if (labels.Select(l => l.Item1).Distinct().Count() != labels.Count) throw new FormatException($"a label twice: {line}");
        }
        if (line[at] != ' ') throw new FormatException($"no blank before the value: {line}");
        return new PrometheusSample(name, labels, Number(line[(at + 1)..]));
    }

    static string Name(string text) => MetricName().IsMatch(text) ? text : throw new FormatException($"no name: {text}");

    static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ when NumberText().IsMatch(text) => double.Parse(text, CultureInfo.InvariantCulture),
        _ => throw new FormatException($"no number: {text}"),
    };

    static string Unescape(string text, bool quoted)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }
            plain.Append(++i < text.Length ? text[i] switch
            {
                '\\' => '\\',
                'n' => '\n',
                '"' when quoted => '"',
                _ => throw new FormatException($"no escape: \\{text[i]}"),
            } : throw new FormatException("an escape of nothing"));
        }
        return plain.ToString();
    }

    [GeneratedRegex(@"\A[a-zA-Z_:][a-zA-Z0-9_:]*\z")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"\A[a-zA-Z_][a-zA-Z0-9_]*\z")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"\A-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\z")]
    private static partial Regex NumberText();
}
