// ServiceNotifier: tells the service manager that started this process how it is (sd_notify of systemd, without its library): a datagram of lines
// NAME=value to the unix socket that NOTIFY_SOCKET names.
//
//   READY=1          clients are served: what was ordered after this service may start
//   STOPPING=1       the process is ending
//   STATUS=text      one line for `systemctl status`
//   WATCHDOG=1       still alive; due at least every WATCHDOG_USEC, here told twice as often
//
// A manager that cannot be reached is nobody's fault that a database should fail for: telling never throws. Protocol: man 3 sd_notify.

using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Aevum.Core.Network;

public sealed class ServiceNotifier : IDisposable
{
    static readonly TimeSpan LongestWatch = TimeSpan.FromDays(1);

    readonly Socket _socket;
    readonly UnixDomainSocketEndPoint _manager;

    ServiceNotifier(string path, TimeSpan? watchdog)
    {
        // A name with @ in front is one of Linux' abstract ones, which begin with a zero byte and lie in no directory.
        _manager = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        WatchdogInterval = watchdog;
    }

    /// <summary>How often <c>WATCHDOG=1</c> is to be told: half of what the manager grants. Null: it does not watch.</summary>
    public TimeSpan? WatchdogInterval { get; }

    /// <summary>The manager that started this process.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="processId">Of this process: a watchdog may be meant for another.</param>
    /// <returns>Null: nobody wants to be told, or cannot be.</returns>
    public static ServiceNotifier? Find(Func<string, string?> variable, int processId)
    {
        if (variable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@')) return null;
        TimeSpan? watchdog = null;
        var isMeant = variable("WATCHDOG_PID") is not { Length: > 0 } pid || pid == processId.ToString(CultureInfo.InvariantCulture);
        if (isMeant && long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 1)
            watchdog = TimeSpan.FromMicroseconds(Math.Min(microseconds, LongestWatch.TotalMicroseconds) / 2);
        try
        {
            return new ServiceNotifier(path, watchdog);
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException or PlatformNotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Clients are served.</summary>
    public void TellReady(string status) => Tell($"READY=1\nSTATUS={OneLine(status)}");

    /// <summary>The process is ending.</summary>
    public void TellStopping(string status) => Tell($"STOPPING=1\nSTATUS={OneLine(status)}");

    public void TellStatus(string status) => Tell($"STATUS={OneLine(status)}");

    /// <summary>The process is alive.</summary>
    public void TellAlive() => Tell("WATCHDOG=1");

    void Tell(string state)
    {
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(state), _manager);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // See above.
        }
    }

    static string OneLine(string text) => text.ReplaceLineEndings(" ");

    public void Dispose() => _socket.Dispose();
}
