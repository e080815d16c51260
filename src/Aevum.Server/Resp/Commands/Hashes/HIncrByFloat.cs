using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HIncrByFloat : DataCommand
{
    public override CommandInfo Info { get; } = new("hincrbyfloat", CommandGroup.Hash)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, 2, 1),
        Since = "2.6.0",
        Summary = "Adds to the floating number that a field holds; an absent field counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!LongDouble.TryParse(args[3], out var delta))
        {
            var isInfinite = LongDouble.IsInfinite(args[3]);
            call.Reply.Error(isInfinite ? "ERR value is NaN or Infinity"u8 : "ERR value is not a valid float"u8);
            return;
        }
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var number = LongDouble.Zero;
        if (hash.TryGet(args[2], out var value) && !LongDouble.TryParse(value, out number))
        {
            call.Reply.Error("ERR hash value is not a float"u8);
            return;
        }
        if (!LongDouble.TryAdd(number, delta, out var sum))
        {
            call.Reply.Error("ERR increment would produce NaN or Infinity"u8);
            return;
        }
        var text = sum.ToText();
        hash.PutKeepingExpiry(args[2], text);
        hash.Save();
        call.Signal(args[1], "hincrbyfloat", NotificationClass.Hash);
        call.Reply.Bulk(text);
    }
}
