using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.ASOF: from here on the connection reads as of a moment, and writes nothing; NOW goes back to the present.</summary>
sealed class AsOf : SessionCommand
{
    public override CommandInfo Info { get; } = new("aevum.asof", CommandGroup.History)
    {
        Arity = 2,
        Flags = CommandFlags.Fast,
        Since = "aevum",
        Summary = "Reads of this connection stand at a moment of the past; NOW: at the present. Answers the moment as v:<system time>.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (Words.EqualsIgnoreCase(args[1], "now"u8))
        {
            client.Moment = null;
            reply.Ok();
            return;
        }
        if (!MomentText.TryParse(args[1], out var moment))
        {
            reply.Error($"ERR a moment is NOW, {MomentText.Forms}");
            return;
        }
        var database = client.Engine.Server.Database;
        if (moment > database.Now)
        {
            reply.Error("ERR the moment lies in the future");
            return;
        }
        // Below the floor this read fails, and its error names the floor.
        var probe = new KeyBuffer().HeadOf(client.Keyspace, default);
        _ = database.Router.ShardOf(probe).Read(probe, ReadView.AsOf(moment), default);
        client.Moment = moment;
        reply.Bulk(MomentText.OfVersion(moment));
    }
}
