namespace Aevum.Server.Resp.Commands.HyperLogLogs;

static class HyperLogLogCommands
{
    public static IEnumerable<RespCommand> Make() => [new PfAdd(), new PfCount(), new PfMerge(), new PfDebug(), new PfSelfTest()];
}
