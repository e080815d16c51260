namespace Aevum.Server.Resp.Commands.Hashes;

static class HashCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new HDel(), new HExists(), new HGet(), new HGetAll(), new HIncrBy(), new HIncrByFloat(), new HashParts(isFields: true), new HLen(),
        new HMGet(), new HMSet(), new HRandField(), new HScan(), new HSet(), new HSetNx(), new HStrLen(), new HashParts(isFields: false),
    ];
}
