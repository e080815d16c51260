namespace Aevum.Server.Resp.Commands.Sets;

static class SetCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new SAdd(), new SCard(), new SDiff(), new SDiffStore(), new SInter(), new SInterCard(), new SInterStore(), new SIsMember(),
        new SMIsMember(), new SMembers(), new SMove(), new SPop(), new SRandMember(), new SRem(), new SScan(), new SUnion(),
        new SUnionStore(),
    ];
}
