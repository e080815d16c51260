using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

/// <summary>A data command that may wait for its keys.</summary>
interface IBlockingCommand
{
    /// <summary>True if this request may wait, false if it answers at once whatever it finds.</summary>
    bool MayBlock(CommandArguments args) => true;

    /// <summary>True if a request that waits is to run again whatever happens to its keys: it also waits for them to go.</summary>
    bool WaitsForLoss => false;

    /// <summary>How long it waits; null: for ever. Asked of requests that ran and found nothing, so they are well formed.</summary>
    TimeSpan? TimeoutOf(CommandArguments args);

    /// <summary>The reply when the time is over.</summary>
    void WriteTimeout(ReplyWriter reply);
}
