namespace Aevum.Server.Resp.Commands.Server;

static class ServerCommands
{
    public const CommandFlags Admin = CommandFlags.Admin | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;

    public static IEnumerable<RespCommand> Make() => [Config.Make(), new Debug()];

    /// <summary>A short command about the server, whose class would hold nothing but it.</summary>
    public static SessionVerb Verb(
        string name, int arity, CommandFlags flags, string since, string summary, SessionAction run,
        string complexity = "O(1)", CommandGroup group = CommandGroup.Server, string[]? categories = null) => new(new CommandInfo(name, group)
        {
            Arity = arity,
            Flags = flags,
            Since = since,
            Summary = summary,
            Complexity = complexity,
            Categories = categories ?? [],
        }, run);
}
