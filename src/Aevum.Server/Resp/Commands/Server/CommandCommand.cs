// COMMAND: what commands there are, where the keys of a request stand, what is done to them. From the table of commands and CommandFacts.

using System.Text;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class CommandCommand
{
    public static RespCommand Make() => new Group();

    // Alone it answers everything, so the group is a command too.
    sealed class Group : SessionCommand
    {
        readonly RespCommand[] _subcommands =
        [
            Verb("command|count", "2.8.13", "Answers how many commands there are.", static (client, _, reply) =>
                reply.Integer(client.Engine.Server.Commands.All.Count)),
            Verb("command|info", "2.8.13", "Tells of commands.", CommandCommand.Info),
            Verb("command|docs", "7.0.0", "Tells what commands are for.", Docs),
            Verb("command|list", "7.0.0", "Answers the names of commands.", List),
            Verb("command|getkeys", "2.8.13", "Answers the keys of a request.", static (c, a, r) => Keys(c, a, r, withFlags: false)),
            Verb("command|getkeysandflags", "7.0.0", "Answers the keys of a request and what it does to them.", static (c, a, r) => Keys(c, a, r,
                withFlags: true)),
            new HelpVerb("command|help", CommandGroup.Server, "5.0.0",
                "(no subcommand)", "    What is to be known of every command.",
                "COUNT", "    How many commands there are.",
                "DOCS [<command> ...]", "    What commands are for.",
                "GETKEYS <full-command>", "    The keys of a request.",
                "GETKEYSANDFLAGS <full-command>", "    The keys of a request and what it does to them.",
                "INFO [<command> ...]", "    What is to be known of commands.",
                "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <pattern>)]", "    The names of commands."),
        ];

        public override CommandInfo Info { get; } = new("command", CommandGroup.Server)
        {
            Arity = -1,
            Flags = CommandFlags.Loading | CommandFlags.Stale,
            Since = "2.8.13",
            Summary = "Tells of every command.",
            Complexity = "O(N) with N the commands",
        };

        public override IReadOnlyList<RespCommand> Subcommands => _subcommands;

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
        {
            var all = client.Engine.Server.Commands.All;
            reply.Array(all.Count);
            foreach (var command in all) WriteInfo(reply, command);
        }
    }

    static SessionVerb Verb(string name, string since, string summary, SessionAction run) =>
        ServerCommands.Known(name, CommandGroup.Server, since, summary, run, "O(N) with N the commands");

    static KnownCommand? Find(RespClient client, ReadOnlySpan<byte> name)
    {
        var bar = name.IndexOf((byte)'|');
        var commands = client.Engine.Server.Commands;
        return bar < 0 ? commands.Find(name) : commands.Find(name[..bar])?.FindSubcommand(name[(bar + 1)..]);
    }

    // ------------------------------------------------------------------------------------------------ INFO

    static void Info(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count == 2)
        {
            client.Engine.Server.Commands.Find("command"u8)!.Session!.Run(client, args, reply);
            return;
        }
        reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++)
        {
            if (Find(client, args[i]) is { } command) WriteInfo(reply, command);
            else reply.NullArray();
        }
    }

    static void WriteInfo(ReplyWriter reply, KnownCommand command)
    {
        var facts = command.Facts;
        reply.Array(10);
        reply.Bulk(command.Info.Name);
        reply.Integer(command.Info.Arity);
        WriteSimple(reply, facts.Flags);
        reply.Integer(facts.First);
        reply.Integer(facts.Last);
        reply.Integer(facts.Step);
        WriteSimple(reply, [.. facts.Categories.Select(c => "@" + c)]);
        reply.Array(facts.Tips.Length);
        foreach (var tip in facts.Tips) reply.Bulk(tip);
        reply.Array(facts.Specs.Length);
        foreach (var spec in facts.Specs) WriteSpec(reply, spec);
        reply.Array(command.Subcommands.Length);
        foreach (var subcommand in command.Subcommands) WriteInfo(reply, subcommand);
    }

    static void WriteSimple(ReplyWriter reply, string[] words)
    {
        reply.Set(words.Length);
        foreach (var word in words) reply.Simple(word);
    }

    static void WriteSpec(ReplyWriter reply, KeySpec spec)
    {
        reply.Map(3);
        reply.Bulk("flags"u8);
        WriteSimple(reply, spec.Flags);
        reply.Bulk("begin_search"u8);
        if (spec.IsUnknown) WriteSearch(reply, "unknown", []);
        else if (spec.Keyword is { } keyword) WriteSearch(reply, "keyword", [("keyword", keyword), ("startfrom", spec.Begin)]);
        else WriteSearch(reply, "index", [("index", spec.Begin)]);
        reply.Bulk("find_keys"u8);
        if (spec.IsUnknown) WriteSearch(reply, "unknown", []);
        else if (spec.IsCounted) WriteSearch(reply, "keynum", [("keynumidx", spec.Last), ("firstkey", spec.First), ("keystep", spec.Step)]);
        else WriteSearch(reply, "range", [("lastkey", spec.Last), ("keystep", spec.Step), ("limit", spec.Limit)]);
    }

    static void WriteSearch(ReplyWriter reply, string type, (string Name, object Value)[] parts)
    {
        reply.Map(2);
        reply.Bulk("type"u8);
        reply.Bulk(type);
        reply.Bulk("spec"u8);
        reply.Map(parts.Length);
        foreach (var (name, value) in parts)
        {
            reply.Bulk(name);
            if (value is string text) reply.Bulk(text);
            else reply.Integer((int)value);
        }
    }

    // ------------------------------------------------------------------------------------------------ DOCS, LIST

    static void Docs(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var chosen = new List<KnownCommand>();
        if (args.Count == 2) chosen.AddRange(client.Engine.Server.Commands.All);
        for (var i = 2; i < args.Count; i++)
            if (Find(client, args[i]) is { } command) chosen.Add(command);
        reply.Map(chosen.Count);
        foreach (var command in chosen) WriteDocs(reply, command);
    }

    static void WriteDocs(ReplyWriter reply, KnownCommand command)
    {
        reply.Bulk(command.Info.Name);
        reply.Map(command.Subcommands.Length > 0 ? 5 : 4);
        reply.Bulk("summary"u8);
        reply.Bulk(command.Info.Summary);
        reply.Bulk("since"u8);
        reply.Bulk(command.Info.Since);
        reply.Bulk("group"u8);
        reply.Bulk(command.Info.Group switch
        {
            CommandGroup.SortedSet => "sorted-set",
            var group => group.ToString().ToLowerInvariant(),
        });
        reply.Bulk("complexity"u8);
        reply.Bulk(command.Info.Complexity);
        if (command.Subcommands.Length == 0) return;
        reply.Bulk("subcommands"u8);
        reply.Map(command.Subcommands.Length);
        foreach (var subcommand in command.Subcommands) WriteDocs(reply, subcommand);
    }

    static void List(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        IEnumerable<KnownCommand> chosen = client.Engine.Server.Commands.Flat;
        if (args.Count > 2)
        {
            if (args.Count != 5 || !args.Is(2, "filterby"u8))
            {
                reply.Error("ERR syntax error"u8);
                return;
            }
            var all = client.Engine.Server.Commands.Flat;
            var word = Encoding.Latin1.GetString(args[4]).ToLowerInvariant();
            var pattern = args[4].ToArray();
            if (args.Is(3, "module"u8)) chosen = [];
            else if (args.Is(3, "aclcat"u8)) chosen = all.Where(c => c.Facts.Categories.Contains(word));
            else if (args.Is(3, "pattern"u8)) chosen = all.Where(c => GlobPattern.Matches(pattern, Encoding.ASCII.GetBytes(c.Info.Name)));
            else
            {
                reply.Error("ERR syntax error"u8);
                return;
            }
        }
        var names = chosen.Select(c => c.Info.Name).ToArray();
        reply.Array(names.Length);
        foreach (var name in names) reply.Bulk(name);
    }

    // ------------------------------------------------------------------------------------------------ keys

    static void Keys(RespClient client, CommandArguments args, ReplyWriter reply, bool withFlags)
    {
        var request = args.From(2);
        if (client.Engine.Server.Commands.Find(request) is not { } command)
        {
            reply.Error("ERR Invalid command specified"u8);
            return;
        }
        if (command.Facts.Specs.Length == 0 && command.Info.Keys.First == 0 && !command.Info.Is(CommandFlags.MovableKeys))
        {
            reply.Error("ERR The command has no key arguments"u8);
            return;
        }
        if (!command.Info.AcceptsCount(request.Count))
        {
            reply.Error("ERR Invalid number of arguments specified for command"u8);
            return;
        }
        var found = new List<int>();
        if (!command.Command.FindKeys(request, found) || found.Count == 0)
        {
            if (command.Facts.Flags.Contains("no_mandatory_keys")) reply.Array(0);
            else reply.Error("ERR Invalid arguments specified for command"u8);
            return;
        }
        reply.Array(found.Count);
        if (!withFlags)
        {
            foreach (var at in found) reply.Bulk(request[at]);
            return;
        }
        var at2 = new List<int>();
        foreach (var at in found)
        {
            string[] flags = ["OW", "update"];   // where no specification reaches: SORT's STORE
            foreach (var spec in command.Facts.Specs)
            {
                at2.Clear();
                spec.Find(request, at2);
                if (at2.Contains(at)) flags = spec.Flags.Contains("variable_flags") ? VariableFlags(AclCheck.VariableRights(command.Info.Name,
                    request)) : spec.Flags;
            }
            reply.Array(2);
            reply.Bulk(request[at]);
            WriteSimple(reply, flags);
        }
    }

    static string[] VariableFlags(KeyRights rights) => rights switch
    {
        KeyRights.Read => ["RO", "access"],
        KeyRights.Write => ["OW", "update"],
        _ => ["RW", "access", "update"],
    };
}
