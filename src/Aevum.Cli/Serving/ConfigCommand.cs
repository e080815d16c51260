using System.CommandLine;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Server.Hosting.Configuration;

namespace Aevum.Cli.Serving;

/// <summary><c>aevum config</c>: what <c>aevum serve</c> would be told, without serving.</summary>
static class ConfigCommand
{
    public static Command Create(Terminal terminal) => new("config", "Look at the configuration of a server.") { CreateCheck(terminal), CreatePrint(terminal) };

    static Command CreateCheck(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The file." };
        var command = new Command("check", "Find everything that is wrong with a configuration file.") { file };
        command.SetAction(parsed =>
        {
            var values = ConfigValues.Read(ConfigFlags.Sources() with { File = parsed.GetValue(file) });
            if (!TellProblems(terminal, values)) return ExitCodes.Problems;
            terminal.Out.WriteLine($"{parsed.GetValue(file)}: nothing wrong");
            return ExitCodes.Done;
        });
        return command;
    }

    static Command CreatePrint(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of text." };
        var command = new Command("print", "Print every key, what holds, and who said so: takes what 'aevum serve' takes.") { json };
        var flags = new ConfigFlags(command);
        command.SetAction(parsed =>
        {
            var values = ConfigValues.Read(flags.SourcesOf(parsed));
            if (parsed.GetValue(json)) terminal.Out.WriteLine(AsJson(values));
            else
                foreach (var value in values.All) terminal.Out.WriteLine($"{value.Key,-22} {(value.Shown.Length == 0 ? "-" : value.Shown),-24} {value.Origin}");
            return TellProblems(terminal, values) ? ExitCodes.Done : ExitCodes.Problems;
        });
        return command;
    }

    static bool TellProblems(Terminal terminal, ConfigValues values)
    {
        foreach (var problem in values.Problems) terminal.Fail(problem);
        return values.Problems.Count == 0;
    }

    static string AsJson(ConfigValues values)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            foreach (var value in values.All)
            {
                writer.WriteStartObject(value.Key.Name);
                writer.WriteString("value", value.Shown);
                writer.WriteString("origin", value.Origin);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
