// RespSettings: every parameter of CONFIG, by name. Those that somebody reads while serving are properties; all are in the list, which CONFIG GET walks.
//
// Three kinds, told apart by Setting.Effect: what does what it says; what is kept and told back because clients and their tests set it, though nothing
// here depends on it; and what only tells how this server is. What is set lasts until the server ends: the lasting options are those it was started with.

using System.Globalization;
using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp.Settings;

sealed partial class RespSettings
{
    const SettingEffect Works = SettingEffect.Works, Kept = SettingEffect.Kept, Tells = SettingEffect.Tells;

    readonly Dictionary<string, Setting> _byName = new(StringComparer.OrdinalIgnoreCase);
    OutputLimits _outputLimits = OutputLimits.Default;
    NotificationClass _notified;

    public RespSettings(RespOptions options)
    {
        ClientsMax = new("maxclients", options.ClientsMax, 1, uint.MaxValue, Works, "Clients that may be connected at a time.");
        IdleSeconds = new("timeout", 0, 0, int.MaxValue, Works, "Seconds after which a client that says nothing is disconnected; 0: never.");
        BulkBytesMax = new("proto-max-bulk-len", 512L << 20, 1 << 20, long.MaxValue, Works, "Bytes of one argument, at most 2 GiB whatever is set.",
            isBytes: true);
        RequestBytesMax = new("client-query-buffer-limit", 1L << 30, 1 << 20, long.MaxValue, Works,
            "Bytes of one request that is not whole yet; above it the client is disconnected.", isBytes: true);
        SlowMicroseconds = new("slowlog-log-slower-than", 10_000, -1, long.MaxValue, Works, "Microseconds above which a request is put in the slow "
            + "log; -1: none is.");
        SlowLogLength = new("slowlog-max-len", 128, 0, long.MaxValue, Works, "Entries that the slow log keeps.");
        LatencyMilliseconds = new("latency-monitor-threshold", 0, 0, long.MaxValue, Works, "Milliseconds above which events are kept for LATENCY; 0: none is.");
        LatencyTracking = new("latency-tracking", true, Works, "Counts how long commands take, for INFO latencystats and LATENCY HISTOGRAM.");
        TrackedKeysMax = new("tracking-table-max-keys", 1_000_000, 0, long.MaxValue, Works, "Keys remembered for clients that keep copies; above it "
            + "some are told to drop theirs.");
        HashEntries = Shape("hash-max-listpack-entries", "hash-max-ziplist-entries", 512, HashMeaning);
        HashValueBytes = Shape("hash-max-listpack-value", "hash-max-ziplist-value", 64, HashMeaning);
        var memory = new NumberSetting("maxmemory", 0, 0, long.MaxValue, Kept, "Values live on disk and caches have sizes of their own: nothing is "
            + "evicted, whatever is set.", isBytes: true);
        Memory = memory;
        ClientBytesMax = new("maxmemory-clients", memory, Works, "Bytes that requests and replies of all clients may hold, or a part of maxmemory; above "
            + "it the largest clients are disconnected. Looked at once a second.");
        ListSize = new("list-max-listpack-size", -2, int.MinValue, int.MaxValue, Works, ShapeMeaning) { Alias = "list-max-ziplist-size" };
        SetIntegers = new("set-max-intset-entries", 512, 0, long.MaxValue, Works, ShapeMeaning);
        SortedSetEntries = Shape("zset-max-listpack-entries", "zset-max-ziplist-entries", 128);
        SortedSetValueBytes = Shape("zset-max-listpack-value", "zset-max-ziplist-value", 64);
        StreamNodeEntries = new("stream-node-max-entries", 100, 0, long.MaxValue, Works, "Entries by which XADD and XTRIM with ~ trim.");
        StreamNodeBytes = new("stream-node-max-bytes", 4096, 0, long.MaxValue, Works, "Bytes, as Redis would count them, by which "
            + "XADD and XTRIM with ~ trim.", isBytes: true);
        BusyMilliseconds = new("busy-reply-threshold", 5000, 0, long.MaxValue, Kept, "There are no scripts yet.") { Alias = "lua-time-limit" };
        DebugCommand = new("enable-debug-command", options.DebugCommand, ["no", "yes", "local"], Works, "Who may use DEBUG: local: connections of "
            + "this machine.") { IsFixed = true };
        AclLogLength = new("acllog-max-len", 128, 0, long.MaxValue, Works, "Entries that ACL LOG keeps.");
        ChannelsByDefault = new("acl-pubsub-default", "resetchannels", ["allchannels", "resetchannels"], Works, "Channels that a new user may use.");
        ReplicasMin = new("min-replicas-to-write", 0, 0, int.MaxValue, Works, "Writes are refused where there are fewer replicas; there are none yet.")
        {
            Alias = "min-slaves-to-write",
        };
        RequirePass = new("requirepass", "", Works, "The password of the user default, until the server ends; ACL SETUSER default sets it for good.");
        foreach (var setting in Working(options).Concat(Told(options)))
        {
            _byName.Add(setting.Name, setting);
            if (setting.Alias is { } alias) _byName.Add(alias, setting);
        }
    }

    /// <summary>Called with what notifications are wanted when that was set.</summary>
    public Action<NotificationClass>? NotifiedChanged { get; set; }

    public NumberSetting ClientsMax { get; }

    public NumberSetting IdleSeconds { get; }

    public NumberSetting BulkBytesMax { get; }

    public NumberSetting RequestBytesMax { get; }

    /// <summary>slowlog-log-slower-than.</summary>
    public NumberSetting SlowMicroseconds { get; }

    public NumberSetting SlowLogLength { get; }

    public NumberSetting Memory { get; }

    /// <summary>maxmemory-clients.</summary>
    public ShareSetting ClientBytesMax { get; }

    public NumberSetting LatencyMilliseconds { get; }

    public YesNoSetting LatencyTracking { get; }

    public NumberSetting TrackedKeysMax { get; }

    /// <summary>Of OBJECT ENCODING, as the five that follow.</summary>
    public NumberSetting HashEntries { get; }

    public NumberSetting HashValueBytes { get; }

    /// <summary>Above 0: elements; below: -1 4 KiB, -2 8 KiB, ... -5 64 KiB.</summary>
    public NumberSetting ListSize { get; }

    public NumberSetting SetIntegers { get; }

    public NumberSetting SortedSetEntries { get; }

    public NumberSetting SortedSetValueBytes { get; }

    /// <summary>Entries by which streams are trimmed where not exactly.</summary>
    public NumberSetting StreamNodeEntries { get; }

    public NumberSetting StreamNodeBytes { get; }

    public NumberSetting BusyMilliseconds { get; }

    public ChoiceSetting DebugCommand { get; }

    public NumberSetting AclLogLength { get; }

    public ChoiceSetting ChannelsByDefault { get; }

    public TextSetting RequirePass { get; }

    /// <summary>Replicas without which nothing is written.</summary>
    public NumberSetting ReplicasMin { get; }

    /// <summary>Which events of keys are published.</summary>
    public NotificationClass Notified => _notified;

    /// <summary>What may wait to be sent to a client.</summary>
    public OutputLimits OutputLimits => Volatile.Read(ref _outputLimits);

    /// <summary>Called when output limits were set.</summary>
    public Action? OutputLimitsChanged { get; set; }

    /// <summary>Null: there is none of that name.</summary>
    public Setting? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Names, older ones too, in their order, each with its setting.</summary>
    public IEnumerable<(string Name, Setting Setting)> All => _byName.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, p.Value));

    /// <summary>Sets all of them, or none.</summary>
    /// <returns>What is wrong, as the text of an error; null: they are set.</returns>
    public string? TrySet(IReadOnlyList<(string Name, string Text)> pairs)
    {
        var settings = new List<Setting>();
        foreach (var (name, text) in pairs)
        {
            if (Find(name) is not { } setting) return $"ERR Unknown option or number of arguments for CONFIG SET - '{name}'";
            if (setting.IsFixed && !(setting.MayStay && setting.Text == text)) return Failed(name, setting.WhyFixed);
            if (setting.IsProtected) return Failed(name, "can't set protected config");
            if (settings.Contains(setting)) return Failed(name, "duplicate parameter");
            settings.Add(setting);
        }
        for (var i = 0; i < pairs.Count; i++)
            if (settings[i].Check(pairs[i].Text) is { } wrong) return Failed(pairs[i].Name, wrong);
        for (var i = 0; i < pairs.Count; i++)
            if (!settings[i].IsFixed) settings[i].Set(pairs[i].Text);
        return null;
    }

    static string Failed(string name, string why) => $"ERR CONFIG SET failed (possibly related to argument '{name}') - {why}";

    // ------------------------------------------------------------------------------------------------ those that work

    const string ShapeMeaning = "What OBJECT ENCODING answers for a value of that shape; how it is kept does not depend on it.";

    const string HashMeaning = "What OBJECT ENCODING answers for a hash of that shape. Raised above its default: a hash of that shape also is kept in one "
        + "piece, fields in the order in which they came, up to 128 KiB.";

    static NumberSetting Shape(string name, string alias, long value, string meaning = ShapeMeaning) =>
        new(name, value, 0, long.MaxValue, Works, meaning) { Alias = alias };

    IEnumerable<Setting> Working(RespOptions options) =>
    [
        ClientsMax, Memory, ClientBytesMax, IdleSeconds,
        BulkBytesMax, RequestBytesMax, SlowMicroseconds, SlowLogLength, LatencyMilliseconds, LatencyTracking, TrackedKeysMax,
        HashEntries, HashValueBytes, ListSize, SetIntegers, SortedSetEntries, SortedSetValueBytes, StreamNodeEntries, StreamNodeBytes, BusyMilliseconds,
        DebugCommand, AclLogLength, ChannelsByDefault, RequirePass, ReplicasMin,
        new ComputedSetting("notify-keyspace-events", Works, "Which events of keys are published.",
            () => NotificationLetters.TextOf(_notified),
            static text => NotificationLetters.TryRead(text, out _) ? null : "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
            text =>
            {
                NotificationLetters.TryRead(text, out _notified);
                NotifiedChanged?.Invoke(_notified);
            }),
        new ComputedSetting("client-output-buffer-limit", Works, "Bytes that may wait to be sent, by class of client; normal ones are not read from meanwhile.",
            () => OutputLimits.ToString(),
            text => OutputLimits.TryRead(text, OutputLimits, out _),
            text =>
            {
                OutputLimits.TryRead(text, OutputLimits, out var limits);
                Volatile.Write(ref _outputLimits, limits);
                OutputLimitsChanged?.Invoke();
            }),
        new NumberSetting("databases", options.Databases, 1, int.MaxValue, Tells, "Numbered databases.") { IsFixed = true },
        new TextSetting("bind", options.Bind, Tells, "Where clients are taken.")
        {
            IsFixed = true,
            MayStay = true,
            WhyFixed = "Failed to bind to specified addresses: where clients are taken is said when the server is started.",
        },
        new NumberSetting("port", options.Port, 0, 65535, Tells, "Where clients are taken.")
        {
            IsFixed = true,
            MayStay = true,
            WhyFixed = "Unable to listen on this port: where clients are taken is said when the server is started.",
        },
        new TextSetting("dir", options.Directory, Tells, "Where the database lies.") { IsProtected = true },
    ];
}

/// <summary>A setting that is kept elsewhere.</summary>
sealed class ComputedSetting(
    string name, SettingEffect effect, string meaning, Func<string> read, Func<string, string?> check, Action<string> put) : Setting(name, effect, meaning)
{
    public override string Text => read();

    public override string? Check(string text) => check(text);

    protected override void Put(string text) => put(text);
}
