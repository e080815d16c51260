using System.Diagnostics;
using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

/// <summary>Networks of this machine, on loopback.</summary>
public abstract class RealNetworkTests : NetworkContract
{
    readonly ThreadScheduler _scheduler = new();

    protected abstract NetworkKind Kind { get; }

    protected override INetwork Create(NetworkOptions options) => Networks.Create(_scheduler, options, Kind);

    protected override IPeer Connect(INetwork network, IPEndPoint endpoint) => new SocketPeer(endpoint);

    protected override void WaitUntil(Func<bool> condition)
    {
        // The limit only keeps a failure from hanging.
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), "what was waited for did not come");
            Thread.Sleep(1);
        }
    }

    protected override void Close() => _scheduler.Dispose();
}

public sealed class EpollNetworkTests : RealNetworkTests
{
    protected override NetworkKind Kind => NetworkKind.Epoll;
}

public sealed class SocketNetworkTests : RealNetworkTests
{
    protected override NetworkKind Kind => NetworkKind.Sockets;
}
