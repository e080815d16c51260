using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

/// <summary>A command about the connection, the server, or what is kept beside the data. Everything the connection wrote before is committed.</summary>
abstract class SessionCommand : RespCommand
{
    /// <summary>Does it on the connection's loop, and writes one reply, or arranges for one.</summary>
    public abstract void Run(RespClient client, CommandArguments args, ReplyWriter reply);
}
