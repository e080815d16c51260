using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

/// <summary>A data command that may wait for its keys.</summary>
interface IBlockingCommand
{
    /// <summary>How long it waits; null: for ever. Asked of requests that ran and found nothing, so they are well formed.</summary>
    TimeSpan? TimeoutOf(CommandArguments args);

    /// <summary>The reply when the time is over.</summary>
    void WriteTimeout(ReplyWriter reply);
}
