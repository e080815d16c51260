using Aevum.Core.Errors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VDROP: drops a collection and all its vectors; as of earlier moments it is still there.</summary>
sealed class VDrop : SessionCommand
{
    public override CommandInfo Info { get; } = new("vdrop", CommandGroup.Vector)
    {
        Arity = 2,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Drops a collection and all its vectors. As of earlier moments it is still there, where its history was kept.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var collections = client.Engine.Server.Collections;
        if (collections.Find(args[1]) is null)
        {
            reply.Error(VectorArguments.NoSuchIndex);
            return;
        }
        var name = RespCollections.NameOf(args[1]);
        client.Engine.AnswerBeside(client, Info.Name, answer =>
        {
            try
            {
                collections.Session.DropCollection(name);
                answer.Ok();
            }
            catch (AevumException gone) when (gone.Code == ErrorCode.NotFound)
            {
                answer.Error(VectorArguments.NoSuchIndex);
            }
        });
    }
}
