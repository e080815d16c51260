// RespSettings, those that clients ask for though this server has no such thing: what they stand at says how it is with Aevum in Redis' terms. Each
// says why setting it changes nothing, or why it cannot be set.

namespace Aevum.Server.Resp.Settings;

sealed partial class RespSettings
{
    static Setting[] Told(RespOptions options) =>
    [
        // Durability: every write that was answered is in the log, and how far that goes says sync.
        new YesNoSetting("appendonly", true, Tells, "Every write that was answered is in the log.")
        {
            WhyNotOther = "every write that was answered is in the log, which cannot be switched off",
        },
        new ChoiceSetting("appendfsync", "everysec", ["everysec", "always", "no"], Kept, "When the log reaches the disk says the option sync of the server."),
        Text("save", "", "There are no snapshot files: tables are written as memory fills.", CheckSave),
        YesNo("aof-use-rdb-preamble", true, "There is no append-only file; the log has its own form."),
        YesNo("aof-load-truncated", true, "A torn end of the log is told and cut."),
        YesNo("no-appendfsync-on-rewrite", false, "The log is not rewritten."),
        Number("auto-aof-rewrite-percentage", 100, "The log is not rewritten: segments go when tables hold what they hold."),
        Number("auto-aof-rewrite-min-size", 64 << 20, "As auto-aof-rewrite-percentage.", isBytes: true),
        Fixed("appendfilename", "appendonly.aof", "There is no append-only file."),
        Fixed("appenddirname", "appendonlydir", "There is no append-only file."),
        Protected("dbfilename", "dump.rdb", "There are no snapshot files."),
        YesNo("rdbcompression", true, "There are no snapshot files."),
        Fixed("rdbchecksum", "yes", "There are no snapshot files; everything on disk has checksums."),
        new NumberSetting("rdb-key-save-delay", 0, int.MinValue, int.MaxValue, Kept, "There are no snapshot files.") { IsHidden = true },
        new NumberSetting("key-load-delay", 0, int.MinValue, int.MaxValue, Kept, "Nothing is loaded at the start.") { IsHidden = true },
        YesNo("rdb-save-incremental-fsync", true, "There are no snapshot files."),
        YesNo("aof-rewrite-incremental-fsync", true, "The log is not rewritten."),
        YesNo("stop-writes-on-bgsave-error", true, "Writes stop when the disk refuses them, and say so."),
        new ChoiceSetting("sanitize-dump-payload", "clients", ["no", "yes", "clients"], Kept, "RESTORE checks everything it is given."),

        // Memory: values live on disk, so none is ever evicted.
        new ChoiceSetting("maxmemory-policy", "noeviction",
            ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"], Kept,
            "Nothing is evicted."),
        Number("maxmemory-samples", 5, "Nothing is evicted.", min: 1),
        Number("maxmemory-eviction-tenacity", 10, "Nothing is evicted.", max: 100),
        Number("lfu-log-factor", 10, "Nothing is evicted."), Number("lfu-decay-time", 1, "Nothing is evicted."),
        Number("active-expire-effort", 1, "What has expired is gone at its time, and its space is given back by compaction.", min: 1, max: 10),
        YesNo("lazyfree-lazy-eviction", false, "Deleting takes a constant time in any case."),
        YesNo("lazyfree-lazy-expire", false, "Deleting takes a constant time in any case."),
        YesNo("lazyfree-lazy-server-del", false, "Deleting takes a constant time in any case."),
        YesNo("lazyfree-lazy-user-del", false, "Deleting takes a constant time in any case."),
        YesNo("lazyfree-lazy-user-flush", false, "Deleting takes a constant time in any case."),
        YesNo("activedefrag", false, "Memory is not fragmented by values."), YesNo("activerehashing", true, "There are no hash tables of keys."),

        // Shapes that are not told of.
        Number("list-compress-depth", 0, "Lists are not compressed by themselves: tables are."),
        Number("hll-sparse-max-bytes", 3000, "Bytes up to which a HyperLogLog is kept in its sparse form.", isBytes: true),

        // The process.
        Number("tcp-keepalive", 300, "The operating system's own times for dead connections hold."),
        FixedNumber("tcp-backlog", 511, "Connections that wait to be taken are bounded by the operating system."),
        Number("hz", 10, "There is no periodic work of that kind."), YesNo("dynamic-hz", true, "There is no periodic work of that kind."),
        new ChoiceSetting("loglevel", "notice", ["debug", "verbose", "notice", "warning"], Kept, "What is logged says the server's own configuration."),
        Fixed("logfile", "", "Where is logged says the server's own configuration."),
        Fixed("daemonize", "no", "The server stays in the foreground."), Fixed("supervised", "no", "Readiness is told where systemd asks for it."),
        Fixed("pidfile", "", "There is none."), Fixed("unixsocket", "", "There is none."), FixedNumber("unixsocketperm", 0, "There is none."),
        FixedNumber("io-threads", options.Threads, "Threads that serve clients."), Fixed("io-threads-do-reads", "yes", "They read as well."),
        YesNo("protected-mode", false, "The server listens on this machine alone unless told otherwise."),
        Fixed("enable-protected-configs", "no", "They are never set by clients."), Fixed("enable-module-command", "no", "There are no modules."),
        Fixed("aclfile", "", "Users are in the catalog of the database."),
        YesNo("crash-log-enabled", true, "The runtime tells of crashes."),
        new TextSetting("latency-tracking-info-percentiles", "50 99 99.9", Kept, "INFO latencystats tells these three.", CheckPercentiles),
        FixedNumber("tls-port", 0, "TLS has an address of its own in the server's own configuration."),

        // Replication and cluster: not yet.
        Fixed("cluster-enabled", "no", "There is no cluster yet."), Fixed("replicaof", "", "There is no replication yet.", "slaveof"),
        YesNo("replica-serve-stale-data", true, "There is no replication yet.", "slave-serve-stale-data"),
        YesNo("replica-read-only", true, "There is no replication yet.", "slave-read-only"),
        Number("replica-priority", 100, "There is no replication yet.", alias: "slave-priority"),
        Number("min-replicas-max-lag", 10, "There is no replication yet.", alias: "min-slaves-max-lag"),
        Number("repl-timeout", 60, "There is no replication yet.", min: 1), Number("repl-backlog-size", 1 << 20, "There is no replication yet.",
            isBytes: true, min: 1),
        Number("repl-diskless-sync-delay", 5, "There is no replication yet."), YesNo("repl-diskless-sync", true, "There is no replication yet."),
    ];

    static NumberSetting Number(string name, long value, string meaning, bool isBytes = false, long min = 0, long max = long.MaxValue, string? alias = null) =>
        new(name, value, min, max, Kept, meaning, isBytes) { Alias = alias };

    static NumberSetting FixedNumber(string name, long value, string meaning) => new(name, value, 0, long.MaxValue, Tells, meaning) { IsFixed = true };

    static YesNoSetting YesNo(string name, bool value, string meaning, string? alias = null) => new(name, value, Kept, meaning) { Alias = alias };

    static TextSetting Fixed(string name, string value, string meaning, string? alias = null) => new(name, value, Tells, meaning) { IsFixed = true,
        Alias = alias };

    static TextSetting Protected(string name, string value, string meaning) => new(name, value, Tells, meaning) { IsProtected = true };

    static TextSetting Text(string name, string value, string meaning, Func<string, string?> check) => new(name, value, Kept, meaning, check);

    // Pairs of seconds and changes.
    static string? CheckSave(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < words.Length; i++)
            if (!long.TryParse(words[i], out var number) || number < (i % 2 == 0 ? 1 : 0)) return "Invalid save parameters";
        return words.Length % 2 == 0 ? null : "Invalid save parameters";
    }

    static string? CheckPercentiles(string text)
    {
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (!double.TryParse(word, System.Globalization.CultureInfo.InvariantCulture, out var percent) || percent is not (>= 0 and <= 100))
                return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
        return null;
    }
}
