namespace Aevum.Server.Resp.Commands.SortedSets;

static class SortedSetCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new BZMPop(), new BlockingScorePop(isMax: true), new BlockingScorePop(isMax: false), new ZAdd(), new ZCard(), new ZCount(),
        new ZDiff(), new ZDiffStore(), new ZIncrBy(), new ZInter(), new ZInterCard(), new ZInterStore(),
        new ZLexCount(), new ZMPop(), new ZMScore(), new ZPopMax(), new ZPopMin(), new ZRandMember(),
        new ZRange(), new ZRangeByLex(), new ZRangeByScore(), new ZRangeStore(), new Rank(descending: false), new ZRem(),
        new ZRemRangeByLex(), new ZRemRangeByRank(), new ZRemRangeByScore(), new ZRevRange(), new ZRevRangeByLex(), new ZRevRangeByScore(),
        new Rank(descending: true), new ZScan(), new ZScore(), new ZUnion(), new ZUnionStore(),
    ];
}
