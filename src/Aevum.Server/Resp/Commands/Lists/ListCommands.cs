namespace Aevum.Server.Resp.Commands.Lists;

static class ListCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new BLMPop(), new BLMove(), new BlockingPop(isLeft: true), new BlockingPop(isLeft: false), new BRPopLPush(), new LIndex(), new LInsert(), new LLen(),
        new LMPop(), new LMove(), new LPop(), new LPos(), new LPush(), new LPushX(), new LRange(), new LRem(),
        new LSet(), new LTrim(), new RPop(), new RPopLPush(), new RPush(), new RPushX(),
    ];
}
