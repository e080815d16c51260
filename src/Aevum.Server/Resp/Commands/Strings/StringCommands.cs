namespace Aevum.Server.Resp.Commands.Strings;

static class StringCommands
{
    public static IEnumerable<RespCommand> Make() => [new Get(), new Set(), new Incr()];
}
