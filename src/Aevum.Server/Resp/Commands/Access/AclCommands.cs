// AclCommands: ACL: users and what they may do (Resp/Access). What SETUSER answered is kept in the catalog, so there is no file: SAVE has nothing left to
// do, LOAD reads the catalog anew.

using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Commands.Server;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Access;

static class AclCommands
{
    const CommandFlags Plain = CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;
    const CommandFlags Admin = Plain | CommandFlags.Admin;

    public static SubcommandGroup Make() => new("acl", CommandGroup.Server, "6.0.0", "Users and what they may do.",
        new SetUser(),
        Verb("acl|getuser", 3, Admin, "Tells of a user.", GetUser),
        Verb("acl|deluser", -3, Admin, "Removes users, and ends their connections.", Remove),
        Verb("acl|list", 2, Admin, "Answers every user in the words of SETUSER.", List),
        Verb("acl|users", 2, Admin, "Answers the names of users.", Users),
        Verb("acl|whoami", 2, Plain, "Answers who the connection is.", static (client, _, reply) => reply.Bulk(client.UserName)),
        Verb("acl|cat", -2, Plain, "Answers categories, or the commands of one.", Categories),
        Verb("acl|genpass", -2, Plain, "Answers a password drawn at random.", Generate),
        Verb("acl|dryrun", -4, Admin, "Tells whether a user may do a request.", DryRun),
        Verb("acl|log", -2, Admin, "Tells what was refused.", Log),
        Verb("acl|save", 2, Admin, "Has nothing left to do: users are kept at once.", static (_, _, reply) => reply.Ok()),
        Verb("acl|load", 2, Admin, "Reads users from the catalog anew.", Load),
        new HelpVerb("acl|help", CommandGroup.Server, "6.0.0",
            "CAT [<category>]", "    Categories, or the commands of one.",
            "DELUSER <username> [<username> ...]", "    Removes users.",
            "DRYRUN <username> <command> [<arg> ...]", "    Whether a user may do a request.",
            "GETUSER <username>", "    What is known of a user.",
            "GENPASS [<bits>]", "    A password drawn at random.",
            "LIST", "    Every user in the words of SETUSER.",
            "LOAD", "    Reads users from the catalog anew.",
            "LOG [<count> | RESET]", "    What was refused.",
            "SAVE", "    Nothing: users are kept at once.",
            "SETUSER <username> <rule> [<rule> ...]", "    Makes or changes a user.",
            "USERS", "    The names of users.",
            "WHOAMI", "    Who this connection is."));

    static SessionVerb Verb(string name, int arity, CommandFlags flags, string summary, SessionAction run) =>
        ServerCommands.Verb(name, arity, flags, name == "acl|dryrun" ? "7.0.0" : "6.0.0", summary, run, "O(N) with N the users or rules");

    sealed class SetUser : SessionCommand
    {
        public override CommandInfo Info { get; } = new("acl|setuser", CommandGroup.Server)
        {
            Arity = -3,
            Flags = Admin,
            Since = "6.0.0",
            Summary = "Makes or changes a user.",
            Complexity = "O(N) with N the rules",
        };

        public override bool IsSecret(CommandArguments args, int index) => index > 2;

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
        {
            var name = Encoding.UTF8.GetString(args[2]);
            if (name.Contains(' ', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
            {
                reply.Error("ERR Usernames can't contain spaces or null characters"u8);
                return;
            }
            var words = new List<string>();
            for (var i = 3; i < args.Count; i++) words.Add(Encoding.UTF8.GetString(args[i]));
            // Passwords are made to cost time.
            client.Engine.AnswerBeside(client, "acl", answer =>
            {
                if (client.Engine.Server.Access.TrySet(name, words) is { } wrong) answer.Error(wrong);
                else answer.Ok();
            });
        }
    }

    static void GetUser(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Engine.Server.Access.Find(Encoding.UTF8.GetString(args[2])) is not { } user)
        {
            reply.Null();
            return;
        }
        var flags = new List<string> { user.IsOn ? "on" : "off" };
        if (user.IsWithoutPassword) flags.Add("nopass");
        if (user.PayloadWord is { } word) flags.Add(word);
        reply.Map(6);
        reply.Bulk("flags"u8);
        reply.Set(flags.Count);
        foreach (var flag in flags) reply.Bulk(flag);
        reply.Bulk("passwords"u8);
        reply.Array(user.Passwords.Count);
        foreach (var kept in user.Passwords) reply.Bulk(Security.Passwords.TextOf(kept));
        WriteSelector(reply, user.Own);
        reply.Bulk("selectors"u8);
        reply.Array(user.Selectors.Count - 1);
        foreach (var selector in user.Selectors.Skip(1))
        {
            reply.Map(3);
            WriteSelector(reply, selector);
        }
    }

    static void WriteSelector(ReplyWriter reply, AclSelector selector)
    {
        reply.Bulk("commands"u8);
        reply.Bulk(selector.CommandText);
        reply.Bulk("keys"u8);
        reply.Bulk(selector.KeyText);
        reply.Bulk("channels"u8);
        reply.Bulk(selector.ChannelText);
    }

    static void Remove(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        for (var i = 2; i < args.Count; i++)
        {
            if (!args[i].SequenceEqual("default"u8)) continue;
            reply.Error("ERR The 'default' user cannot be removed"u8);
            return;
        }
        var names = new string[args.Count - 2];
        for (var i = 2; i < args.Count; i++) names[i - 2] = Encoding.UTF8.GetString(args[i]);
        client.Engine.AnswerBeside(client, "acl", answer => answer.Integer(names.Count(name => client.Engine.Server.Access.Remove(name, client))), () =>
        {
            if (client.Engine.Server.Access.Find(client.UserName) is null) client.CloseAfterReply();
        });
    }

    static void List(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var all = client.Engine.Server.Access.All;
        reply.Array(all.Count);
        foreach (var user in all) reply.Bulk(user.ToString());
    }

    static void Users(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var all = client.Engine.Server.Access.All;
        reply.Array(all.Count);
        foreach (var user in all) reply.Bulk(user.Name);
    }

    static void Categories(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count > 3)
        {
            reply.Error("ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP."u8);
            return;
        }
        if (args.Count == 2)
        {
            reply.Array(CommandCategories.All.Length);
            foreach (var one in CommandCategories.All) reply.Bulk(one);
            return;
        }
        var category = Encoding.UTF8.GetString(args[2]).ToLowerInvariant();
        if (CommandCategories.IndexOf(category) < 0)
        {
            reply.Error($"ERR Unknown category '{Encoding.UTF8.GetString(args[2])}'");
            return;
        }
        var commands = client.Engine.Server.Commands.Flat.Where(c => c.Subcommands.Length == 0 && c.Facts.Categories.Contains(category)).ToArray();
        reply.Array(commands.Length);
        foreach (var command in commands) reply.Bulk(command.Info.Name);
    }

    static void Generate(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var bits = 256L;
        if (args.Count > 3)
        {
            reply.Error("ERR unknown subcommand or wrong number of arguments for 'GENPASS'. Try ACL HELP."u8);
            return;
        }
        if (args.Count == 3 && !Numbers.TryInteger(args[2], out bits))
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        if (bits is <= 0 or > 4096)
        {
            reply.Error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"u8);
            return;
        }
        var secret = new byte[(bits + 7) / 8];
        Secrets.Fill(secret);
        reply.Bulk(Convert.ToHexStringLower(secret)[..(int)((bits + 3) / 4)]);
    }

    static void DryRun(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var name = Encoding.UTF8.GetString(args[2]);
        var server = client.Engine.Server;
        if (server.Access.Find(name) is not { } user)
        {
            reply.Error($"ERR User '{name}' not found");
            return;
        }
        var request = args.From(3);
        if (server.Commands.Find(request) is not { } command)
        {
            reply.Error($"ERR Command '{Encoding.UTF8.GetString(request[0])}' not found");
            return;
        }
        if (!command.Info.AcceptsCount(request.Count))
        {
            reply.Raw(RespErrors.WrongCount(command.Info.Name));
            return;
        }
        if (AclCheck.Find(user, command, request, out var what) is var denial && (user.IsUnlimited || denial == AclDenial.None)) reply.Ok();
        else reply.Bulk(AclCheck.TextOf(denial, command, what));
    }

    static void Log(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var count = 10L;
        var log = client.Engine.Server.Access.Log;
        if (args.Count > 3)
        {
            reply.Error("ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP."u8);
            return;
        }
        if (args.Count == 3 && args.Is(2, "reset"u8))
        {
            log.Clear();
            reply.Ok();
            return;
        }
        if (args.Count == 3 && !Numbers.TryInteger(args[2], out count))
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        log.Write(reply, Math.Max(0, count));
    }

    static void Load(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Engine.Server.Access.Load();
        reply.Ok();
    }
}
