using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>What XREAD and XREADGROUP have in common: where their keys stand, and how long they wait.</summary>
abstract class StreamReadCommand : DataCommand, IBlockingCommand
{
    public virtual bool WaitsForLoss => false;

    public override bool FindKeys(CommandArguments args, List<int> found) => StreamRead.FindKeys(args, found);

    public bool MayBlock(CommandArguments args) => StreamRead.BlockOf(args) is not null;

    public TimeSpan? TimeoutOf(CommandArguments args) => StreamRead.TimeoutOf(args);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
