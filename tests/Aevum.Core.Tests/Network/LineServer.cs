using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

/// <summary>A server in a process of its own: for tests that take its descriptors away, and for load from outside. It answers every line
/// with +PONG, so redis-benchmark -t ping_inline can measure what the network alone costs; it says where it listens and ends with its
/// input.</summary>
static class LineServer
{
    public static void Run(NetworkKind kind, int loops)
    {
        using var scheduler = new ThreadScheduler();
        using var network = Networks.Create(scheduler, new NetworkOptions { Loops = loops }, kind);
        using var listener = network.Listen(new IPEndPoint(IPAddress.Loopback, 0), channel => new Pong(channel), new ListenOptions { ConnectionsMax = 20_000 });
        Console.WriteLine(listener.Endpoint.Port);
        while (Console.ReadLine() is { } line)
            if (line == "cpu") Console.WriteLine($"{Environment.CpuUsage.TotalTime.TotalMicroseconds:F0} {Environment.WorkingSet}");
    }

    sealed class Pong(IChannel channel) : IChannelHandler
    {
        public int OnReceived(ReadOnlySpan<byte> bytes)
        {
            var taken = 0;
            while (bytes[taken..].IndexOf((byte)'\n') is >= 0 and var end)
            {
                taken += end + 1;
                "+PONG\r\n"u8.CopyTo(channel.GetSpan(7));
                channel.Advance(7);
            }
            return taken;
        }

        public void OnClosed() { }
    }
}
