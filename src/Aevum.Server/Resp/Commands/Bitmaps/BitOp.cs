using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class BitOp : DataCommand
{
    public override CommandInfo Info { get; } = new("bitop", CommandGroup.Bitmap)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = new KeyPlaces(2, -1, 1),
        Since = "2.6.0",
        Summary = "Puts strings together bit by bit (AND, OR, XOR, NOT), and stores what comes of it; short ones are lengthened with zeros.",
        Complexity = "O(N)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var operation =
            args.Is(1, "and"u8) ? BitOperation.And : args.Is(1, "or"u8) ? BitOperation.Or :
            args.Is(1, "xor"u8) ? BitOperation.Xor : args.Is(1, "not"u8) ? BitOperation.Not : default(BitOperation?);
        if (operation is null)
        {
            call.SyntaxError();
            return;
        }
        if (operation == BitOperation.Not && args.Count != 4)
        {
            call.Reply.Error("ERR BITOP NOT must be called with a single source key."u8);
            return;
        }
        // Read twice: one source's bytes are there only until the next is read.
        var length = 0;
        for (var i = 3; i < args.Count; i++)
        {
            if (!call.TryExpect(args[i], StructureKind.String, out var exists, out var head, out _)) return;
            if (exists) length = Math.Max(length, head.Rest.Length);
        }
        call.Reply.Integer(length);
        var target = args[2];
        call.ForgetElements(target);
        if (length == 0)
        {
            if (!call.TryReadHead(target, out _, out _)) return;
            call.Writes.Delete(call.HeadKey(target));
            call.Signal(target, "del", NotificationClass.Generic);
            return;
        }
        var result = StringDraft.Begin(call, default, length);
        for (var i = 3; i < args.Count; i++)
        {
            var source = call.TryReadHead(args[i], out var head, out _) ? head.Rest : default;
            if (i == 3) source.CopyTo(result);
            else BitKernels.Combine(operation.Value, result, source);
        }
        if (operation == BitOperation.Not) BitKernels.Invert(result);
        StringDraft.Save(call, target, length, default);
        call.Signal(target, "set", NotificationClass.String);
    }
}
