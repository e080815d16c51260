using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VLIST: the names of all collections.</summary>
sealed class VList : SessionCommand
{
    public override CommandInfo Info { get; } = new("vlist", CommandGroup.Vector)
    {
        Arity = 1,
        Flags = CommandFlags.ReadOnly,
        Since = "aevum",
        Summary = "The names of all vector collections, in the order in which they were made.",
        Complexity = "O(N) with N the collections and keyspaces",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var names = client.Engine.Server.Collections.All(client.Moment).Select(entry => entry.Name).ToList();
        reply.Array(names.Count);
        foreach (var name in names) reply.Bulk(name);
    }
}
