// crash storage|engine|redis|vectors [--rounds N] [--policy P] [--seed S]: see README.md. The same program is the child that is killed: crash child ...

using System.Globalization;
using Aevum.Crash;
using Aevum.Storage.Log;

if (args is ["child", var store, var tally, var shadow, var sync, var childSeed])
    return Writers.Run(store, tally, shadow, SyncPolicy.Parse(sync), ulong.Parse(childSeed, CultureInfo.InvariantCulture));
if (args is ["engine-child", var database, var its, var promise]) return EngineWriters.Run(database, its, SyncPolicy.Parse(promise));
if (args is not ["storage" or "engine" or "redis" or "vectors", ..]) return Usage();

var rounds = 200;
ulong? seed = null;
SyncPolicy[] policies = [SyncPolicy.Os, SyncPolicy.Always, SyncPolicy.Every(100), SyncPolicy.Each(TimeSpan.FromMilliseconds(20))];
for (var i = 1; i + 1 < args.Length; i += 2)
{
    switch (args[i])
    {
        case "--rounds" when int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var number) && number > 0: rounds = number; break;
        case "--seed" when ulong.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var number): seed = number; break;
        case "--policy" when args[0] is not ("redis" or "vectors") && SyncPolicy.TryParse(args[i + 1], out var policy): policies = [policy]; break;
        default: return Usage();
    }
}
if (args.Length % 2 == 0) return Usage();

// Another seed each time: a round is not replayed exactly anyway, and many runs should see many moments.
var first = seed ?? (ulong)Environment.ProcessId * 7919 % 1_000_000;
var home = Directory.CreateTempSubdirectory("aevum-crash-").FullName;
if (args[0] is "redis" or "vectors")
{
    Console.WriteLine($"seed {first}, {rounds} kills, in {home}");
    var held = args[0] == "redis" ? new RedisCrash(rounds, first, home).Run() : new VectorCrash(rounds, first, home).Run();
    if (held) Directory.Delete(home, recursive: true);
    Console.WriteLine(held ? $"crash {args[0]}: {rounds} kills, every acknowledged request survived" : $"crash {args[0]}: FAILED");
    return held ? 0 : 1;
}
Console.WriteLine($"seed {first}, {rounds} kills for each of {string.Join(", ", policies)}, in {home}");
var failed = policies.Count(policy => !(args[0] == "engine"
    ? new EngineCrash(policy, rounds, first, home).Run()
    : new StorageCrash(policy, rounds, first, home).Run()));
if (failed == 0) Directory.Delete(home, recursive: true);
Console.WriteLine(failed == 0
    ? $"crash {args[0]}: {rounds * policies.Length} kills, every acknowledged batch survived"
    : $"crash {args[0]}: FAILED for {failed} of {policies.Length} policies");
return failed == 0 ? 0 : 1;

static int Usage()
{
    Console.Error.WriteLine("crash storage|engine [--rounds N] [--policy os|always|every:<n>|<interval>] [--seed S]");
    Console.Error.WriteLine("crash redis|vectors [--rounds N] [--seed S]");
    return 2;
}
