using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>EXISTS and TOUCH, which beside it makes keys not idle.</summary>
sealed class Exists(string name, string since) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.All,
        Since = since,
        Summary = "Answers how many of the keys hold something; one named twice counts twice.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var count = 0;
        var accesses = call.Surroundings.Accesses;
        if (name == "touch") accesses.SwitchOn();
        for (var i = 1; i < args.Count; i++)
        {
            if (!call.TryReadHead(args[i], out _, out _)) continue;
            count++;
            if (name == "touch") accesses.Note(call.Keyspace, args[i], call.NowMilliseconds / 1000);
        }
        call.Reply.Integer(count);
    }
}

sealed class TypeOf : DataCommand
{
    public override CommandInfo Info { get; } = new("type", CommandGroup.Generic)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Answers what kind of value a key holds.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args) =>
        call.Reply.Simple(call.TryReadHead(args[1], out var head, out _) ? NameOf(head.Kind) : "none"u8);

    public static ReadOnlySpan<byte> NameOf(StructureKind kind) => kind switch
    {
        StructureKind.String => "string"u8,
        StructureKind.Hash => "hash"u8,
        StructureKind.List => "list"u8,
        StructureKind.Set => "set"u8,
        StructureKind.SortedSet => "zset"u8,
        _ => "stream"u8,
    };
}
