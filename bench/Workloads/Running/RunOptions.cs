// RunOptions: the command line of "run", taken apart. By hand: a dozen options do not pay for a library.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Running;

enum Sides { Both, Ours, Peer }

sealed record RunOptions
{
    public const string Help = """
        usage: aevum-bench-workloads list
               aevum-bench-workloads run SUITE [options]

          --json FILE        rows as JSON Lines to FILE (without it: to standard output, all else to standard error)
          --rows A,B         only these rows (and what they need to run first)
          --rounds N         rounds per scenario, instead of each scenario's own number
          --quick            smaller and fewer; the rows' names end in " (quick)"
          --variants         besides, the main rows with history for ever (ours), with LZ4 (both), and with the
                             peer's tables mapped (peer): told beside
          --plot FILE.svg    a bar chart of the ratios
          --dir DIR          where stores are made (default: TMPDIR, else the system's); needs 6 GiB for the 10M rows
          --side WHICH       both (default), ours, peer
          --ours ENGINE      the engine on our side (default aevum); "--ours rocksdb" measures the peer against itself: the noise
          --peer-mmap        the peer reads its tables through mappings
          --peer-options S   more options for the peer, in its own words: "a=b;c=d"
          --peer-tickers     the peer prints its own counters of bytes written (costs CPU: not for figures)
        """;

    public required Suite Suite { get; init; }
    public string? JsonFile { get; init; }
    public string? PlotFile { get; init; }
    public string[] Rows { get; init; } = [];
    public int? Rounds { get; init; }
    public Scale Scale { get; init; }
    public bool Variants { get; init; }
    public string Directory { get; init; } = Path.GetTempPath();
    public Sides Sides { get; init; }
    public string OursName { get => field ?? Suite.OursName; init; }
    public bool PeerMapsTables { get; init; }
    public string PeerOptions { get; init; } = "";
    public bool PeerTickers { get; init; }

    /// <summary>What follows each row's name: empty only for the row as it is defined.</summary>
    public string Suffix => Scale switch { Scale.Full => "", Scale.Quick => " (quick)", _ => " (tiny)" };

    public bool IsWanted(Row row) => row.IsBuilt && (Rows.Length == 0 || Rows.Contains(row.Name));

    /// <exception cref="BenchException">The line cannot be understood; the message says which word.</exception>
    public static RunOptions Parse(ReadOnlySpan<string> words)
    {
        if (words.Length == 0) throw new BenchException("run what? \"list\" names the suites");
        var name = words[0];
        var options = new RunOptions
        {
            Suite = Suite.All.FirstOrDefault(s => s.Name == name) ?? throw new BenchException($"there is no suite \"{name}\""),
        };
        for (var i = 1; i < words.Length; i++)
        {
            var word = words[i];
            string Next(ReadOnlySpan<string> all) => ++i < all.Length ? all[i] : throw new BenchException($"{word} wants a value");
            options = word switch
            {
                "--json" => options with { JsonFile = Next(words) },
                "--plot" => options with { PlotFile = Next(words) },
                "--rows" => options with { Rows = ParseRows(options.Suite, Next(words)) },
                "--rounds" => options with { Rounds = ParseRounds(Next(words)) },
                "--quick" => options with { Scale = Scale.Quick },
                "--tiny" => options with { Scale = Scale.Tiny },
                "--variants" => options with { Variants = true },
                "--dir" => options with { Directory = Path.GetFullPath(Next(words)) },
                "--side" => options with { Sides = ParseSides(Next(words)) },
                "--ours" => options with { OursName = Next(words) },
                "--peer-mmap" => options with { PeerMapsTables = true },
                "--peer-options" => options with { PeerOptions = Next(words) },
                "--peer-tickers" => options with { PeerTickers = true },
                _ => throw new BenchException($"\"{word}\" is no option of run"),
            };
        }
        return options;
    }

    static string[] ParseRows(Suite suite, string text)
    {
        var rows = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var unknown = rows.FirstOrDefault(name => suite.Rows.All(row => row.Name != name));
        if (unknown is not null) throw new BenchException($"suite {suite.Name} has no row \"{unknown}\"; \"list\" names them");
        var unbuilt = rows.FirstOrDefault(name => suite.Rows.Any(row => row.Name == name && !row.IsBuilt));
        return unbuilt is null ? rows : throw new BenchException($"what \"{unbuilt}\" would measure is not built yet");
    }

    static int ParseRounds(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out var n) && n is > 0 and < 1000
            ? n
            : throw new BenchException($"--rounds wants a number from 1 to 999, not \"{text}\"");

    static Sides ParseSides(string text) => text switch
    {
        "both" => Sides.Both,
        "ours" => Sides.Ours,
        "peer" => Sides.Peer,
        _ => throw new BenchException($"--side wants both, ours or peer, not \"{text}\""),
    };
}
