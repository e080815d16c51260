using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Resp;

/// <summary>What data commands see of the server they run in.</summary>
/// <param name="Interest">Who wants to hear what happens to keys.</param>
/// <param name="Settings">What CONFIG sets.</param>
sealed record DataSurroundings(SignalInterest Interest, RespSettings Settings)
{
    /// <summary>Vector collections; null: there are none to be seen.</summary>
    public RespCollections? Collections { get; init; }

    /// <summary>What ranks in large sorted sets are found by.</summary>
    public Commands.SortedSets.Ranks.RankIndexes Ranks { get; init; } = new(null);

    /// <summary>When keys were read last.</summary>
    public Measuring.KeyAccesses Accesses { get; } = new();

    /// <summary>Of commands that run by themselves: as a new server, and everything is heard.</summary>
    public static DataSurroundings Alone { get; } = new(SignalInterest.InEverything, new RespSettings(RespOptions.Default));
}
