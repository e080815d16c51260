namespace Aevum.Server.Resp;

/// <summary>How the Redis door behaves.</summary>
sealed record RespOptions
{
    public static RespOptions Default { get; } = new();

    /// <summary>Numbered databases, from 0.</summary>
    public int Databases { get; init; } = 16;

    public int ClientsMax { get; init; } = 10_000;
}
