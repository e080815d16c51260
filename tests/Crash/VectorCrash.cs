// VectorCrash: lives of a server with a vector collection, each ended by SIGKILL while clients insert, replace and delete vectors, and one of them asks
// for saves.
//
// What a client does to which of its keys follows from its own count of requests (VectorOf), so what must be there is known from how many were acknowledged.
//
// Promised after each kill:
//   (1) the server comes up again;
//   (2) every acknowledged request is in the rows; of those that were under way the first ones of a client, or none (VGET);
//   (3) exact search finds each row at distance 0 while the index is not ready, and the index as many as it should once it is: recall@10 against exact search
//       is at least 0.95;
//   (4) the index counts exactly the rows that are there; nothing was damaged;
//   (5) no request is answered with an error.
//
// Of three databases one is quantized by int8 and one by product codes, sealed at few rows.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Crash;

sealed class VectorCrash(int rounds, ulong seed, string home)
{
    const int Clients = 6;
    const int Dimension = 24;
    const int KeysOfClient = 701;   // a prime: seven steps at a time come to all of them
    const int Pipeline = 20;
    const int Queries = 40;

    readonly SeededRandom _random = new(seed);
    readonly Stopwatch _clock = Stopwatch.StartNew();
    readonly long[] _acknowledged = new long[Clients];
    readonly long[] _sent = new long[Clients];
    long _requests;
    long _saves;
    long _looksAtCodes;
    string? _refused;
    string _quantization = "none";
    bool _pauses;   // clients take their time: the index keeps up, and saves come to their end

    /// <returns>False if a round failed.</returns>
    public bool Run()
    {
        var databases = 0;
        for (var round = 1; round <= rounds;)
        {
            var directory = Path.Combine(home, $"vectors-{++databases}");
            Directory.CreateDirectory(directory);
            Array.Clear(_acknowledged);
            Array.Clear(_sent);
            _quantization = databases % 3 == 0 ? "none" : databases % 3 == 1 ? "int8" : "pq";
            var lives = Math.Min(_random.Next(2, 7), rounds - round + 1);
            for (var life = 1; life <= lives; life++, round++)
            {
                try
                {
                    RunLife(directory, isFirst: life == 1, isLast: life == lives);
                }
                catch (Exception failure) when (failure is BrokenPromiseException or AevumException or IOException or InvalidOperationException)
                {
                    Console.WriteLine($"FAILED: round {round}, seed {seed}: {failure}");
                    Console.WriteLine($"kept: {directory}");
                    return false;
                }
                if (round % Math.Max(5, rounds / 20) == 0 || round == rounds)
                    Console.WriteLine($"[{_clock.Elapsed.TotalSeconds,5:f0}s] {round} of {rounds} kills, {_requests} requests acknowledged, {_saves} saves, "
                        + $"{_looksAtCodes} looks met codes");
            }
            Directory.Delete(directory, recursive: true);
        }
        return true;
    }

    // Vectors become codes early, so that kills meet the making, saving and merging of codes.
    static RedisProcess Start(string store, string log) => new(store, log, "--data-vector-seal-rows", "600");

    void RunLife(string directory, bool isFirst, bool isLast)
    {
        var (store, log) = (Path.Combine(directory, "store"), Path.Combine(directory, "server.log"));
        using (var server = Start(store, log))
        {
            using (var connection = server.WaitUntilReady())
            {
                if (isFirst) Require(connection.Ask("VNEW", "c", Text(Dimension), "METRIC", "l2", "QUANT", _quantization), "OK");
                else Look(connection);
            }
            _pauses = _random.OneIn(2);
            var writers = Enumerable.Range(0, Clients).Select(client => new Thread(() => Write(server, client)) { IsBackground = true }).ToList();
            writers.Add(new Thread(() => Save(server)) { IsBackground = true });
            foreach (var writer in writers) writer.Start();
            Thread.Sleep(_pauses ? 500 + _random.Next(1500) : _random.OneIn(6) ? _random.Next(4000) : _random.Next(1000));
            server.Kill();
            foreach (var writer in writers) writer.Join();
            if (_refused is { } refused) throw new BrokenPromiseException(refused);
        }
        if (!isLast) return;
        using (var server = Start(store, log))
        {
            using (var connection = server.WaitUntilReady()) Look(connection);
            server.End();
        }
        using (var server = Start(store, log))
        {
            using var connection = server.WaitUntilReady();
            Look(connection);
        }
    }

    // ------------------------------------------------------------------------------------------------ what is written

    // Request n of a client is about one of its keys; every fifth deletes it.
    static string KeyOf(int client, long n) => string.Create(CultureInfo.InvariantCulture, $"{client}:{n * 7 % KeysOfClient}");

    static bool IsDelete(long n) => n % 5 == 4;

    float[] VectorOf(int client, long n)
    {
        var random = new SeededRandom(seed ^ ((ulong)client << 48) ^ (ulong)n);
        var vector = new float[Dimension];
        for (var i = 0; i < Dimension; i++) vector[i] = random.Next(-1000, 1000) / 64f;
        return vector;
    }

    static string Blob(float[] vector) => Encoding.Latin1.GetString(MemoryMarshal.AsBytes<float>(vector));

    // What the key of a request holds after a client's first requests, as a blob; null: nothing.
    string? Held(int client, long requests, long ofKey)
    {
        var slot = ofKey * 7 % KeysOfClient;
        for (var n = requests - 1; n >= 0 && n > requests - 1 - KeysOfClient; n--)
            if (n * 7 % KeysOfClient == slot) return IsDelete(n) ? null : Blob(VectorOf(client, n));
        return null;
    }

    void Write(RedisProcess server, int client)
    {
        try
        {
            using var connection = new RedisConnection(server.Endpoint);
            while (true)
            {
                for (var i = 0; i < Pipeline; i++)
                {
                    var n = _sent[client]++;
                    if (IsDelete(n)) connection.Add("VDEL", "c", KeyOf(client, n));
                    else connection.Add("VADD", "c", KeyOf(client, n), Blob(VectorOf(client, n)));
                }
                connection.Send();
                if (_pauses) Thread.Sleep(100);
                for (var i = 0; i < Pipeline; i++)
                {
                    if (connection.Read() is RedisError error) _refused ??= $"a request of client {client} was refused: {error.Text}";
                    _acknowledged[client]++;
                    Interlocked.Increment(ref _requests);
                }
            }
        }
        catch (IOException)
        {
            // The kill.
        }
    }

    void Save(RedisProcess server)
    {
        try
        {
            using var connection = new RedisConnection(server.Endpoint);
            while (true)
            {
                Thread.Sleep(60);
                if (connection.Ask("VSAVE") is RedisError error) _refused ??= $"a save was refused: {error.Text}";
                _saves++;
            }
        }
        catch (IOException)
        {
        }
    }

    // ------------------------------------------------------------------------------------------------ what is found

    void Look(RedisConnection connection)
    {
        long rows = 0;
        for (var client = 0; client < Clients; client++)
        {
            // How far it came: the requests that were under way are there as far as the first one that is not.
            var found = Enumerable.Range(0, KeysOfClient).ToDictionary(n => KeyOf(client, n), n => connection.Ask("VGET", "c", KeyOf(client, n)) as string);
            var came = _acknowledged[client];
            while (came < _sent[client] && !Fits(client, came, found)) came++;
            if (!Fits(client, came, found))
                throw new BrokenPromiseException($"client {client}: the rows are not those of any {_acknowledged[client]} to {_sent[client]} of its requests");
            _acknowledged[client] = _sent[client] = came;
            rows += found.Values.Count(v => v is not null);
        }
        Search(connection, exact: true);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var info = (object?[])connection.Ask("VINFO", "c", "FULL")!;
            if (Field(info, "coded") is > 0L) _looksAtCodes++;
            if (Field(info, "damage") is string damage) throw new BrokenPromiseException($"the index was damaged: {damage}");
            if (Field(info, "count") is not long count || count != rows)
                throw new BrokenPromiseException($"{Field(info, "count")} rows are told where {rows} are");
            if (Field(info, "index") is "following" && Field(info, "tail") is 0L) break;
            if (clock.Elapsed > TimeSpan.FromMinutes(1)) throw new BrokenPromiseException($"the index does not catch up: {Field(info, "index")}");
            Thread.Sleep(10);
        }
        Search(connection, exact: false);
    }

    bool Fits(int client, long came, Dictionary<string, string?> found)
    {
        for (var n = 0; n < KeysOfClient; n++)
            if (found[KeyOf(client, n)] != Held(client, came, n)) return false;
        return true;
    }

    void Search(RedisConnection connection, bool exact)
    {
        int hits = 0, wanted = 0;
        for (var query = 0; query < Queries; query++)
        {
            var blob = Blob(VectorOf(query % Clients, _random.Next(1 << 20)));
            var right = KeysIn(connection.Ask("VSEARCH", "c", blob, "10", "EXACT"));
            wanted += right.Count;
            hits += exact ? right.Count : KeysIn(connection.Ask("VSEARCH", "c", blob, "10", "EF", "128")).Intersect(right).Count();
        }
        if (wanted > 0 && hits < 0.95 * wanted) throw new BrokenPromiseException($"of {wanted} nearest rows the index finds {hits}");
    }

    static List<string> KeysIn(object? reply) => reply is object?[] answers
        ? [.. answers.Where((_, i) => i % 2 == 0).Select(key => (string)key!)]
        : throw new BrokenPromiseException($"a search answers {reply}");

    static object? Field(object?[] info, string name) => info[Array.IndexOf(info, name) + 1];

    static void Require(object? reply, string expected)
    {
        if (reply as string != expected) throw new BrokenPromiseException($"{reply} where {expected} is right");
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
