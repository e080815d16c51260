// ConfigValues: what holds, of every key, and why: a flag before the environment, that before the file, that before the default.
//
// Nothing is guessed: a key that nobody knows is a problem, with the nearest one that is known, and so is a value that has not the form. All problems are
// found in one go. Of the environment only what looks like a key (AEVUM_SECTION__KEY) is looked at; AEVUM_CONFIG names the file where no flag does.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Server.Hosting.Configuration;

/// <summary>Where a configuration is read from.</summary>
public sealed record ConfigSources
{
    /// <summary>Names the file where no flag does.</summary>
    public const string FileVariable = "AEVUM_CONFIG";

    /// <summary>What the command line said, as it said it.</summary>
    public IReadOnlyDictionary<ConfigKey, string> Flags { get; init; } = new Dictionary<ConfigKey, string>();

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The file that a flag names; null: none does.</summary>
    public string? File { get; init; }

    public required IFileSystem Files { get; init; }

    public required HardwareProfile Machine { get; init; }
}

/// <param name="Value">Of the key's type.</param>
/// <param name="Origin">A flag, a variable, file and line, "default", or "this machine".</param>
public readonly record struct ConfigValue(ConfigKey Key, object Value, string Origin)
{
    public const string ByDefault = "default";

    public const string ByMachine = "this machine";

    /// <summary>As it could be written into a file; of secrets only whether there is one.</summary>
    public string Shown => Key.IsSecret ? (string)Value == "" ? "" : "(set)" : Key.Write(Value);
}

public sealed class ConfigValues
{
    readonly Dictionary<ConfigKey, ConfigValue> _values = [];
    readonly List<string> _problems = [];

    ConfigValues(ConfigSources sources)
    {
        foreach (var key in ConfigKeys.All)
        {
            var origin = key.DefaultMeaning is null or "none" ? ConfigValue.ByDefault : ConfigValue.ByMachine;
            _values[key] = new ConfigValue(key, key.DefaultOn(sources.Machine), origin);
        }
        // The least first: who comes later wins.
        var file = sources.File ?? sources.Environment.GetValueOrDefault(ConfigSources.FileVariable);
        if (!string.IsNullOrEmpty(file)) TakeFile(sources.Files, file);
        TakeEnvironment(sources);
        foreach (var (key, text) in sources.Flags) Take(key, text, key.Flag!, key.Flag!);
        CheckTogether();
    }

    /// <summary>Reads a configuration, whatever is wrong with it.</summary>
    public static ConfigValues Read(ConfigSources sources) => new(sources);

    /// <summary>What is wrong; empty: nothing.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Every key in its order.</summary>
    public IEnumerable<ConfigValue> All => ConfigKeys.All.Select(k => _values[k]);

    public T Get<T>(ConfigKey<T> key) where T : notnull => (T)_values[key].Value;

    public string OriginOf(ConfigKey key) => _values[key].Origin;

    void TakeFile(IFileSystem files, string path)
    {
        List<FileEntry> entries;
        try
        {
            entries = ConfigFile.Read(files, path, _problems);
        }
        catch (AevumException unreadable)
        {
            _problems.Add($"{path} cannot be read: {unreadable.Message}");
            return;
        }
        foreach (var entry in entries)
        {
            var place = $"{path}:{entry.Line}";
            if (ConfigKeys.All.FirstOrDefault(k => k.Name == entry.Name) is { } key) Take(key, entry.Text, place, $"{place}: {entry.Name}");
            else _problems.Add($"{place}: there is no key {entry.Name}{Nearest(entry.Name, ConfigKeys.All.Select(k => k.Name))}");
        }
    }

    void TakeEnvironment(ConfigSources sources)
    {
        foreach (var (name, text) in sources.Environment.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith("AEVUM_", StringComparison.Ordinal) || !name.Contains("__", StringComparison.Ordinal)) continue;
            if (ConfigKeys.All.FirstOrDefault(k => k.Variable == name) is { } key)
                Take(key, text, name, name);
            else if (ConfigKeys.All.FirstOrDefault(k => k.IsSecret && k.Variable + ConfigKey.FileSuffix == name) is { } secret)
                TakeSecret(sources, secret, name, text);
            else
                _problems.Add($"{name}: there is no such key{Nearest(name, ConfigKeys.All.Select(k => k.Variable))}");
        }
    }

    void TakeSecret(ConfigSources sources, ConfigKey key, string variable, string path)
    {
        if (sources.Environment.ContainsKey(key.Variable))
        {
            _problems.Add($"{variable} and {key.Variable} say the same thing: one of them is too many");
            return;
        }
        try
        {
            // Editors and shells put a line end behind what nobody meant to have one.
            Take(key, Encoding.UTF8.GetString(sources.Files.ReadAllBytes(path)).TrimEnd('\r', '\n'), variable, variable);
        }
        catch (AevumException unreadable)
        {
            _problems.Add($"{variable}: {path} cannot be read: {unreadable.Message}");
        }
    }

    void Take(ConfigKey key, string text, string origin, string place)
    {
        try
        {
            _values[key] = new ConfigValue(key, key.Read(text), origin);
        }
        catch (AevumException wrong)
        {
            _problems.Add($"{place}: {wrong.Message}");
        }
    }

    // What is right by itself and wrong beside something else.
    void CheckTogether()
    {
        if (Get(ConfigKeys.DataMemory) && Get(ConfigKeys.DataDirectory) != "")
            _problems.Add($"data.directory ({OriginOf(ConfigKeys.DataDirectory)}) and data.memory ({OriginOf(ConfigKeys.DataMemory)}): it is one or the other");
        var hasTls = Get(ConfigKeys.TlsCertificate) != "" && Get(ConfigKeys.TlsKey) != "";
        if (Get(ConfigKeys.RespTlsListen).Count > 0 && !hasTls)
            _problems.Add($"resp.tls-listen ({OriginOf(ConfigKeys.RespTlsListen)}) needs tls.certificate and tls.key");
        if (Get(ConfigKeys.RespOutputMax) is var max and > 0 && Get(ConfigKeys.RespOutputPause) > max)
            _problems.Add("resp.output-pause is greater than resp.output-max: clients would be disconnected before they are waited for");
    }

    /// <summary>The suggestion behind a name that nobody knows; empty if none is near.</summary>
    public static string Nearest(string name, IEnumerable<string> known)
    {
        var (best, distance) = ("", Math.Max(2, name.Length / 3) + 1);
        foreach (var candidate in known)
            if (Distance(name, candidate) is var d && d < distance) (best, distance) = (candidate, d);
        return best == "" ? "" : $"; did you mean {best}?";
    }

    // Insertions, deletions, replacements (Levenshtein 1966), two rows of the table.
    static int Distance(string a, string b)
    {
        var (above, row) = (new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++) above[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            (above, row) = (row, above);
        }
        return above[b.Length];
    }
}
