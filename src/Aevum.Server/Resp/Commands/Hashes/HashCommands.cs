namespace Aevum.Server.Resp.Commands.Hashes;

static class HashCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new HDel(), new HExists(), new HGet(), new HGetAll(), new HIncrBy(), new HIncrByFloat(), new HashParts(isFields: true), new HLen(),
        new HMGet(), new HMSet(), new HRandField(), new HScan(), new HSet(), new HSetNx(), new HStrLen(), new HashParts(isFields: false),
        new HExpire("hexpire", isMilliseconds: false, isAbsolute: false), new HExpire("hpexpire", isMilliseconds: true, isAbsolute: false),
        new HExpire("hexpireat", isMilliseconds: false, isAbsolute: true), new HExpire("hpexpireat", isMilliseconds: true, isAbsolute: true),
        new HTimeToLive("httl", isMilliseconds: false, isAbsolute: false), new HTimeToLive("hpttl", isMilliseconds: true, isAbsolute: false),
        new HTimeToLive("hexpiretime", isMilliseconds: false, isAbsolute: true), new HTimeToLive("hpexpiretime", isMilliseconds: true, isAbsolute: true),
        new HPersist(),
    ];
}
