// SubcommandGroup: a command that is a name in front of others: CONFIG GET, CLIENT LIST. Each of those is a command of its own, with its own arity, flags
// and place in access lists; requests find it before anything is checked (KnownCommand.Resolve), so the group itself never runs.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

delegate void SessionAction(RespClient client, CommandArguments args, ReplyWriter reply);

sealed class SubcommandGroup(string name, CommandGroup group, string since, string summary, params RespCommand[] subcommands) : SessionCommand
{
    public override CommandInfo Info { get; } = new(name, group)
    {
        Arity = -2,
        Flags = CommandFlags.None,
        Since = since,
        Summary = summary,
        Complexity = "Depends on subcommand.",
    };

    public override IReadOnlyList<RespCommand> Subcommands => subcommands;

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply) =>
        throw new InvalidOperationException($"{Info.Name} itself was run, not one of its subcommands");
}

/// <summary>A short command about the connection or the server.</summary>
sealed class SessionVerb(CommandInfo info, SessionAction run) : SessionCommand
{
    public override CommandInfo Info => info;

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply) => run(client, args, reply);
}

/// <summary>HELP of a group: what its subcommands are.</summary>
/// <param name="name">"config|help".</param>
/// <param name="lines">Each subcommand, and indented below it what it does.</param>
sealed class HelpVerb(string name, CommandGroup group, string since, params string[] lines) : SessionCommand
{
    public override CommandInfo Info { get; } = new(name, group)
    {
        Arity = 2,
        Flags = CommandFlags.Loading | CommandFlags.Stale,
        Since = since,
        Summary = "Tells what subcommands there are.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply) => Write(reply, name[..name.IndexOf('|',
        StringComparison.Ordinal)], lines);

    public static void Write(ReplyWriter reply, string command, string[] lines)
    {
        reply.Array(lines.Length + 3);
        reply.Simple($"{command.ToUpperInvariant()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        foreach (var line in lines) reply.Simple(line);
        reply.Simple("HELP");
        reply.Simple("    Prints this help.");
    }
}
