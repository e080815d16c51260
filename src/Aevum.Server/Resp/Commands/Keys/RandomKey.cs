using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>RANDOMKEY. How: <see cref="HeadDraw"/>.</summary>
sealed class RandomKey : DataCommand
{
    public override CommandInfo Info { get; } = new("randomkey", CommandGroup.Generic)
    {
        Arity = 1,
        Flags = CommandFlags.ReadOnly,
        Since = "1.0.0",
        Summary = "Answers a key of the database that is drawn at random.",
        Complexity = "O(depth of the trie of keys)",
    };

    // Hundreds of seeks in a database of millions.
    public override bool IsSlow(DataCall call, CommandArguments args) => true;

    public override void Run(DataCall call, CommandArguments args)
    {
        if (new HeadDraw(call.Rows, call.Keyspace, new SeededRandom(call.Chance)).Draw() is { } key) call.Reply.Bulk(key);
        else call.Reply.Null();
    }
}
