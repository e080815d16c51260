using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.GETV: what a key holds, with its version: what AEVUM.CAS is given back.</summary>
sealed class GetVersion : DataCommand
{
    public override CommandInfo Info { get; } = new("aevum.getv", CommandGroup.History)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "What a key holds, in the form of one entry of AEVUM.HISTORY, without who wrote it; nil if it holds nothing.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.TryReadHead(args[1], out var head, out var row)) VersionReply.Write(call.Reply, row.Version, head, exists: true, row.Expiry, null);
        else call.Reply.Null();
    }
}
