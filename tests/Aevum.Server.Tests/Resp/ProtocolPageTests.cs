using System.Text;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

/// <summary>docs/protocols/resp.md lists every command with its state: that part of it is written from the table of commands itself.</summary>
public sealed class ProtocolPageTests : IDisposable
{
    const string Begin = "<!-- commands: written by ./dev goldens -->\n";
    const string End = "<!-- commands end -->\n";

    readonly RespWorld _world = new();

    public void Dispose() => _world.Dispose();

    static string PagePath => Path.Combine(TestFolders.Repository, "docs", "protocols", "resp.md");

    // What Redis 7.0.15 answers to COMMAND LIST, without subcommands: names are facts, and this is what a client may ask for.
    static string[] RedisCommands => File.ReadAllLines(Path.Combine(TestFolders.Project, "testdata", "redis-7.0-commands.txt"));

    [Fact]
    public void The_page_lists_every_command_with_its_state()
    {
        var page = File.ReadAllText(PagePath);
        var from = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var to = page.IndexOf(End, StringComparison.Ordinal);
        var written = page[..from] + Commands() + page[to..];
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") File.WriteAllText(PagePath, written);
        else Assert.Equal(written, page);
    }

    [Fact]
    public void What_a_command_that_is_not_here_yet_answers_says_so()
    {
        foreach (var later in _world.Server.Commands.All.Where(IsLater).Select(c => c.Info.Name))
            Assert.Matches("(not available|cluster support disabled|wrong number|no modules|unknown subcommand)", _world.Ask(later, "x", "0"));
    }

    string Commands()
    {
        var text = new StringBuilder();
        foreach (var group in Enum.GetValues<CommandGroup>())
        {
            var commands = _world.Server.Commands.All.Where(c => c.Info.Group == group && !IsLater(c)).ToArray();
            if (commands.Length == 0) continue;
            text.Append('\n').Append("### ").Append(Title(group)).Append("\n\n| command | since | what it does |\n| --- | --- | --- |\n");
            foreach (var command in commands)
            {
                text.Append("| ").Append(command.Info.Name.ToUpperInvariant());
                var subcommands = command.Subcommands.Select(s => s.Info.Name.Split('|')[^1].ToUpperInvariant()).ToArray();
                if (subcommands.Length > 0) text.Append(": ").AppendJoin(", ", subcommands);
                text.Append(" | ").Append(command.Info.Since).Append(" | ").Append(command.Info.Summary).Append(" |\n");
            }
        }
        var here = _world.Server.Commands.All.Select(c => c.Info.Name).ToHashSet();
        text.Append("\n### Not here yet\n\nEach answers an error that says so: ");
        text.AppendJoin(", ", _world.Server.Commands.All.Where(IsLater).Select(c => c.Info.Name.ToUpperInvariant())).Append(".\n");
        var unknown = RedisCommands.Where(name => !here.Contains(name)).Select(name => name.ToUpperInvariant()).ToArray();
        text.Append("\nCommands of Redis 7.0 that are unknown here: ").AppendJoin(", ", unknown).Append(unknown.Length == 0 ? "none" : "").Append(".\n");
        return text.ToString();
    }

    static bool IsLater(KnownCommand command) => command.Info.Summary == "Is not here yet.";

    static string Title(CommandGroup group) => group switch
    {
        CommandGroup.Generic => "Keys",
        CommandGroup.SortedSet => "Sorted sets",
        CommandGroup.PubSub => "Publish and subscribe",
        CommandGroup.HyperLogLog => "HyperLogLog",
        CommandGroup.History => "History: what Redis has not",
        CommandGroup.Vector => "Vector collections: what Redis has not",
        _ => group.ToString(),
    };
}
