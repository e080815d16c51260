namespace Aevum.Server.Resp.Commands.Lists;

static class ListCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new BLMPop(), new BLMove(), new BLPop(), new BRPop(), new BRPopLPush(), new LIndex(), new LInsert(), new LLen(),
        new LMPop(), new LMove(), new LPop(), new LPos(), new LPush(), new LPushX(), new LRange(), new LRem(),
        new LSet(), new LTrim(), new RPop(), new RPopLPush(), new RPush(), new RPushX(),
    ];
}
