using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

/// <summary>GETRANGE, and SUBSTR, its older name.</summary>
sealed class GetRange(string name, string since) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.String)
    {
        Arity = 4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = since,
        Summary = "Returns the part of a string from one place to another, both included; places below 0 count from the end.",
        Complexity = "O(N) with N the length of the part",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var start) || !call.TryInteger(args[3], out var end)) return;
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out _)) return;
        var value = exists ? head.Rest : default;
        if (!ByteRange.TryResolve(value.Length, ref start, ref end)) call.Reply.Bulk(default(ReadOnlySpan<byte>));
        else call.Reply.Bulk(value[(int)start..(int)(end + 1)]);
    }
}
