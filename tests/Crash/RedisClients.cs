// RedisClients: fifty clients at a time, each with a pipeline of its own, until the server is killed under them; and the look at what it has kept.
//
// Of each client it is known how many requests were sent and how many acknowledged. What its keys hold must be what the model holds after some number of
// requests between the two. All its keys at once: a transaction that is there in part fits no number.

using System.Globalization;
using Aevum.Core.Scheduling;

namespace Aevum.Crash;

sealed class RedisClients(ulong seed, bool withStreams)
{
    const int PipelineMax = 16;
    static readonly TimeSpan s_endMax = TimeSpan.FromMinutes(1);

    readonly Client[] _clients = [.. Enumerable.Range(0, RedisWorkload.Clients).Select(i => new Client(i))];
    volatile string? _failure;
    volatile bool _isKilled;

    sealed class Client(int number)
    {
        public int Number => number;

        /// <summary>What is certain: the state after <see cref="Certain"/> requests.</summary>
        public RedisModel Model { get; } = new();

        public long Certain { get; set; }

        public long Sent;
        public long Acknowledged;
    }

    /// <summary>Requests acknowledged, in all lives.</summary>
    public long Acknowledged => _clients.Sum(c => Volatile.Read(ref c.Acknowledged));

    /// <summary>Writes while something is done to the server; returns when every client has seen its connection break.</summary>
    /// <exception cref="BrokenPromiseException">A request was answered with an error, or a connection broke before.</exception>
    public void Run(RedisProcess server, Action meanwhile)
    {
        _isKilled = false;
        var threads = _clients.Select(c => new Thread(() => Run(c, server))).ToArray();
        foreach (var thread in threads) thread.Start();
        try
        {
            meanwhile();
            _isKilled = true;
            server.Kill();
        }
        finally
        {
            _isKilled = true;
            foreach (var thread in threads)
                if (!thread.Join(s_endMax)) _failure ??= "a client waits for a server that is gone";
        }
        if (_failure is { } failure) throw new BrokenPromiseException(failure);
    }

    void Run(Client client, RedisProcess server)
    {
        var random = new SeededRandom(seed + (ulong)client.Number + (ulong)client.Sent);
        try
        {
            using var connection = new RedisConnection(server.Endpoint);
            var replies = new Queue<int>();   // of each request that is on its way, how many replies it gets
            while (true)
            {
                for (var i = random.Next(1, PipelineMax + 1); i > 0; i--)
                {
                    var request = RedisWorkload.Request(seed, client.Number, client.Sent++, withStreams);
                    if (request.IsTransaction) connection.Add("MULTI");
                    foreach (var command in request.Commands) connection.Add(command);
                    if (request.IsTransaction) connection.Add("EXEC");
                    replies.Enqueue(request.Commands.Length + (request.IsTransaction ? 2 : 0));
                }
                connection.Send();
                while (replies.TryDequeue(out var count))
                {
                    for (; count > 0; count--) RequireNoError(client, connection.Read());
                    Volatile.Write(ref client.Acknowledged, client.Acknowledged + 1);
                }
            }
        }
        catch (IOException) when (_isKilled)
        {
            // As it should be.
        }
        catch (Exception failure)
        {
            _failure ??= $"client {client.Number}: {failure}";
        }
    }

    static void RequireNoError(Client client, object? reply)
    {
        if (reply is RedisError error) throw new BrokenPromiseException($"request {client.Acknowledged} was answered: {error.Text}");
        if (reply is object?[] all)
            foreach (var part in all) RequireNoError(client, part);
    }

    // ------------------------------------------------------------------------------------------------ the look

    /// <summary>Looks at everything, and takes what is there as certain.</summary>
    /// <exception cref="BrokenPromiseException">It is not what was promised.</exception>
    public void Look(RedisConnection connection)
    {
        var queue = Texts(connection.Ask("LRANGE", RedisWorkload.Queue, "0", "-1"))
            .GroupBy(e => int.Parse(e.AsSpan(0, e.IndexOf('/', StringComparison.Ordinal)), CultureInfo.InvariantCulture))
            .ToDictionary(g => g.Key, g => g.ToArray());
        foreach (var client in _clients) Look(client, connection, queue.GetValueOrDefault(client.Number, []));
        var sum = Enumerable.Range(0, RedisWorkload.Accounts)
            .Sum(a => long.Parse((string?)connection.Ask("GET", RedisWorkload.Account(a)) ?? "0", CultureInfo.InvariantCulture));
        Require(sum == 0, $"the sum of the accounts is {sum}: a transaction is there in part");
    }

    void Look(Client client, RedisConnection connection, string[] queued)
    {
        var found = Found(client.Number, connection, queued);
        string? difference = null;
        for (var known = client.Certain; ; known++)
        {
            var expected = Expected(client);
            difference = found.Zip(expected).Where(p => p.First != p.Second).Select(p => $"there is {Cut(p.First)}, not {Cut(p.Second)}").FirstOrDefault();
            if (known >= client.Acknowledged && difference is null) break;
            Require(known < client.Sent, $"client {client.Number}: {client.Acknowledged} requests were acknowledged and {client.Sent} sent, and what is there "
                + $"fits no number between: after all, {difference}");
            client.Model.Apply(RedisWorkload.Request(seed, client.Number, known, withStreams));
            client.Certain = known + 1;
        }
        client.Sent = client.Acknowledged = client.Certain;
    }

    string[] Found(int client, RedisConnection connection, string[] queued)
    {
        var keys = Keys(client).ToArray();
        foreach (var (key, type) in keys)
        {
            connection.Add(type switch
            {
                'h' => ["HGETALL", key],
                'l' => ["LRANGE", key, "0", "-1"],
                't' => ["SMEMBERS", key],
                'z' => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
                'x' => ["XRANGE", key, "-", "+"],
                _ => ["GET", key],
            });
            connection.Add("TTL", key);
        }
        connection.Send();
        var found = new List<string>();
        foreach (var (key, type) in keys)
        {
            var reply = connection.Read();
            var living = connection.Read() is long and > 0;
            IEnumerable<string> parts = type switch
            {
                'h' => Texts(reply).Chunk(2).OrderBy(p => p[0], StringComparer.Ordinal).Select(p => $"{p[0]}={p[1]}"),
                't' => Texts(reply).Order(StringComparer.Ordinal),
                'z' => Texts(reply).Chunk(2).Select(p => $"{p[0]}={p[1]}"),
                'x' => ((object?[])reply!).Cast<object?[]>().Select(e => $"{e[0]} {string.Join(' ', (object?[])e[1]!)}"),
                'l' => Texts(reply),
                _ => [reply is null ? "nothing" : $"'{reply}'"],
            };
            found.Add($"{key} {(living ? "expires " : "")}{string.Join(',', parts)}");
        }
        found.Add("queue " + string.Join(',', queued));
        return [.. found];
    }

    string[] Expected(Client client)
    {
        var model = client.Model;
        var expected = new List<string>();
        foreach (var (key, type) in Keys(client.Number))
        {
            IEnumerable<string> parts = type switch
            {
                'h' => model.Hashes.GetValueOrDefault(key)?.Select(p => $"{p.Key}={p.Value}") ?? [],
                't' => model.Sets.GetValueOrDefault(key) ?? [],
                'z' => model.SortedSets.GetValueOrDefault(key)?.OrderBy(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal)
                    .Select(p => $"{p.Key}={p.Value}") ?? [],
                'x' => model.Streams.GetValueOrDefault(key) ?? [],
                'l' => model.Lists.GetValueOrDefault(key) ?? [],
                _ => [model.Strings.TryGetValue(key, out var text) ? $"'{text}'" : "nothing"],
            };
            expected.Add($"{key} {(model.Expiring.Contains(key) ? "expires " : "")}{string.Join(',', parts)}");
        }
        expected.Add("queue " + string.Join(',', model.Queued));
        return [.. expected];
    }

    IEnumerable<(string Key, char Type)> Keys(int client)
    {
        foreach (var type in withStreams ? "snhltzx" : "snhltz")
            for (var i = 0; i < RedisWorkload.KeysOfAType; i++) yield return (RedisWorkload.Key(client, type, i), type);
    }

    static string[] Texts(object? reply) => reply switch
    {
        object?[] all => [.. all.Select(t => (string)t!)],
        null => [],
        _ => throw new BrokenPromiseException($"a list was asked for, and {reply} answered"),
    };

    static string Cut(string text) => text.Length <= 300 ? text : $"{text[..300]}... ({text.Length} characters)";

    static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new BrokenPromiseException(otherwise);
    }
}
