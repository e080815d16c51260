// CommandFacts: what Redis tells of its commands that no class here needs for its work: categories of access lists, tips, and where a request's keys stand
// and what is done to each. Read once from the list commands.txt, which is in the assembly. Commands of our own have facts that follow from their flags.

using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Access;

/// <summary>Where keys stand, and what is done to them.</summary>
/// <param name="Keyword">Behind which word the search begins; null: at <paramref name="Begin"/>.</param>
/// <param name="Begin">An index; with a keyword, where it is looked for, negative from the end.</param>
/// <param name="IsCounted">The first argument found says how many keys follow.</param>
/// <param name="Last">Of a range: the last key, from the first one; negative from the end. Counted: where the number stands.</param>
/// <param name="Flags">RO, access and so on, as they are told.</param>
sealed record KeySpec(string? Keyword, int Begin, bool IsUnknown, bool IsCounted, int Last, int First, int Step, int Limit, string[] Flags)
{
    /// <summary>Reading what the key holds is part of the command.</summary>
    public bool Reads { get; } = Flags.Contains("access");

    public bool Writes { get; } = Flags.Any(f => f is "update" or "insert" or "delete");

    /// <summary>Finds the arguments.</summary>
    public void Find(CommandArguments args, List<int> found)
    {
        if (IsUnknown) return;
        var first = Begin;
        if (Keyword is not null)
        {
            first = -1;
            var word = Encoding.ASCII.GetBytes(Keyword.ToLowerInvariant());
            if (Begin >= 0)
            {
                for (var i = Begin; i < args.Count - 1 && first < 0; i++)
                    if (args.Is(i, word)) first = i + 1;
            }
            else
            {
                for (var i = args.Count + Begin; i > 0 && first < 0; i--)
                    if (args.Is(i, word)) first = i + 1;
            }
            if (first < 0) return;
        }
        if (first >= args.Count) return;
        if (IsCounted)
        {
            if (first + Last >= args.Count || !Numbers.TryInteger(args[first + Last], out var count)) return;
            for (long i = 0; i < count && first + First + (i * Step) < args.Count; i++) found.Add((int)(first + First + (i * Step)));
            return;
        }
        // A limit of 2 is the first half of what is left (XREAD), 3 the first third.
        var last = Last >= 0 ? first + Last : Limit <= 1 ? args.Count + Last : first + ((args.Count - first) / Limit) + Last;
        for (var i = first; i <= last && i < args.Count; i += Math.Max(1, Step)) found.Add(i);
    }
}

/// <param name="Flags">As COMMAND INFO tells them.</param>
/// <param name="Categories">Without their @.</param>
sealed record CommandFacts(string Name, int Arity, string[] Flags, int First, int Last, int Step, string[] Categories, string[] Tips, KeySpec[] Specs)
{
    static readonly Dictionary<string, CommandFacts> All = Read();

    /// <summary>Null: Redis has no such command.</summary>
    public static CommandFacts? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>Facts of the subcommands of a command.</summary>
    public static IEnumerable<CommandFacts> SubcommandsOf(string name) =>
        All.Values.Where(f => f.Name.Length > name.Length && f.Name[name.Length] == '|' && f.Name.StartsWith(name, StringComparison.Ordinal));

    public static IEnumerable<CommandFacts> Everything => All.Values;

    static readonly (CommandFlags Flag, string Name)[] FlagNames =
    [
        (CommandFlags.Write, "write"), (CommandFlags.ReadOnly, "readonly"), (CommandFlags.DenyOom, "denyoom"), (CommandFlags.Admin, "admin"),
        (CommandFlags.PubSub, "pubsub"), (CommandFlags.NoScript, "noscript"), (CommandFlags.Blocking, "blocking"), (CommandFlags.Loading, "loading"),
        (CommandFlags.Stale, "stale"), (CommandFlags.Fast, "fast"), (CommandFlags.NoAuth, "no_auth"), (CommandFlags.MovableKeys, "movablekeys"),
    ];

    /// <summary>What is to be known of a subcommand where one class serves all.</summary>
    /// <param name="group">Of the command that it belongs to.</param>
    public CommandInfo InfoOf(CommandInfo group) => group with
    {
        Name = Name,
        Arity = Arity,
        Flags = FlagNames.Where(f => Flags.Contains(f.Name)).Aggregate(CommandFlags.None, static (all, f) => all | f.Flag),
    };

    /// <summary>Of a command that Redis does not have, from what it says of itself.</summary>
    public static CommandFacts Of(CommandInfo info)
    {
        var flags = new List<string>();
        foreach (var (flag, name) in FlagNames)
            if (info.Is(flag)) flags.Add(name);
        var categories = new HashSet<string>(info.Categories);
        if (info.Is(CommandFlags.Write)) categories.Add("write");
        if (info.Is(CommandFlags.ReadOnly)) categories.Add("read");
        if (info.Is(CommandFlags.Admin)) categories.UnionWith(["admin", "dangerous"]);
        if (info.Is(CommandFlags.PubSub)) categories.Add("pubsub");
        if (info.Is(CommandFlags.Blocking)) categories.Add("blocking");
        categories.Add(info.Is(CommandFlags.Fast) ? "fast" : "slow");
        if (info.Group switch
        {
            CommandGroup.Generic => "keyspace", CommandGroup.Transactions => "transaction", CommandGroup.Connection => "connection",
                CommandGroup.Scripting => "scripting",
            CommandGroup.Server or CommandGroup.Cluster => null, var group => group.ToString().ToLowerInvariant(),
        } is { } ofGroup)
            categories.Add(ofGroup);
        var keys = info.Keys;
        KeySpec[] specs = keys.First == 0 ? [] :
            [new KeySpec(null, keys.First, false, false, keys.Last < 0 ? keys.Last : keys.Last - keys.First, 0, keys.Step, 0,
                info.Is(CommandFlags.Write) ? ["RW", "access", "update"] : ["RO", "access"])];
        return new CommandFacts(info.Name, info.Arity, [.. flags], keys.First, keys.Last, keys.Step, [.. categories.Where(c =>
            CommandCategories.IndexOf(c) >= 0)], [], specs);
    }

    static Dictionary<string, CommandFacts> Read()
    {
        using var stream = typeof(CommandFacts).Assembly.GetManifestResourceStream("commands.txt")!;
        var text = new byte[stream.Length];
        stream.ReadExactly(text);
        var all = new Dictionary<string, CommandFacts>(StringComparer.Ordinal);
        foreach (var line in Encoding.ASCII.GetString(text).ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var parts = line.Split(' ');
            var places = parts[3].Split(':').Select(Number).ToArray();
            all[parts[0]] = new CommandFacts(parts[0], Number(parts[1]), List(parts[2], ','), places[0], places[1], places[2], List(parts[4], ','),
                List(parts[5], ';'),
                parts[6] == "-" ? [] : [.. parts[6..].Select(ReadSpec)]);
        }
        return all;
    }

    static KeySpec ReadSpec(string text)
    {
        var parts = text.Split('/');
        var (begin, find) = (parts[0], parts[1]);
        string? keyword = null;
        var at = 0;
        if (begin[0] == 'i') at = Number(begin[1..]);
        if (begin[0] == 'k')
        {
            var words = begin[1..].Split(':');
            (keyword, at) = (words[0], Number(words[1]));
        }
        var numbers = find[0] == 'u' ? [0, 0, 0] : find[1..].Split(':').Select(Number).ToArray();
        var isCounted = find[0] == 'n';
        return new KeySpec(keyword, at, begin[0] == 'u' || find[0] == 'u', isCounted, numbers[0], isCounted ? numbers[1] : 0,
            isCounted ? numbers[2] : numbers[1], isCounted ? 0 : numbers[2], parts[2].Split(','));
    }

    static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    static string[] List(string text, char between) => text == "-" ? [] : text.Split(between);
}

/// <summary>Categories of access lists, in the order in which ACL CAT tells them.</summary>
static class CommandCategories
{
    public static string[] All { get; } =
    [
        "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub", "admin", "fast",
        "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
    ];

    /// <summary>-1: there is none of that name.</summary>
    public static int IndexOf(string name) => Array.IndexOf(All, name);
}
