namespace Aevum.Server.Resp.Commands.Strings;

static class StringCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new Get(), new MGet(), new GetRange("getrange", "2.4.0"), new GetRange("substr", "1.0.0"), new StrLen(), new Lcs(),
        new Set(), new SetNx(), new SetEx("setex", isMilliseconds: false), new SetEx("psetex", isMilliseconds: true),
        new MSet(), new MSetNx(), new GetSet(), new GetDel(), new GetEx(), new Append(), new SetRange(),
        new Incr(), new Decr(), new IncrBy(), new DecrBy(), new IncrByFloat(),
    ];
}
