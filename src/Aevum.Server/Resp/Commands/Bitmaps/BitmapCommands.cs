namespace Aevum.Server.Resp.Commands.Bitmaps;

static class BitmapCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new SetBit(), new GetBit(), new BitCount(), new BitPos(), new BitOp(),
        new BitField("bitfield", isReadOnly: false), new BitField("bitfield_ro", isReadOnly: true),
    ];
}
