using System.Net;

namespace Aevum.Server.Hosting;

/// <summary>What a server serves, and where.</summary>
public sealed record ServerOptions
{
    /// <summary>The database's directory; made if it is not there. Null: a database in memory, gone with the process.</summary>
    public string? Directory { get; init; }

    /// <summary>How it is opened.</summary>
    public DatabaseOptions Database { get; init; } = DatabaseOptions.Default;

    /// <summary>Where Redis' protocol is spoken.</summary>
    public IReadOnlyList<IPEndPoint> Resp { get; init; } = [];

    /// <summary>Threads that serve connections; 0: as the machine suggests.</summary>
    public int Loops { get; init; }

    /// <summary>How long those who are connected may take to fetch what they were answered, when the server ends.</summary>
    public TimeSpan DrainMax { get; init; } = TimeSpan.FromSeconds(10);
}
