using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VSAVE: writes the indexes of all collections to files, so that the next open need not build them anew. Not needed for durability.</summary>
sealed class VSave : SessionCommand
{
    public override CommandInfo Info { get; } = new("vsave", CommandGroup.Vector)
    {
        Arity = 1,
        Flags = CommandFlags.Admin,
        Since = "aevum",
        Summary = "Writes the indexes of all collections to files, so that the next open need not build them anew. What was added is durable without it.",
        Complexity = "O(N) with N the vectors",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var server = client.Engine.Server;
        if (server.Database.IsInMemory)
        {
            reply.Error("ERR persistence not enabled; start with a data dir"u8);
            return;
        }
        client.Engine.AnswerBeside(client, Info.Name, answer =>
        {
            server.Database.SaveIndexes();
            answer.Ok();
        });
    }
}
