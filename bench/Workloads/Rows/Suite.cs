using Aevum.Bench.Workloads.Servers;

namespace Aevum.Bench.Workloads.Rows;

/// <summary>What "run NAME" runs: rows in the order of the report, and the scenarios that measure them in the order they run.</summary>
sealed record Suite(string Name, string What, string PeerName, Scenario[] Scenarios, Row[] Rows)
{
    /// <summary>The engine that is ours in this suite.</summary>
    public string OursName { get; init; } = "aevum";

    /// <summary>Null: children of this program run the scenarios, each an engine.</summary>
    public ISuiteRunner? Runner { get; init; }

    /// <summary>All suites there are. One more is one more entry here, and an engine table that can run its scenarios.</summary>
    public static Suite[] All { get; } = [StorageSuite.Create(), EngineSuite.Create(), RedisSuite.Create(), VectorsSuite.Create()];
}
