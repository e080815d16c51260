using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class IncrByFloat : DataCommand
{
    public override CommandInfo Info { get; } = new("incrbyfloat", CommandGroup.String)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.6.0",
        Summary = "Adds to the floating number that a key holds; an absent key counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryExpect(args[1], StructureKind.String, out var exists, out var head, out var row)) return;
        var number = LongDouble.Zero;
        var isInfinite = false;
        if ((exists && !TryNumber(call, head.Rest, ref isInfinite, out number)) || !TryNumber(call, args[2], ref isInfinite, out var delta)) return;
        if (isInfinite || !LongDouble.TryAdd(number, delta, out var sum))
        {
            call.Reply.Error("ERR increment would produce NaN or Infinity"u8);
            return;
        }
        var text = sum.ToText();
        call.PutString(args[1], text, row.Expiry);
        call.Signal(args[1], "incrbyfloat", NotificationClass.String);
        call.Reply.Bulk(text);
    }

    static bool TryNumber(DataCall call, ReadOnlySpan<byte> text, ref bool isInfinite, out LongDouble number)
    {
        if (LongDouble.TryParse(text, out number)) return true;
        if (LongDouble.IsInfinite(text)) return isInfinite = true;
        call.Reply.Error("ERR value is not a valid float"u8);
        return false;
    }
}
