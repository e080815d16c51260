using System.Net.Sockets;
using System.Text;
using Aevum.Core.Network;

namespace Aevum.Core.Tests.Network;

public sealed class ServiceNotifierTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("aevum-notify-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static Func<string, string?> Variables(params (string Name, string Value)[] all) =>
        name => all.Where(v => v.Name == name).Select(v => v.Value).FirstOrDefault();

    // The other end, as the manager holds it.
    sealed class Manager : IDisposable
    {
        readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };

        public Manager(string path) => _socket.Bind(new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));

        public string Receive()
        {
            var bytes = new byte[4096];
            return Encoding.UTF8.GetString(bytes, 0, _socket.Receive(bytes));
        }

        public void Dispose() => _socket.Dispose();
    }

    [Fact]
    public void Everything_is_told_over_a_socket_in_a_directory()
    {
        if (OperatingSystem.IsWindows()) return;
        Tell(Path.Combine(_folder, "notify"));
    }

    [Fact]
    public void Everything_is_told_over_an_abstract_socket()
    {
        if (!OperatingSystem.IsLinux()) return;
        Tell($"@aevum-notify-{Path.GetFileName(_folder)}");
    }

    static void Tell(string path)
    {
        using var manager = new Manager(path);
        var variables = Variables(("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "77"));
        using var notifier = ServiceNotifier.Find(variables, processId: 77)!;
        Assert.Equal(TimeSpan.FromSeconds(15), notifier.WatchdogInterval);
        notifier.TellStatus("opening\nREADY=1");
        Assert.Equal("STATUS=opening READY=1", manager.Receive());   // one line, whatever stands in it
        notifier.TellReady("serving");
        Assert.Equal("READY=1\nSTATUS=serving", manager.Receive());
        notifier.TellAlive();
        Assert.Equal("WATCHDOG=1", manager.Receive());
        notifier.TellStopping("draining");
        Assert.Equal("STOPPING=1\nSTATUS=draining", manager.Receive());
    }

    [Fact]
    public void A_manager_that_is_gone_is_no_failure()
    {
        if (OperatingSystem.IsWindows()) return;
        using var notifier = ServiceNotifier.Find(Variables(("NOTIFY_SOCKET", Path.Combine(_folder, "nobody"))), processId: 1)!;
        notifier.TellReady("x");
        notifier.Dispose();
        notifier.TellAlive();
    }

    [Fact]
    public void Who_was_not_started_by_a_manager_has_nobody_to_tell()
    {
        Assert.Null(ServiceNotifier.Find(Variables(), 1));
        Assert.Null(ServiceNotifier.Find(Variables(("NOTIFY_SOCKET", "")), 1));
        Assert.Null(ServiceNotifier.Find(Variables(("NOTIFY_SOCKET", "relative")), 1));
        Assert.Null(ServiceNotifier.Find(Variables(("NOTIFY_SOCKET", "/" + new string('x', 500))), 1));
    }

    [Theory]
    [InlineData("x", null, false)]
    [InlineData("0", null, false)]
    [InlineData("2000000", null, true)]
    [InlineData("2000000", "1", true)]
    [InlineData("2000000", "2", false)]
    public void The_watchdog_is_minded_only_where_it_is_meant(string microseconds, string? processId, bool isMinded)
    {
        if (OperatingSystem.IsWindows()) return;
        var variables = Variables(("NOTIFY_SOCKET", "/run/x"), ("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", processId ?? ""));
        using var notifier = ServiceNotifier.Find(variables, 1)!;
        Assert.Equal(isMinded ? TimeSpan.FromSeconds(1) : null, notifier.WatchdogInterval);
    }
}
