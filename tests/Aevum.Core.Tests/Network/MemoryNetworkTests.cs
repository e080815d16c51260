using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

public sealed class MemoryNetworkTests : NetworkContract
{
    readonly SimulatedScheduler _world = new(42, new SimulationOptions { StepsMax = 2_000_000 });

    protected override INetwork Create(NetworkOptions options) => new MemoryNetwork(_world, options);

    protected override IPeer Connect(INetwork network, IPEndPoint endpoint) => new MemoryPeer(((MemoryNetwork)network).Connect(endpoint));

    protected override void WaitUntil(Func<bool> condition)
    {
        for (var i = 0; i < 100_000; i++)
        {
            _world.RunUntilIdle();
            if (condition()) return;
            _world.RunFor(TimeSpan.FromMilliseconds(1));
        }
        Assert.Fail("what was waited for did not come");
    }

    protected override void Close() => _world.Dispose();
}
