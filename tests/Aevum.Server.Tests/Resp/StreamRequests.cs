// StreamRequests: random requests about a few streams, groups and consumers, all ids given, so that whoever answers them rightly answers the same. Times
// are long ago or now: pending entries delivered long ago are idle for a million milliseconds, others are not.

using Aevum.Core.Scheduling;

namespace Aevum.Server.Tests.Resp;

sealed class StreamRequests(SeededRandom random)
{
    readonly Dictionary<string, ulong> _tops = [];

    string Key => random.OneIn(20) ? "nothing" : random.OneIn(40) ? "text" : $"s{random.Next(3)}";

    string Group => random.OneIn(25) ? "none" : $"g{random.Next(3)}";

    string Consumer => random.OneIn(30) ? "" : $"c{random.Next(4)}";

    string Field => $"f{random.Next(2)}";

    string Value => random.Next(6) switch
    {
        0 => $"{random.Next(-200_000, 200_000)}",
        1 => new string('v', random.Next(200)),
        2 => "",
        3 => random.OneIn(12) ? new string('w', random.Next(5000)) : "x",
        _ => $"value {random.Next(9)}",
    };

    public string[] Next() => random.Next(100) switch
    {
        < 26 => Add(),
        < 32 => Read(),
        < 36 => Delete(),
        < 40 => Trim(),
        < 46 => Range(),
        < 52 => ["XGROUP", .. GroupRequest()],
        < 69 => ReadGroup(),
        < 76 => ["XACK", Key, Group, .. Ids()],
        < 82 => Pending(),
        < 87 => Claim(),
        < 92 => AutoClaim(),
        < 97 => Info(),
        97 => ["XSETID", Key, Top(random.OneIn(2)), .. random.OneIn(2) ? (string[])["ENTRIESADDED", $"{random.Next(-1, 300)}"] : [],
            .. random.OneIn(3) ? (string[])["MAXDELETEDID", Id()] : []],
        98 => ["DEL", $"s{random.Next(3)}"],
        _ => random.OneIn(2) ? ["RENAME", $"s{random.Next(3)}", $"s{random.Next(3)}"] : ["XLEN", Key],
    };

    // An id among those that are likely there.
    string Id() => random.Next(30) switch
    {
        0 => "0",
        1 => "bad",
        2 => "18446744073709551615-18446744073709551615",
        3 => $"{random.Next(200)}-{random.Next(3)}",
        _ => $"{random.Next(400)}",
    };

    string[] Ids() => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Id())];

    string End(bool isLow) => random.Next(6) switch
    {
        0 or 1 => isLow ? "-" : "+",
        2 => "(" + Id(),
        _ => Id(),
    };

    string Top(bool isAbove)
    {
        var top = _tops.Values.DefaultIfEmpty(1UL).Max();
        return isAbove ? $"{top + 5}" : $"{top / 2}";
    }

    string[] Add()
    {
        var key = Key;
        var top = _tops.GetValueOrDefault(key);
        var id = random.Next(12) switch
        {
            0 => $"{top}-*",
            1 => $"{random.Next(100)}",
            2 => $"{top}-{random.Next(1, 4)}",
            _ => $"{top + 1}",
        };
        _tops[key] = Math.Min(top + 1, 390);
        if (top >= 390 && random.OneIn(10)) _tops[key] = 0;
        return ["XADD", key, .. random.OneIn(8) ? (string[])["NOMKSTREAM"] : [], .. random.OneIn(6) ? Bounds() : [], id,
            .. Enumerable.Range(0, random.OneIn(4) ? 2 : 1).SelectMany(_ => (string[])[Field, Value])];
    }

    string[] Bounds()
    {
        var how = random.Next(3) switch { 0 => (string[])["~"], 1 => ["="], _ => [] };
        var limit = how is ["~"] ? random.OneIn(3) : random.OneIn(20);
        return [.. random.OneIn(2) ? (string[])["MAXLEN", .. how, $"{random.Next(150)}"] : ["MINID", .. how, Id()],
            .. limit ? (string[])["LIMIT", $"{random.Next(40)}"] : []];
    }

    string[] Count() => random.OneIn(2) ? [] : ["COUNT", $"{random.Next(-1, 8)}"];

    string[] Trim() => ["XTRIM", Key, .. Bounds()];

    string[] Delete() => ["XDEL", Key, .. Ids(), .. Ids()];

    string[] Range() => random.OneIn(2)
        ? ["XRANGE", Key, End(isLow: true), End(isLow: false), .. Count()]
        : ["XREVRANGE", Key, End(isLow: false), End(isLow: true), .. Count()];

    string[] Read()
    {
        var keys = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Key).ToArray();
        return ["XREAD", .. Count(), "STREAMS", .. keys, .. keys.Select(_ => random.OneIn(8) ? "$" : random.OneIn(30) ? ">" : Id())];
    }

    string[] ReadGroup()
    {
        var keys = Enumerable.Range(0, random.OneIn(5) ? 2 : 1).Select(_ => Key).ToArray();
        return ["XREADGROUP", "GROUP", Group, Consumer, .. Count(), .. random.OneIn(8) ? (string[])["NOACK"] : [], "STREAMS", .. keys,
            .. keys.Select(_ => random.OneIn(4) ? Id() : random.OneIn(40) ? "$" : ">")];
    }

    string[] GroupRequest() => random.Next(10) switch
    {
        < 4 => ["CREATE", Key, Group, random.OneIn(3) ? "$" : Id(), .. random.OneIn(2) ? (string[])["MKSTREAM"] : [], .. EntriesRead()],
        4 => ["SETID", Key, Group, random.OneIn(3) ? "$" : End(isLow: true), .. EntriesRead()],
        5 => ["DESTROY", Key, Group],
        6 or 7 => ["CREATECONSUMER", Key, Group, Consumer],
        _ => ["DELCONSUMER", Key, Group, Consumer],
    };

    string[] EntriesRead() => random.OneIn(3) ? ["ENTRIESREAD", $"{random.Next(-2, 60)}"] : [];

    string[] Pending() => random.Next(4) switch
    {
        0 => ["XPENDING", Key, Group],
        _ => ["XPENDING", Key, Group, .. random.OneIn(3) ? (string[])["IDLE", "1000000"] : [], End(isLow: true), End(isLow: false), $"{random.Next(-1, 12)}",
            .. random.OneIn(2) ? (string[])[Consumer] : []],
    };

    string IdleMin => random.OneIn(2) ? "0" : random.OneIn(20) ? "x" : "1000000";

    string[] Claim() => ["XCLAIM", Key, Group, Consumer, IdleMin, .. Ids(), .. Ids(),
        .. random.Next(3) switch { 0 => (string[])["TIME", "1000"], 1 => ["IDLE", "5000000"], _ => [] },
        .. random.OneIn(4) ? (string[])["RETRYCOUNT", $"{random.Next(9)}"] : [], .. random.OneIn(3) ? (string[])["FORCE"] : [],
        .. random.OneIn(3) ? (string[])["JUSTID"] : [], .. random.OneIn(10) ? (string[])["LASTID", Id()] : [], .. random.OneIn(60) ? (string[])["WHAT"] : []];

    string[] AutoClaim() => ["XAUTOCLAIM", Key, Group, Consumer, IdleMin, random.OneIn(2) ? "-" : End(isLow: true),
        .. random.OneIn(2) ? (string[])["COUNT", $"{random.Next(6)}"] : [],
        .. random.OneIn(3) ? (string[])["JUSTID"] : []];

    string[] Info() => random.Next(4) switch
    {
        0 => ["XINFO", "STREAM", Key],
        1 => ["XINFO", "STREAM", Key, "FULL", .. Count()],
        2 => ["XINFO", "GROUPS", Key],
        _ => ["XINFO", "CONSUMERS", Key, Group],
    };
}
