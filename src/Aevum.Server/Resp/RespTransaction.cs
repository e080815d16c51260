using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

/// <summary>What a client has queued between MULTI and EXEC.</summary>
sealed class RespTransaction
{
    /// <summary>A request that was queued.</summary>
    public readonly record struct Queued(KnownCommand Command, byte[] Packed);

    public List<Queued> Requests { get; } = [];

    /// <summary>True if a request was refused while queueing: EXEC does nothing.</summary>
    public bool HasFailed { get; private set; }

    public void Fail() => HasFailed = true;

    public void Add(KnownCommand command, CommandArguments args)
    {
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, default, 2, mayBlock: false, step: 0, args);
        Requests.Add(new Queued(command, packed));
    }
}
