namespace Aevum.Server.Resp.Commands.Streams;

static class StreamCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new XAck(), new XAdd(), new XAutoClaim(), new XClaim(), new XDel(), XGroup.Make(), XInfo.Make(), new XLen(), new XPending(),
        new XRange(isReverse: false), new XRange(isReverse: true), new XRead(), new XReadGroup(), new XSetId(), new XTrim(),
    ];
}
