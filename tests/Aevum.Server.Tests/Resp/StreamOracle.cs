// StreamOracle: streams as plain lists, slow and easy to check by eye: what StreamRows is held against. Entries stay in the list of their node, marked, when
// they go; every question walks over all of it. Replies are text as ReplyText shows it. Written from what Redis documents and answers; of times it knows
// now and long ago.

using System.Globalization;
using System.Numerics;

namespace Aevum.Server.Tests.Resp;

sealed class StreamOracle(int nodeEntries)
{
    const string WrongType = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
    const string BadId = "(error) ERR Invalid stream ID specified as stream command argument";
    const string BadNumber = "(error) ERR value is not an integer or out of range";
    static readonly BigInteger Top = (BigInteger.One << 128) - 1;

    sealed class Entry(BigInteger id, string[] fields)
    {
        public BigInteger Id => id;
        public string[] Fields => fields;
        public bool IsGone;
        public string Text => $"[{Show(id)}, [{string.Join(", ", fields)}]]";
    }

    sealed record Pending(string Consumer, bool IsOld, long Deliveries);

    sealed class Group
    {
        public BigInteger Last;
        public long? Read;
        public SortedSet<string> Consumers = new(StringComparer.Ordinal);
        public SortedDictionary<BigInteger, Pending> Pending = [];
    }

    sealed class Stream
    {
        public List<List<Entry>> Nodes = [];
        public BigInteger Last, MaxDeleted;
        public long Added;
        public SortedDictionary<string, Group> Groups = new(StringComparer.Ordinal);
        public List<Entry> Live => [.. Nodes.SelectMany(n => n).Where(e => !e.IsGone)];
        public BigInteger First => Live.Select(e => e.Id).FirstOrDefault();
    }

    readonly Dictionary<string, Stream> _streams = [];

    sealed class Refused(string reply) : Exception(reply);

    /// <summary>The reply; null: it depends on what this does not know (times).</summary>
    public string Ask(string[] words)
    {
        try
        {
            return words[0] switch
            {
                "XADD" => Add(words),
                "XLEN" => $"{Find(words[1])?.Live.Count ?? 0}",
                "XRANGE" => Range(words, isReverse: false),
                "XREVRANGE" => Range(words, isReverse: true),
                "XDEL" => Delete(words),
                "XTRIM" => Trim(words),
                "XREAD" => Read(words),
                "XREADGROUP" => ReadGroup(words),
                "XGROUP" => GroupOf(words),
                "XACK" => Acknowledge(words),
                "XPENDING" => PendingOf(words),
                "XCLAIM" => Claim(words),
                "XAUTOCLAIM" => AutoClaim(words),
                "XINFO" => Info(words),
                "XSETID" => SetId(words),
                "DEL" => _streams.Remove(words[1]) ? "1" : "0",
                "RENAME" => Rename(words),
                _ => throw new NotSupportedException(words[0]),
            };
        }
        catch (Refused refused)
        {
            return refused.Message;
        }
    }

    // ------------------------------------------------------------------------------------------------ words

    static string Show(BigInteger id) => $"{id >> 64}-{id & ulong.MaxValue}";

    static BigInteger IdOf(string text, bool isEnd = false)
    {
        var parts = text.Split('-', 2);
        if (!ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var time)) throw new Refused(BadId);
        var sequence = isEnd ? ulong.MaxValue : 0;
        if (parts.Length == 2 && !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out sequence)) throw new Refused(BadId);
        return ((BigInteger)time << 64) + sequence;
    }

    static BigInteger From(string text)
    {
        if (text[0] != '(') return text == "-" ? 0 : text == "+" ? Top : IdOf(text);
        var id = IdOf(text[1..]) + 1;
        return id > Top ? throw new Refused("(error) ERR invalid start ID for the interval") : id;
    }

    static BigInteger To(string text)
    {
        if (text[0] != '(') return text == "-" ? 0 : text == "+" ? Top : IdOf(text, isEnd: true);
        var id = IdOf(text[1..], isEnd: true) - 1;
        return id < 0 ? throw new Refused("(error) ERR invalid end ID for the interval") : id;
    }

    static long Number(string text, string error = BadNumber) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw new Refused(error);

    static string List(IEnumerable<string> parts) => $"[{string.Join(", ", parts)}]";

    Stream? Find(string key) => key == "text" ? throw new Refused(WrongType) : _streams.GetValueOrDefault(key);

    Group FindGroup(string key, string name, string where = "") => Find(key)?.Groups.GetValueOrDefault(name)
        ?? throw new Refused($"(error) NOGROUP No such key '{key}' or consumer group '{name}'{where}");

    // ------------------------------------------------------------------------------------------------ entries

    string Add(string[] words)
    {
        var at = 2;
        var mustExist = words[at] == "NOMKSTREAM";
        if (mustExist) at++;
        var bounds = Bounds(words, ref at);
        var text = words[at++];
        var anySequence = text.EndsWith("-*", StringComparison.Ordinal);
        var asked = IdOf(anySequence ? text[..^2] : text);
        bounds.Check(isNeeded: false);
        if (asked == 0 && !anySequence) return "(error) ERR The ID specified in XADD must be greater than 0-0";
        var stream = Find(words[1]);
        if (stream is null && mustExist) return "(nil)";
        stream ??= _streams[words[1]] = new Stream();
        if (stream.Last == Top) return "(error) ERR The stream has exhausted the last possible ID, unable to add more items";
        if (anySequence && asked >> 64 == stream.Last >> 64) asked = stream.Last + 1;
        if (asked <= stream.Last) return "(error) ERR The ID specified in XADD is equal or smaller than the target stream top item";
        if (stream.Nodes.Count == 0 || stream.Nodes[^1].Count >= nodeEntries) stream.Nodes.Add([]);
        stream.Nodes[^1].Add(new Entry(asked, words[at..]));
        stream.Last = asked;
        stream.Added++;
        Trim(stream, bounds);
        return Show(asked);
    }

    record struct Bound(bool ByLength, bool ById, bool IsApproximate, long Length, BigInteger Id, long? Limit)
    {
        public readonly void Check(bool isNeeded)
        {
            if (Limit > 0 && !ByLength && !ById) throw new Refused("(error) ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
            if (isNeeded && !ByLength && !ById) throw new Refused("(error) ERR syntax error, XTRIM must be called with a trimming strategy");
            if (Limit is not null && !IsApproximate) throw new Refused("(error) ERR syntax error, LIMIT cannot be used without the special ~ option");
        }
    }

    static Bound Bounds(string[] words, ref int at)
    {
        var bound = default(Bound);
        if (at < words.Length && words[at] is ("MAXLEN" or "MINID"))
        {
            bound.ByLength = words[at] == "MAXLEN";
            bound.ById = !bound.ByLength;
            at++;
            bound.IsApproximate = words[at] == "~";
            if (words[at] is "~" or "=") at++;
            if (bound.ByLength) bound.Length = Number(words[at++]);
            else bound.Id = IdOf(words[at++]);
        }
        if (at >= words.Length || words[at] != "LIMIT") return bound;
        bound.Limit = Number(words[at + 1]);
        at += 2;
        return bound;
    }

    string Trim(string[] words)
    {
        var at = 2;
        var bounds = Bounds(words, ref at);
        bounds.Check(isNeeded: true);
        return Find(words[1]) is { } stream ? $"{Trim(stream, bounds)}" : "0";
    }

    long Trim(Stream stream, Bound bound)
    {
        if (!bound.ByLength && !bound.ById) return 0;
        var limit = !bound.IsApproximate ? 0 : bound.Limit ?? 100 * nodeEntries;
        var gone = 0L;
        while (stream.Nodes.Count > 0)
        {
            var length = stream.Live.Count;
            if (bound.ByLength && length <= bound.Length) break;
            var node = stream.Nodes[0];
            var live = node.Count(e => !e.IsGone);
            if (limit > 0 && gone + live > limit) break;
            if (bound.ByLength ? length - live >= bound.Length : node[^1].Id < bound.Id)
            {
                stream.Nodes.RemoveAt(0);
                gone += live;
                continue;
            }
            if (bound.IsApproximate) break;
            foreach (var entry in node)
            {
                if (bound.ByLength ? length <= bound.Length : entry.Id >= bound.Id) break;
                if (entry.IsGone) continue;
                entry.IsGone = true;
                length--;
                gone++;
            }
            break;
        }
        return gone;
    }

    string Delete(string[] words)
    {
        if (Find(words[1]) is not { } stream) return "0";
        var gone = 0;
        foreach (var id in words[2..].Select(w => IdOf(w)).ToArray())
        {
            if (stream.Live.Find(e => e.Id == id) is not { } entry) continue;
            entry.IsGone = true;
            gone++;
            stream.MaxDeleted = BigInteger.Max(stream.MaxDeleted, id);
            stream.Nodes.RemoveAll(n => n.Contains(entry) && n.All(e => e.IsGone));
        }
        return $"{gone}";
    }

    static long? CountIn(string[] words)
    {
        var at = Array.LastIndexOf(words, "COUNT");
        return at < 0 || at + 1 == words.Length ? null : Number(words[at + 1]);
    }

    string Range(string[] words, bool isReverse)
    {
        var (from, to) = (From(words[isReverse ? 3 : 2]), To(words[isReverse ? 2 : 3]));
        var count = CountIn(words);
        if (Find(words[1]) is not { } stream) return "[]";
        if (count <= 0) return "(nil)";
        var found = stream.Live.Where(e => e.Id >= from && e.Id <= to);
        if (isReverse) found = found.Reverse();
        return List(found.Take((int)(count ?? int.MaxValue)).Select(e => e.Text));
    }

    string SetId(string[] words)
    {
        var id = IdOf(words[2]);
        long? added = null;
        BigInteger deleted = 0;
        for (var i = 3; i < words.Length; i += 2)
        {
            if (words[i] == "ENTRIESADDED")
            {
                added = Number(words[i + 1]);
                if (added < 0) return "(error) ERR entries_added must be positive";
                continue;
            }
            deleted = IdOf(words[i + 1]);
            if (id < deleted) return "(error) ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
        }
        if (Find(words[1]) is not { } stream) return "(error) ERR no such key";
        if (stream.Live.Exists(e => e.Id > id)) return "(error) ERR The ID specified in XSETID is smaller than the target stream top item";
        if (added < stream.Live.Count) return "(error) ERR The entries_added specified in XSETID is smaller than the target stream length";
        stream.Last = id;
        stream.Added = added ?? stream.Added;
        if (deleted != 0) stream.MaxDeleted = deleted;
        return "OK";
    }

    string Rename(string[] words)
    {
        if (!_streams.TryGetValue(words[1], out var stream)) return "(error) ERR no such key";
        _streams.Remove(words[1]);
        _streams[words[2]] = stream;
        return "OK";
    }

    // ------------------------------------------------------------------------------------------------ reading

    static string[] KeysOf(string[] words, out string[] ids)
    {
        var rest = words[(Array.IndexOf(words, "STREAMS") + 1)..];
        ids = rest[(rest.Length / 2)..];
        return rest[..(rest.Length / 2)];
    }

    static int CountOf(string[] words) => CountIn(words[..Array.IndexOf(words, "STREAMS")]) is > 0 and var count ? (int)count : int.MaxValue;

    string Read(string[] words)
    {
        var keys = KeysOf(words, out var ids);
        var from = new BigInteger[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            var stream = Find(keys[i]);
            if (ids[i] == ">")
                return "(error) ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";
            from[i] = ids[i] == "$" ? stream?.Last ?? 0 : IdOf(ids[i]);
        }
        var parts = new List<string>();
        for (var i = 0; i < keys.Length; i++)
        {
            var some = Find(keys[i])?.Live.Where(e => e.Id > from[i]).Take(CountOf(words)).ToList();
            if (some?.Count > 0) parts.Add($"[{keys[i]}, {List(some.Select(e => e.Text))}]");
        }
        return parts.Count == 0 ? "(nil)" : List(parts);
    }

    string ReadGroup(string[] words)
    {
        var keys = KeysOf(words, out var ids);
        var (name, consumer) = (words[2], words[3]);
        var from = new BigInteger?[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            FindGroup(keys[i], name, " in XREADGROUP with GROUP option");
            if (ids[i] == "$")
                return "(error) ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer "
                    + "by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";
            if (ids[i] != ">") from[i] = IdOf(ids[i]);
            if (from[i] == Top) from[i] = null;
        }
        var parts = new List<string>();
        for (var i = 0; i < keys.Length; i++)
        {
            var stream = _streams[keys[i]];
            var group = stream.Groups[name];
            if (from[i] is { } id) parts.Add($"[{keys[i]}, {History(stream, group, consumer, id, CountOf(words))}]");
            else if (stream.Live.Exists(e => e.Id > group.Last))
                parts.Add($"[{keys[i]}, {Deliver(stream, group, consumer, CountOf(words), words.Contains("NOACK"))}]");
        }
        return parts.Count == 0 ? "(nil)" : List(parts);
    }

    static string History(Stream stream, Group group, string consumer, BigInteger after, int count)
    {
        group.Consumers.Add(consumer);
        var parts = new List<string>();
        foreach (var (id, pending) in group.Pending.Where(p => p.Key > after && p.Value.Consumer == consumer).Take(count).ToArray())
        {
            var entry = stream.Live.Find(e => e.Id == id);
            parts.Add(entry?.Text ?? $"[{Show(id)}, (nil)]");
            if (entry is not null) group.Pending[id] = pending with { IsOld = false, Deliveries = pending.Deliveries + 1 };
        }
        return List(parts);
    }

    static string Deliver(Stream stream, Group group, string consumer, int count, bool isAcknowledged)
    {
        group.Consumers.Add(consumer);
        var some = stream.Live.Where(e => e.Id > group.Last).Take(count).ToArray();
        foreach (var entry in some)
        {
            group.Read = group.Read is { } read && !HasTombstones(stream, entry.Id) ? read + 1 : stream.Added > 0 ? UpTo(stream, entry.Id) : group.Read;
            group.Last = entry.Id;
            if (!isAcknowledged) group.Pending[entry.Id] = new Pending(consumer, IsOld: false, 1);
        }
        return List(some.Select(e => e.Text));
    }

    static bool HasTombstones(Stream stream, BigInteger from) =>
        stream.Live.Count > 0 && stream.MaxDeleted > 0 && stream.First <= stream.MaxDeleted && from <= stream.MaxDeleted;

    // How many were added up to an id, as far as the counts alone tell it.
    static long? UpTo(Stream stream, BigInteger id)
    {
        var length = stream.Live.Count;
        if (stream.Added == 0) return 0;
        if (length == 0 && id <= stream.Last) return stream.Added;
        if (id >= stream.Last) return id == stream.Last ? stream.Added : null;
        if (stream.MaxDeleted != 0 && stream.MaxDeleted >= stream.First) return null;
        return id < stream.First ? stream.Added - length : id == stream.First ? stream.Added - length + 1 : null;
    }

    // ------------------------------------------------------------------------------------------------ groups

    string GroupOf(string[] words)
    {
        long? read = null;
        var mayMake = words.Contains("MKSTREAM");
        if (Array.IndexOf(words, "ENTRIESREAD") is > 0 and var at)
        {
            read = Number(words[at + 1]);
            if (read < -1) return "(error) ERR value for ENTRIESREAD must be positive or -1";
            if (read == -1) read = null;
        }
        var (key, name) = (words[2], words[3]);
        var stream = Find(key);
        if (stream is null && !mayMake)
            return "(error) ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
                + "to create an empty stream automatically.";
        var group = stream?.Groups.GetValueOrDefault(name);
        if (group is null && words[1] is not ("CREATE" or "DESTROY"))
            return $"(error) NOGROUP No such consumer group '{name}' for key name '{key}'";
        switch (words[1])
        {
            case "CREATE":
                var last = words[4] == "$" ? stream?.Last ?? 0 : IdOf(words[4]);
                stream ??= _streams[key] = new Stream();
                if (group is not null) return "(error) BUSYGROUP Consumer Group name already exists";
                stream.Groups[name] = new Group { Last = last, Read = read };
                return "OK";
            case "SETID":
                group!.Last = words[4] switch { "$" => stream!.Last, "-" => 0, "+" => Top, var text => IdOf(text) };
                group.Read = read;
                return "OK";
            case "DESTROY":
                return stream!.Groups.Remove(name) ? "1" : "0";
            case "CREATECONSUMER":
                return group!.Consumers.Add(words[4]) ? "1" : "0";
            default:
                group!.Consumers.Remove(words[4]);
                var his = group.Pending.Where(p => p.Value.Consumer == words[4]).Select(p => p.Key).ToArray();
                foreach (var id in his) group.Pending.Remove(id);
                return $"{his.Length}";
        }
    }

    string Acknowledge(string[] words)
    {
        if (Find(words[1])?.Groups.GetValueOrDefault(words[2]) is not { } group) return "0";
        return $"{words[3..].Select(w => IdOf(w)).ToArray().Count(group.Pending.Remove)}";
    }

    string PendingOf(string[] words)
    {
        var at = words.Length > 3 && words[3] == "IDLE" ? 5 : 3;
        long count = 0;
        BigInteger from = 0, to = 0;
        if (words.Length > 3)
        {
            count = Number(words[at + 2]);
            (from, to) = (From(words[at]), To(words[at + 1]));
        }
        var group = FindGroup(words[1], words[2]);
        if (words.Length == 3)
        {
            if (group.Pending.Count == 0) return "[0, (nil), (nil), (nil)]";
            var consumers = group.Pending.Values.GroupBy(p => p.Consumer).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"[{g.Key}, {g.Count()}]");
            return $"[{group.Pending.Count}, {Show(group.Pending.Keys.First())}, {Show(group.Pending.Keys.Last())}, {List(consumers)}]";
        }
        var consumer = words.Length > at + 3 ? words[at + 3] : null;
        return List(group.Pending.Where(p => p.Key >= from && p.Key <= to && (consumer is null || p.Value.Consumer == consumer) && (at == 3 || p.Value.IsOld))
            .Take((int)Math.Max(0, count)).Select(p => $"[{Show(p.Key)}, {p.Value.Consumer}, {(p.Value.IsOld ? "old" : "now")}, {p.Value.Deliveries}]"));
    }

    string Claim(string[] words)
    {
        var group = FindGroup(words[1], words[2]);
        var idle = Number(words[4], "(error) ERR Invalid min-idle-time argument for XCLAIM");
        var at = 5;
        var ids = new List<BigInteger>();
        for (; at < words.Length && char.IsAsciiDigit(words[at].FirstOrDefault()); at++) ids.Add(IdOf(words[at]));
        bool isOld = false, isForced = false, onlyIds = false;
        long? retries = null;
        BigInteger last = 0;
        for (; at < words.Length; at++)
        {
            switch (words[at])
            {
                case "FORCE":
                    isForced = true;
                    break;
                case "JUSTID":
                    onlyIds = true;
                    break;
                case "TIME" or "IDLE":
                    isOld = true;
                    at++;
                    break;
                case "RETRYCOUNT":
                    retries = Number(words[++at]);
                    break;
                case "LASTID":
                    last = IdOf(words[++at]);
                    break;
                default:
                    return $"(error) ERR Unrecognized XCLAIM option '{words[at]}'";
            }
        }
        group.Last = BigInteger.Max(group.Last, last);
        var live = _streams[words[1]].Live;
        var parts = new List<string>();
        foreach (var id in ids)
        {
            var pending = group.Pending.GetValueOrDefault(id);
            if (live.Find(e => e.Id == id) is not { } entry)
            {
                group.Pending.Remove(id);
                continue;
            }
            if (pending is null ? !isForced : idle > 0 && !pending.IsOld) continue;
            group.Consumers.Add(words[3]);
            group.Pending[id] = new Pending(words[3], isOld, retries ?? ((pending?.Deliveries ?? 1) + (onlyIds ? 0 : 1)));
            parts.Add(onlyIds ? Show(id) : entry.Text);
        }
        return List(parts);
    }

    string AutoClaim(string[] words)
    {
        var idle = Number(words[4], "(error) ERR Invalid min-idle-time argument for XAUTOCLAIM");
        var from = From(words[5]);
        var count = CountIn(words) ?? 100;
        if (count < 1) return "(error) ERR COUNT must be > 0";
        var onlyIds = words.Contains("JUSTID");
        var group = FindGroup(words[1], words[2]);
        var live = _streams[words[1]].Live;
        var looks = 10 * count;
        var (claimed, gone, next) = (new List<string>(), new List<string>(), BigInteger.Zero);
        foreach (var (id, pending) in group.Pending.Where(p => p.Key >= from).ToArray())
        {
            if (looks-- == 0 || claimed.Count + gone.Count == count)
            {
                next = id;
                break;
            }
            if (live.Find(e => e.Id == id) is not { } entry)
            {
                group.Pending.Remove(id);
                gone.Add(Show(id));
            }
            else if (idle <= 0 || pending.IsOld)
            {
                group.Consumers.Add(words[3]);
                group.Pending[id] = new Pending(words[3], IsOld: false, pending.Deliveries + (onlyIds ? 0 : 1));
                claimed.Add(onlyIds ? Show(id) : entry.Text);
            }
        }
        return $"[{Show(next)}, {List(claimed)}, {List(gone)}]";
    }

    // ------------------------------------------------------------------------------------------------ what is told

    string Info(string[] words)
    {
        var count = words[1] == "STREAM" && words.Length == 6 ? Number(words[5]) : 10;
        if (Find(words[2]) is not { } stream) return "(error) ERR no such key";
        if (count < 0) count = 10;
        var max = count == 0 ? int.MaxValue : (int)count;
        return words[1] switch
        {
            "GROUPS" => List(stream.Groups.Select(g =>
                $"[name, {g.Key}, consumers, {g.Value.Consumers.Count}, pending, {g.Value.Pending.Count}, last-delivered-id, {Show(g.Value.Last)}, "
                + $"{Progress(stream, g.Value)}]")),
            "CONSUMERS" => stream.Groups.GetValueOrDefault(words[3]) is { } group
                ? List(group.Consumers.Select(c => $"[name, {c}, pending, {group.Pending.Values.Count(p => p.Consumer == c)}, idle, *]"))
                : $"(error) NOGROUP No such consumer group '{words[3]}' for key name '{words[2]}'",
            _ => $"[{State(stream)}, {(words.Length == 3 ? Ends(stream) : Full(stream, max))}]",
        };
    }

    static string State(Stream stream) =>
        $"length, {stream.Live.Count}, radix-tree-keys, {stream.Nodes.Count}, radix-tree-nodes, *, last-generated-id, {Show(stream.Last)}, "
        + $"max-deleted-entry-id, {Show(stream.MaxDeleted)}, entries-added, {stream.Added}, recorded-first-entry-id, {Show(stream.First)}";

    static string Ends(Stream stream) =>
        $"groups, {stream.Groups.Count}, first-entry, {stream.Live.FirstOrDefault()?.Text ?? "(nil)"}, "
        + $"last-entry, {stream.Live.LastOrDefault()?.Text ?? "(nil)"}";

    static string Progress(Stream stream, Group group)
    {
        var lag = stream.Added == 0 ? 0
            : group.Read is { } read && !HasTombstones(stream, group.Last) ? stream.Added - read : stream.Added - UpTo(stream, group.Last);
        return $"entries-read, {group.Read?.ToString(CultureInfo.InvariantCulture) ?? "(nil)"}, lag, {lag?.ToString(CultureInfo.InvariantCulture) ?? "(nil)"}";
    }

    static string Full(Stream stream, int max) => $"entries, {List(stream.Live.Take(max).Select(e => e.Text))}, groups, "
        + List(stream.Groups.Select(g => $"[name, {g.Key}, last-delivered-id, {Show(g.Value.Last)}, {Progress(stream, g.Value)}, "
            + $"pel-count, {g.Value.Pending.Count}, "
            + $"pending, {List(g.Value.Pending.Take(max).Select(p => $"[{Show(p.Key)}, {p.Value.Consumer}, *, {p.Value.Deliveries}]"))}, "
            + $"consumers, {List(g.Value.Consumers.Select(c => Consumer(g.Value, c, max)))}]"));

    static string Consumer(Group group, string name, int max)
    {
        var his = group.Pending.Where(p => p.Value.Consumer == name).ToArray();
        return $"[name, {name}, seen-time, *, pel-count, {his.Length}, "
            + $"pending, {List(his.Take(max).Select(p => $"[{Show(p.Key)}, *, {p.Value.Deliveries}]"))}]";
    }
}
