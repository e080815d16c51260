using System.Diagnostics;
using System.Net;

namespace Aevum.Core.Tests.Network;

/// <summary>A server that runs out of descriptors turns away who is too many and serves on. In a process of its own, which may have
/// few.</summary>
public sealed class DescriptorTests
{
    [Theory, InlineData("Epoll"), InlineData("Sockets")]
    public void A_server_without_descriptors_serves_those_it_has_and_later_others(string kind)
    {
        if (!OperatingSystem.IsLinux()) return;
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var command = $"ulimit -n 200; exec '{host}' exec '{typeof(DescriptorTests).Assembly.Location}' lines {kind} 1";
        using var server = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            var endpoint = new IPEndPoint(IPAddress.Loopback, int.Parse(server.StandardOutput.ReadLine()!));
            var peers = new List<SocketPeer>();
            var served = 0;
            for (var i = 0; i < 300; i++)
            {
                var peer = new SocketPeer(endpoint);
                peers.Add(peer);
                if (IsServed(peer)) served++;   // those who are too many are turned away at once
            }
            Assert.InRange(served, 20, 199);
            Assert.True(IsServed(peers[0]));
            foreach (var peer in peers) peer.Dispose();
            for (var tries = 0; ; tries++)
            {
                using var late = new SocketPeer(endpoint);
                if (IsServed(late)) break;
                Assert.True(tries < 10_000, "nobody is served any more");
            }
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    static bool IsServed(SocketPeer peer)
    {
        try
        {
            peer.Send("x\n");
            return peer.ReceiveText(7) == "+PONG\r\n";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
