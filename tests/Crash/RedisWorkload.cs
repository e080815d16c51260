// RedisWorkload: what a client of the Redis door sends, as a function of seed, client and number; and what its keys hold after so many requests, by
// a model that knows nothing but dictionaries. So whoever knows how many requests were sent and acknowledged knows which states may be found.
//
//   own keys       of every type, three of each: only this client writes them, in its order
//   accounts       shared: MULTI moves an amount from one to another and counts it in a key of the client's own; the sum is 0 at every moment
//   queue          shared: each client appends its own elements, which must lie there in its order
//
// No request depends on a reply, so a pipeline of them can be on its way. None may be answered with an error.

using System.Globalization;
using Aevum.Core.Scheduling;

namespace Aevum.Crash;

/// <summary>One request, or several between MULTI and EXEC.</summary>
readonly record struct RedisRequest(string[][] Commands, bool IsTransaction);

sealed class RedisModel
{
    public Dictionary<string, string> Strings { get; } = [];

    public Dictionary<string, SortedDictionary<string, string>> Hashes { get; } = [];

    public Dictionary<string, List<string>> Lists { get; } = [];

    public Dictionary<string, SortedSet<string>> Sets { get; } = [];

    public Dictionary<string, Dictionary<string, long>> SortedSets { get; } = [];

    public Dictionary<string, List<string>> Streams { get; } = [];

    /// <summary>Keys that will expire, some day after the test.</summary>
    public HashSet<string> Expiring { get; } = [];

    /// <summary>What this client has put in the queue.</summary>
    public List<string> Queued { get; } = [];

    public void Apply(RedisRequest request)
    {
        foreach (var command in request.Commands) Apply(command);
    }

    void Apply(string[] c)
    {
        if (c[1].StartsWith("account", StringComparison.Ordinal)) return;
        switch (c[0])
        {
            case "SET": Strings[c[1]] = c[2]; Expiring.Remove(c[1]); break;
            case "APPEND": Strings[c[1]] = Strings.GetValueOrDefault(c[1], "") + c[2]; break;
            case "INCRBY": Strings[c[1]] = Sum(Strings.GetValueOrDefault(c[1], "0"), c[2]); break;
            case "HSET": for (var i = 2; i < c.Length; i += 2) Of(Hashes, c[1])[c[i]] = c[i + 1]; break;
            case "HDEL": for (var i = 2; i < c.Length; i++) Of(Hashes, c[1]).Remove(c[i]); break;
            case "HINCRBY": Of(Hashes, c[1])[c[2]] = Sum(Of(Hashes, c[1]).GetValueOrDefault(c[2], "0"), c[3]); break;
            case "RPUSH" when c[1] == RedisWorkload.Queue: Queued.Add(c[2]); break;
            case "RPUSH": Of(Lists, c[1]).AddRange(c[2..]); break;
            case "LPUSH": Of(Lists, c[1]).InsertRange(0, Enumerable.Reverse(c[2..])); break;
            case "LPOP": Of(Lists, c[1]).RemoveRange(0, Math.Min(int.Parse(c[2], CultureInfo.InvariantCulture), Of(Lists, c[1]).Count)); break;
            case "LTRIM": Trim(Of(Lists, c[1]), int.Parse(c[2], CultureInfo.InvariantCulture)); break;
            case "LMOVE": Move(c[1], c[2]); break;
            case "SADD": Of(Sets, c[1]).UnionWith(c[2..]); break;
            case "SREM": Of(Sets, c[1]).ExceptWith(c[2..]); break;
            case "SMOVE": if (Of(Sets, c[1]).Remove(c[3])) Of(Sets, c[2]).Add(c[3]); break;
            case "SUNIONSTORE": Sets[c[1]] = [.. Of(Sets, c[2]).Union(Of(Sets, c[3]))]; Expiring.Remove(c[1]); break;
            case "ZADD": Of(SortedSets, c[1])[c[3]] = long.Parse(c[2], CultureInfo.InvariantCulture); break;
            case "ZREM": Of(SortedSets, c[1]).Remove(c[2]); break;
            case "ZINCRBY":
                Of(SortedSets, c[1])[c[3]] = Of(SortedSets, c[1]).GetValueOrDefault(c[3]) + long.Parse(c[2], CultureInfo.InvariantCulture); break;
            case "XADD": Of(Streams, c[1]).Add($"{c[2]} {c[3]} {c[4]}"); break;
            case "XTRIM": Trim(Of(Streams, c[1]), -int.Parse(c[3], CultureInfo.InvariantCulture)); break;
            case "DEL": Forget(c[1]); break;
            case "COPY": Copy(c[1], c[2]); break;
            case "RENAME":
                Copy(c[1], c[2]);
                Forget(c[1]);
                break;
            case "EXPIRE": if (Exists(c[1])) Expiring.Add(c[1]); break;
            default: throw new ArgumentException($"the model knows no {c[0]}");
        }
        // A stream may be empty and there.
        if (!Exists(c[1])) Expiring.Remove(c[1]);
    }

    public bool Exists(string key) => Strings.ContainsKey(key) || Hashes.GetValueOrDefault(key)?.Count > 0 || Lists.GetValueOrDefault(key)?.Count > 0
        || Sets.GetValueOrDefault(key)?.Count > 0 || SortedSets.GetValueOrDefault(key)?.Count > 0 || Streams.ContainsKey(key);

    void Forget(string key)
    {
        Strings.Remove(key);
        Hashes.Remove(key);
        Lists.Remove(key);
        Sets.Remove(key);
        SortedSets.Remove(key);
        Streams.Remove(key);
    }

    void Copy(string from, string to)
    {
        if (!Exists(from)) return;
        Forget(to);
        if (Strings.TryGetValue(from, out var text)) Strings[to] = text;
        if (Hashes.TryGetValue(from, out var hash)) Hashes[to] = new(hash, StringComparer.Ordinal);
        if (Lists.TryGetValue(from, out var list)) Lists[to] = [.. list];
        if (Sets.TryGetValue(from, out var set)) Sets[to] = new(set, StringComparer.Ordinal);
        if (SortedSets.TryGetValue(from, out var sorted)) SortedSets[to] = new(sorted);
        if (Expiring.Contains(from)) Expiring.Add(to);
        else Expiring.Remove(to);
    }

    void Move(string from, string to)
    {
        var source = Of(Lists, from);
        if (source.Count == 0) return;
        var moved = source[0];
        source.RemoveAt(0);
        Of(Lists, to).Add(moved);
    }

    // Keeps the last so many.
    static void Trim(List<string> list, int from) => list.RemoveRange(0, Math.Max(0, list.Count + from));

    static string Sum(string a, string b) =>
        (long.Parse(a, CultureInfo.InvariantCulture) + long.Parse(b, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);

    static T Of<T>(Dictionary<string, T> all, string key) where T : class, new()
    {
        if (all.TryGetValue(key, out var found)) return found;
        return all[key] = typeof(T) == typeof(SortedSet<string>) ? (T)(object)new SortedSet<string>(StringComparer.Ordinal)
            : typeof(T) == typeof(SortedDictionary<string, string>) ? (T)(object)new SortedDictionary<string, string>(StringComparer.Ordinal) : new T();
    }
}

static class RedisWorkload
{
    public const int Clients = 50;
    public const int Accounts = 20;
    public const int KeysOfAType = 3;
    public const string Queue = "queue";

    public static string Account(int number) => $"account:{number}";

    /// <summary>A key of a client's own.</summary>
    /// <param name="type">s, n (a number), h, l, t (a set), z or x (a stream).</param>
    public static string Key(int client, char type, int number) => $"c{client}:{type}{number}";

    /// <param name="number">From 0.</param>
    /// <param name="withStreams">False: the server has none.</param>
    public static RedisRequest Request(ulong seed, int client, long number, bool withStreams)
    {
        var random = new SeededRandom((seed * 1_000_003) + ((ulong)client * 0x9E3779B97F4A7C15) + (ulong)number);
        switch (random.Next(20))
        {
            case 0:
                var from = random.Next(Accounts);
                var amount = random.Next(1, 1000).ToString(CultureInfo.InvariantCulture);
                var to = (from + random.Next(1, Accounts)) % Accounts;
                return new([["INCRBY", Account(from), "-" + amount], ["INCRBY", Account(to), amount], ["INCRBY", Key(client, 'n', 0), "1"]], true);
            case 1:
                return new([.. Enumerable.Range(0, random.Next(2, 6)).Select(part => Single(random, client, number, part, withStreams))], true);
            case 2 when random.OneIn(2):
                return new([Added(random, client, out var renamed), ["RENAME", renamed, renamed[..^1] + ((renamed[^1] - '0' + 1) % KeysOfAType)]], true);
            case 2 when random.OneIn(2):
                return new([["RPUSH", Queue, $"{client}/{number}"]], false);
            default:
                return new([Single(random, client, number, 0, withStreams)], false);
        }
    }

    // What is renamed must be there.
    static string[] Added(SeededRandom random, int client, out string key)
    {
        var type = "hltz"[random.Next(4)];
        key = Key(client, type, random.Next(KeysOfAType));
        var name = "f" + random.Next(300).ToString(CultureInfo.InvariantCulture);
        return type switch
        {
            'h' => ["HSET", key, name, "v"],
            'l' => ["RPUSH", key, name],
            't' => ["SADD", key, name],
            _ => ["ZADD", key, "7", name],
        };
    }

    static string[] Single(SeededRandom random, int client, long number, int part, bool withStreams)
    {
        string K(char type) => Key(client, type, random.Next(KeysOfAType));
        string F() => "f" + random.Next(random.OneIn(2) ? 8 : 300).ToString(CultureInfo.InvariantCulture);
        string N(int max) => random.Next(1, max).ToString(CultureInfo.InvariantCulture);
        string V() => new((char)random.Next('a', 'z' + 1), random.OneIn(40) ? random.Next(5000) : random.Next(60));
        string[] Many(Func<string> next) => [.. Enumerable.Range(0, random.OneIn(10) ? 60 : random.Next(1, 5)).Select(_ => next())];
        switch (random.Next(withStreams ? 24 : 22))
        {
            case 0 or 1: return ["SET", K('s'), V()];
            case 2: return ["APPEND", K('s'), V()];
            case 3: return ["INCRBY", K('n'), N(100)];
            case 4 or 5:
                var fields = Many(F).Distinct().ToArray();
                return ["HSET", K('h'), .. fields.SelectMany(f => new[] { f, V() })];
            case 6: return ["HDEL", K('h'), .. Many(F)];
            case 7: return ["HINCRBY", K('h'), "count", N(100)];
            case 8: return ["RPUSH", K('l'), .. Many(V)];
            case 9: return ["LPUSH", K('l'), .. Many(V)];
            case 10: return ["LPOP", K('l'), N(6)];
            case 11: return ["LTRIM", K('l'), "-" + N(400), "-1"];
            case 12: return ["LMOVE", K('l'), K('l'), "LEFT", "RIGHT"];
            case 13 or 14: return ["SADD", K('t'), .. Many(F)];
            case 15: return ["SREM", K('t'), .. Many(F)];
            case 16: return random.OneIn(2) ? ["SMOVE", K('t'), K('t'), F()] : ["SUNIONSTORE", K('t'), K('t'), K('t')];
            case 17 or 18: return ["ZADD", K('z'), N(1000), F()];
            case 19: return random.OneIn(2) ? ["ZREM", K('z'), F()] : ["ZINCRBY", K('z'), N(50), F()];
            case 20: return ["DEL", K("shltz"[random.Next(5)])];
            case 21: return random.OneIn(2) ? ["EXPIRE", K("shltz"[random.Next(5)]), "864000"] : Copy("shltz"[random.Next(5)]);
            case 22: return ["XADD", Key(client, 'x', 0), $"{number + 1}-{part}", F(), V()];
            default: return ["XTRIM", Key(client, 'x', 0), "MAXLEN", N(300)];
        }

        string[] Copy(char type)
        {
            var from = random.Next(KeysOfAType);
            return ["COPY", Key(client, type, from), Key(client, type, (from + 1) % KeysOfAType), "REPLACE"];
        }
    }
}
