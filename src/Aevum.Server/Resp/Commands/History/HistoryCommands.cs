// HistoryCommands: what Redis has no commands for: the past of keys, versions to compare with, how long history is kept, who writes and why.

namespace Aevum.Server.Resp.Commands.History;

static class HistoryCommands
{
    public static IEnumerable<RespCommand> Make() =>
        [new AsOf(), new HistoryOfKey(), new GetVersion(), new CompareAndSet(), new Retention(), new Note()];
}
