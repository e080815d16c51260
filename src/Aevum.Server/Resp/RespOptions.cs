namespace Aevum.Server.Resp;

/// <summary>How the Redis door behaves. What of it can change while it runs is in <see cref="Settings.RespSettings"/>.</summary>
sealed record RespOptions
{
    public static RespOptions Default { get; } = new();

    /// <summary>Numbered databases, from 0.</summary>
    public int Databases { get; init; } = 16;

    public int ClientsMax { get; init; } = 10_000;

    /// <summary>Who may use DEBUG: no (nobody), local (connections of this machine), yes.</summary>
    public string DebugCommand { get; init; } = "local";

    /// <summary>What it costs to try a password (<see cref="Security.Passwords"/>).</summary>
    public int PasswordIterations { get; init; } = Security.Passwords.Iterations;

    /// <summary>Where clients are taken, to be told by CONFIG.</summary>
    public string Bind { get; init; } = "127.0.0.1";

    /// <summary>The same.</summary>
    public int Port { get; init; } = 6379;

    /// <summary>Where the database lies, to be told by CONFIG; empty: in memory.</summary>
    public string Directory { get; init; } = "";

    /// <summary>Loops that serve clients, to be told by CONFIG.</summary>
    public int Threads { get; init; } = 1;
}
