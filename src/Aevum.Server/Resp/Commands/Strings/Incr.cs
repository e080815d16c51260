using System.Buffers.Text;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class Incr : DataCommand
{
    public override CommandInfo Info { get; } = new("incr", CommandGroup.String)
    {
        Arity = 2,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Adds one to the number that a key holds; an absent key counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args) => Add(call, args[1], 1);

    /// <summary>Adds to a number and replies with the sum. The key keeps its expiry.</summary>
    public static void Add(DataCall call, ReadOnlySpan<byte> key, long delta)
    {
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        long number = 0;
        if (exists && !call.TryInteger(head.Rest, out number)) return;
        var sum = unchecked(number + delta);
        if (((number ^ sum) & (delta ^ sum)) < 0)
        {
            call.Reply.Error("ERR increment or decrement would overflow"u8);
            return;
        }
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(sum, text, out var length);
        call.PutString(key, text[..length], row.Expiry);
        call.Signal(key, "incrby", NotificationClass.String);
        call.Reply.Integer(sum);
    }
}
