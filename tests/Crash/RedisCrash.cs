// RedisCrash: rounds of: start the server on a directory, look at what it has kept, let fifty clients write, kill it under them.
//
// Promised, since SIGKILL takes nothing from the page cache:
//   (1) the server comes up again, also when it was killed while it did;
//   (2) every acknowledged request of every type is there, and of those that were under way those of a client's first ones;
//   (3) what stood between MULTI and EXEC is there whole or not at all;
//   (4) no request is answered with an error.
// At the end of a directory the server is asked to end, which it must do well, and started once more to be looked at.

using System.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Crash;

sealed class RedisCrash(int rounds, ulong seed, string home)
{
    readonly SeededRandom _random = new(seed);
    readonly Stopwatch _clock = Stopwatch.StartNew();
    long _requests;
    int _openingKills;

    /// <returns>False if a round failed.</returns>
    public bool Run()
    {
        var databases = 0;
        for (var round = 1; round <= rounds;)
        {
            var directory = Path.Combine(home, $"redis-{++databases}");
            Directory.CreateDirectory(directory);
            RedisClients? clients = null;
            var lives = Math.Min(_random.Next(2, 7), rounds - round + 1);
            for (var life = 1; life <= lives; life++, round++)
            {
                try
                {
                    RunLife(directory, ref clients, seed + (ulong)databases, isLast: life == lives);
                }
                catch (Exception failure) when (failure is BrokenPromiseException or AevumException or IOException or InvalidOperationException)
                {
                    Console.WriteLine($"FAILED: round {round}, seed {seed}: {failure}");
                    Console.WriteLine($"kept: {directory}");
                    Console.WriteLine($"again: crash redis --seed {seed} --rounds {round}");
                    return false;
                }
                if (round % Math.Max(5, rounds / 20) == 0 || round == rounds)
                    Console.WriteLine($"[{_clock.Elapsed.TotalSeconds,5:f0}s] {round} of {rounds} kills ({_openingKills} while opening), "
                        + $"{_requests + clients!.Acknowledged} requests acknowledged");
            }
            _requests += clients!.Acknowledged;
            Directory.Delete(directory, recursive: true);
        }
        return true;
    }

    void RunLife(string directory, ref RedisClients? clients, ulong itsSeed, bool isLast)
    {
        var store = Path.Combine(directory, "store");
        var log = Path.Combine(directory, "server.log");
        if (_random.OneIn(6))
        {
            using var opening = new RedisProcess(store, log);
            Thread.Sleep(_random.Next(1200));
            opening.Kill();
            _openingKills++;
        }
        using (var server = new RedisProcess(store, log))
        {
            using (var connection = server.WaitUntilReady())
            {
                clients ??= new RedisClients(itsSeed, withStreams: connection.Ask("XLEN", "x") is long);
                clients.Look(connection);
            }
            var delay = _random.OneIn(8) ? _random.Next(3000) : _random.Next(800);
            clients.Run(server, () => Thread.Sleep(delay));
        }
        if (!isLast) return;
        using (var server = new RedisProcess(store, log))
        {
            using (var connection = server.WaitUntilReady()) clients.Look(connection);
            server.End();
        }
        using (var server = new RedisProcess(store, log))
        {
            using var connection = server.WaitUntilReady();
            clients.Look(connection);
        }
    }
}
