using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>MIGRATE: not there yet, and it says so.</summary>
sealed class Migrate : DataCommand
{
    public override CommandInfo Info { get; } = new("migrate", CommandGroup.Generic)
    {
        Arity = -6,
        Flags = CommandFlags.Write | CommandFlags.MovableKeys,
        Categories = ["dangerous"],
        Since = "2.6.0",
        Summary = "Moves keys to another server. Not available yet: an error.",
        Complexity = "O(1)",
    };

    public override bool Writes(CommandArguments args) => false;

    public override void Run(DataCall call, CommandArguments args) =>
        call.Reply.Error("ERR MIGRATE is not available yet: DUMP here and RESTORE there move a key between servers"u8);
}
