// ClientKill: CLIENT KILL. By address, as it always was: one connection, or an error. By options: all of them must fit, the answer is how many were ended,
// and the asker itself is spared unless it says SKIPME NO. A connection of another loop is ended there.

using System.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Connection;

/// <summary>CLIENT KILL: by address, as it always was; or by options, all of which must fit, and then the answer is how many.</summary>
static class ClientKill
{
    public static void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count == 3)
        {
            var address = Encoding.UTF8.GetString(args[2]);
            var found = client.Engine.Server.Clients.Values.FirstOrDefault(c => c.Channel.Remote.ToString() == address);
            if (found is null)
            {
                reply.Error("ERR No such client"u8);
                return;
            }
            End(found, client);
            reply.Ok();
            return;
        }
        if (!TryRead(client, args, reply, out var fits, out var skipsMe)) return;
        var count = 0;
        foreach (var one in client.Engine.Server.Clients.Values.OrderBy(c => c.Id))
        {
            if ((skipsMe && one == client) || !fits.TrueForAll(f => f(one))) continue;
            End(one, client);
            count++;
        }
        reply.Integer(count);
    }

    /// <summary>Ends a connection; the one that asks for it gets its reply first.</summary>
    public static void End(RespClient victim, RespClient? asker)
    {
        if (victim == asker) victim.CloseAfterReply();
        else victim.Engine.Post(victim.Abort);
    }

    static bool TryRead(RespClient client, CommandArguments args, ReplyWriter reply, out List<Func<RespClient, bool>> fits, out bool skipsMe)
    {
        fits = [];
        skipsMe = true;
        for (var i = 2; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count)
            {
                reply.Error("ERR syntax error"u8);
                return false;
            }
            var text = Encoding.UTF8.GetString(args[i + 1]);
            if (args.Is(i, "id"u8))
            {
                if (!Numbers.TryInteger(args[i + 1], out var id) || id < 1)
                {
                    reply.Error("ERR client-id should be greater than 0"u8);
                    return false;
                }
                fits.Add(c => c.Id == id);
            }
            else if (args.Is(i, "type"u8))
            {
                if (ClientCommands.TypeOf(args, i + 1) is not { } isOfType)
                {
                    reply.Error($"ERR Unknown client type '{text}'");
                    return false;
                }
                fits.Add(isOfType);
            }
            else if (args.Is(i, "addr"u8))
            {
                fits.Add(c => c.Channel.Remote.ToString() == text);
            }
            else if (args.Is(i, "laddr"u8))
            {
                fits.Add(c => c.Channel.Local.ToString() == text);
            }
            else if (args.Is(i, "user"u8))
            {
                if (!client.Engine.Server.Access.Has(text))
                {
                    reply.Error($"ERR No such user '{text}'");
                    return false;
                }
                fits.Add(c => c.UserName == text);
            }
            else if (args.Is(i, "skipme"u8) && (args.Is(i + 1, "yes"u8) || args.Is(i + 1, "no"u8)))
            {
                skipsMe = args.Is(i + 1, "yes"u8);
            }
            else
            {
                reply.Error("ERR syntax error"u8);
                return false;
            }
        }
        return true;
    }
}
