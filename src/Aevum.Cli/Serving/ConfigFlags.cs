using System.CommandLine;
using System.CommandLine.Parsing;
using Aevum.Core.Files;
using Aevum.Server.Hosting;
using Aevum.Server.Hosting.Configuration;

namespace Aevum.Cli.Serving;

/// <summary>The keys of a server's configuration as flags of a command, made from their table.</summary>
sealed class ConfigFlags
{
    readonly Option<string?> _file = new("--config")
    {
        Description = $"A file of the configuration (docs/configuration.md); else ${ConfigSources.FileVariable}.",
        HelpName = "FILE",
    };

    readonly List<(ConfigKey Key, Option Option)> _flags = [];

    public ConfigFlags(Command command)
    {
        command.Options.Add(_file);
        foreach (var key in ConfigKeys.All)
        {
            if (key.Flag is not { } flag) continue;
            var meaning = key.Summary.Replace("`", "", StringComparison.Ordinal);
            Option option = key.IsSwitch ? new Option<bool>(flag) { Description = meaning }
                : key.IsList ? new Option<string[]>(flag) { Description = meaning, HelpName = key.Form }
                : new Option<string?>(flag) { Description = meaning, HelpName = key.Form };
            _flags.Add((key, option));
            command.Options.Add(option);
        }
    }

    /// <summary>Everything that a process is told: flags, environment, file; and the machine it runs on.</summary>
    public ConfigSources SourcesOf(ParseResult parsed)
    {
        var flags = new Dictionary<ConfigKey, string>();
        foreach (var (key, option) in _flags)
            if (parsed.GetResult(option) is { Implicit: false } given) flags[key] = TextOf(key, given);
        return Sources() with { Flags = flags, File = parsed.GetValue(_file), Environment = Environment() };
    }

    /// <summary>The machine, and nothing told.</summary>
    public static ConfigSources Sources()
    {
        var files = new DiskFileSystem();
        return new ConfigSources { Files = files, Machine = HardwareProfile.Find(files) };
    }

    static string TextOf(ConfigKey key, OptionResult given) =>
        given.Tokens.Count == 0 && key.IsSwitch ? "true" : string.Join(',', given.Tokens.Select(t => t.Value));

    static Dictionary<string, string> Environment()
    {
        var found = new Dictionary<string, string>();
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
            found[(string)variable.Key] = (string?)variable.Value ?? "";
        return found;
    }
}
