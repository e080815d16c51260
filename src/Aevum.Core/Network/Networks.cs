using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

/// <summary>Which implementation serves.</summary>
public enum NetworkKind
{
    /// <summary>The fastest that this system has.</summary>
    Best = 0,

    /// <summary>Readiness by epoll. 64-bit Linux.</summary>
    Epoll = 1,

    /// <summary>.NET's sockets. Everywhere.</summary>
    Sockets = 2,
}

public static class Networks
{
    /// <param name="scheduler">Gives the time; closed after the network.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="kind">Epoll where there is none: InvalidArgument.</param>
    public static INetwork Create(IScheduler scheduler, NetworkOptions? options = null, NetworkKind kind = NetworkKind.Best)
    {
        options ??= new NetworkOptions();
        return kind is NetworkKind.Epoll || (kind is NetworkKind.Best && EpollNetwork.IsAvailable)
            ? new EpollNetwork(scheduler, options)
            : new SocketNetwork(scheduler, options);
    }
}
