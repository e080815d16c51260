// HELLO and AUTH: who a client is, and which version of the protocol it speaks. Trying a password takes a while, on purpose: it is done beside the loop, and
// only this client waits for it.

using System.Text;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Connection;

sealed class Auth : SessionCommand
{
    const string WrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

    public override CommandInfo Info { get; } = new("auth", CommandGroup.Connection)
    {
        Arity = -2,
        Flags = CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NoAuth,
        Since = "1.0.0",
        Summary = "Shows who the connection is.",
        Complexity = "O(N) with N the passwords of the user",
    };

    public override bool IsSecret(CommandArguments args, int index) => index > 0;

    public override bool SkipsSlowLog => true;

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count > 3)
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        var name = args.Count == 3 ? Encoding.UTF8.GetString(args[1]) : AccessControl.DefaultName;
        if (args.Count == 2 && client.Engine.Server.Access.AcceptsAnyPassword)
        {
            reply.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"u8);
            return;
        }
        var password = args[^1].ToArray();
        client.Engine.AnswerBeside(client, "auth", answer =>
        {
            if (TryBecome(client, name, password, "auth", answer)) answer.Ok();
        });
    }

    /// <summary>Makes the client a user. Not on a loop.</summary>
    /// <returns>False: the reply says why not.</returns>
    public static bool TryBecome(RespClient client, string name, byte[] password, string command, ReplyWriter answer)
    {
        var access = client.Engine.Server.Access;
        if (access.Authenticate(name, password) is { } user && access.TryBecome(client, user)) return true;
        access.Log.Add(client, null, command, name, inTransaction: false);
        answer.Error(WrongPassword);
        return false;
    }
}

sealed class Hello : SessionCommand
{
    public override CommandInfo Info { get; } = new("hello", CommandGroup.Connection)
    {
        Arity = -1,
        Flags = CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NoAuth,
        Since = "6.0.0",
        Summary = "Agrees on the version of the protocol, and tells about the server.",
        Complexity = "O(1)",
    };

    // The two words behind AUTH.
    public override bool IsSecret(CommandArguments args, int index) =>
        index > 2 && (args.Is(index - 1, "auth"u8) || args.Is(index - 2, "auth"u8));

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        reply.Version = client.Version;
        if (!HelloArguments.TryParse(args, reply, out var asked)) return;
        if (asked.User is not { } user)
        {
            Greet(client, asked, reply);
            return;
        }
        client.Engine.AnswerBeside(client, "hello", answer =>
        {
            if (Auth.TryBecome(client, user, asked.Password, "hello", answer)) Greet(client, asked, answer);
        });
    }

    static void Greet(RespClient client, HelloArguments asked, ReplyWriter reply)
    {
        if (!client.IsAuthenticated && client.Engine.Server.Access.RequiresPassword)
        {
            reply.Error(HelloArguments.NotWithoutPassword);
            return;
        }
        if (asked.Name is not null) client.Name = asked.Name;
        client.Version = asked.Version;
        HelloArguments.Greet(reply, asked.Version, client.Id);
    }
}

/// <summary>What HELLO asks for.</summary>
/// <param name="Name">Null: it names nobody.</param>
/// <param name="User">Null: it does not say who it is.</param>
readonly record struct HelloArguments(int Version, string? Name, string? User, byte[] Password)
{
    public const string NotWithoutPassword = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
        + "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time";

    /// <param name="reply">Its version is the connection's.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryParse(CommandArguments args, ReplyWriter reply, out HelloArguments parsed)
    {
        var version = reply.Version;
        parsed = default;
        if (args.Count > 1)
        {
            if (!Numbers.TryInteger(args[1], out var asked))
            {
                reply.Error("ERR Protocol version is not an integer or out of range"u8);
                return false;
            }
            if (asked is not (2 or 3))
            {
                reply.Error("NOPROTO unsupported protocol version"u8);
                return false;
            }
            version = (int)asked;
        }
        string? name = null, user = null;
        byte[] password = [];
        for (var i = 2; i < args.Count; i++)
        {
            if (args.Is(i, "setname"u8) && i + 1 < args.Count)
            {
                if (!ClientCommands.IsName(args[++i]))
                {
                    reply.Error(ClientCommands.NotAName);
                    return false;
                }
                name = Encoding.ASCII.GetString(args[i]);
            }
            else if (args.Is(i, "auth"u8) && i + 2 < args.Count)
            {
                user = Encoding.UTF8.GetString(args[i + 1]);
                password = args[i + 2].ToArray();
                i += 2;
            }
            else
            {
                reply.Error($"ERR Syntax error in HELLO option '{Encoding.UTF8.GetString(args[i])}'");
                return false;
            }
        }
        parsed = new HelloArguments(version, name, user, password);
        return true;
    }

    /// <param name="id">The client's number.</param>
    public static void Greet(ReplyWriter reply, int version, long id)
    {
        reply.Version = version;
        reply.Map(7);
        reply.Bulk("server"u8);
        reply.Bulk("redis"u8);
        reply.Bulk("version"u8);
        reply.Bulk(RespServer.CompatibleVersion);
        reply.Bulk("proto"u8);
        reply.Integer(version);
        reply.Bulk("id"u8);
        reply.Integer(id);
        reply.Bulk("mode"u8);
        reply.Bulk("standalone"u8);
        reply.Bulk("role"u8);
        reply.Bulk("master"u8);
        reply.Bulk("modules"u8);
        reply.Array(0);
    }
}
