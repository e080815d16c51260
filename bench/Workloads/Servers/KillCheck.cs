// KillCheck: what was acknowledged is there after kill -9. Clients write in pipelines and remember what was answered; the server is killed while they do,
// started again on the same directory, and asked for every key.

using System.Globalization;
using System.Net.Sockets;

namespace Aevum.Bench.Workloads.Servers;

static class KillCheck
{
    const int Clients = 50;
    const int Pipeline = 16;

    /// <returns>Acknowledged writes that are missing, and how many there were.</returns>
    public static (long Lost, long Acknowledged) Run(ServerKind kind, string directory, TimeSpan load)
    {
        var acknowledged = new long[Clients];   // of each client: its keys 0 .. n-1 were answered
        using (var server = ServerProcess.Start(kind, directory))
        {
            var clients = Enumerable.Range(0, Clients)
                .Select(i => new Thread(() => Write(server, i, acknowledged), 256 << 10) { IsBackground = true }).ToArray();
            foreach (var client in clients) client.Start();
            Thread.Sleep(load);
            server.Kill();
            foreach (var client in clients) client.Join();
        }
        using var again = ServerProcess.Start(kind, directory);
        using var connection = again.Connect();
        long lost = 0;
        for (var client = 0; client < Clients; client++)
            for (long first = 0; first < acknowledged[client]; first += 100)
            {
                var count = (int)Math.Min(100, acknowledged[client] - first);
                var numbers = Enumerable.Range(0, count).Select(i => first + i).ToArray();
                var found = (List<object?>)connection.Ask(["MGET", .. numbers.Select(n => KeyOf(client, n))])!;
                for (var i = 0; i < count; i++)
                    if (found[i] is not string text || text != ValueOf(client, numbers[i])) lost++;
            }
        return (lost, acknowledged.Sum());
    }

    static void Write(ServerProcess server, int client, long[] acknowledged)
    {
        try
        {
            using var connection = server.Connect();
            for (long next = 0; ; next += Pipeline)
            {
                var requests = Enumerable.Range(0, Pipeline).SelectMany(i => RespConnection.Encode("SET", KeyOf(client, next + i), ValueOf(client, next + i)));
                connection.Send(requests.ToArray());
                for (var i = 0; i < Pipeline; i++)
                {
                    if (connection.Read() is not "OK") return;
                    acknowledged[client]++;
                }
            }
        }
        catch (Exception end) when (end is IOException or SocketException)
        {
            // The server was killed: that is the point.
        }
    }

    static string KeyOf(int client, long number) => string.Create(CultureInfo.InvariantCulture, $"kill:{client}:{number}");

    static string ValueOf(int client, long number) => string.Create(CultureInfo.InvariantCulture, $"value {client * 7919L + number}");
}
