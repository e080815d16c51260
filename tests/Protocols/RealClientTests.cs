namespace Aevum.Protocols.Tests;

/// <summary>Clients of Redis, each in its own language, against the server that people start.</summary>
public sealed class RealClientTests
{
    [FactForClient("redis-cli")]
    public void Redis_cli_is_served() => Serve("redis-cli");

    [FactForClient("redis-py")]
    public void Redis_py_is_served() => Serve("redis-py");

    [FactForClient("ioredis")]
    public void Ioredis_is_served() => Serve("ioredis");

    [FactForClient("node-redis")]
    public void Node_redis_is_served() => Serve("node-redis");

    static void Serve(string name)
    {
        using var server = new RestartedServer();
        var run = ClientScript.Run(Client.Of(name), server);
        var complaints = run.Complaints().ToArray();
        Assert.True(complaints.Length == 0, $"{name}:\n{string.Join('\n', complaints)}\n\nit printed:\n{run.Rest}\n\nthe server:\n{server.LogText}");
    }
}
