using Aevum.Server.Resp.Protocol;
using System.Buffers.Text;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HIncrBy : DataCommand
{
    public override CommandInfo Info { get; } = new("hincrby", CommandGroup.Hash)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, 2, 1),
        Since = "2.0.0",
        Summary = "Adds to the number that a field holds; an absent field counts as 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[3], out var delta)) return;
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        long number = 0;
        if (hash.TryGet(args[2], out var value) && !Numbers.TryInteger(value, out number))
        {
            call.Reply.Error("ERR hash value is not an integer"u8);
            return;
        }
        var sum = unchecked(number + delta);
        if (((number ^ sum) & (delta ^ sum)) < 0)
        {
            call.Reply.Error("ERR increment or decrement would overflow"u8);
            return;
        }
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(sum, text, out var length);
        hash.PutKeepingExpiry(args[2], text[..length]);
        hash.Save();
        call.Signal(args[1], "hincrby", NotificationClass.Hash);
        call.Reply.Integer(sum);
    }
}
