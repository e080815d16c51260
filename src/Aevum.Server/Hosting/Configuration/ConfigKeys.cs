// ConfigKeys: everything that can be configured, one line each. Flags, environment, file, `aevum config print` and docs/configuration.md come from
// this table alone: a key that is added here is known everywhere.

using System.Globalization;
using System.Net;
using Aevum.Core.Errors;

namespace Aevum.Server.Hosting.Configuration;

public static class ConfigKeys
{
    const long MiB = 1L << 20, GiB = 1L << 30, TiB = 1L << 40;

    // ------------------------------------------------------------------------------------------------ data

    public static ConfigKey<string> DataDirectory { get; } = new("data.directory", ConfigForms.Text("DIR"), "",
        "The database's directory; made if it is not there.") { OwnFlag = "--data", DefaultMeaning = "none" };

    public static ConfigKey<bool> DataMemory { get; } = new("data.memory", ConfigForms.Switch, "false",
        "Keep the database in memory: it is gone when the server ends.") { OwnFlag = "--memory" };

    public static ConfigKey<string> DataSync { get; } = new("data.sync", ConfigForms.Text("os|always|TIME|every:N", ReadSync), "os",
        "When an acknowledged write must survive the loss of power: `os`: when the operating system gets round to it; `always`: before it is "
        + "acknowledged; `50ms`, `every:100`: at most so much is at risk. The death of the process it survives in any case.") { OwnFlag = "--sync" };

    public static ConfigKey<long> DataCache { get; } = new("data.cache", ConfigForms.Size(MiB, TiB), static machine => machine.CacheBytes,
        "Memory for blocks of tables.") { OwnFlag = "--cache", DefaultMeaning = "a quarter of the memory" };

    public static ConfigKey<long> DataMemtable { get; } = new("data.memtable", ConfigForms.Size(MiB, GiB), static machine => machine.MemtableBytes,
        "Memory that collects writes before they become a table.") { OwnFlag = "--memtable", DefaultMeaning = "1/32 of the memory, at most 64MiB" };

    public static ConfigKey<long> DataLogKept { get; } = new("data.log-kept", ConfigForms.Size(0, TiB), "64MiB",
        "Log kept although the database itself needs it no more: for watches that come back, and for the next backup.");

    public static ConfigKey<TimeSpan> DataClockJumpMax { get; } = new("data.clock-jump-max", ConfigForms.Time(TimeSpan.FromSeconds(1), TimeSpan.FromDays(3660)),
        "1d", "How far the wall clock may step forward while the server runs and still be followed (a machine that sleeps looks like that); beyond it "
        + "writes are refused.");

    public static ConfigKey<int> DataVectorSealRows { get; } = new("data.vector-seal-rows", ConfigForms.Count(1, 1 << 28), "65536",
        "Vectors of a quantized collection that become codes at once: so many wait for it as whole vectors in memory.");

    // ------------------------------------------------------------------------------------------------ resp

    public static ConfigKey<IReadOnlyList<IPEndPoint>> RespListen { get; } = new("resp.listen", ConfigForms.Addresses, "127.0.0.1:6379",
        "Where Redis' protocol is spoken in the clear.") { OwnFlag = "--resp" };

    public static ConfigKey<IReadOnlyList<IPEndPoint>> RespTlsListen { get; } = new("resp.tls-listen", ConfigForms.Addresses, "off",
        "Where Redis' protocol is spoken through TLS.") { OwnFlag = "--resp-tls" };

    public static ConfigKey<string> RespPassword { get; } = new("resp.password", ConfigForms.Text("TEXT"), "",
        "The password of the user `default` while the server runs; `ACL SETUSER` sets one for good.") { IsSecret = true, DefaultMeaning = "none" };

    public static ConfigKey<int> RespDatabases { get; } = new("resp.databases", ConfigForms.Count(1, 10_000), "16",
        "Numbered databases, from 0.") { OwnFlag = "--databases" };

    public static ConfigKey<int> RespClientsMax { get; } = new("resp.clients-max", ConfigForms.Count(1, 1_000_000), "10000",
        "Clients connected at a time.") { OwnFlag = "--clients-max" };

    public static ConfigKey<long> RespRequestMax { get; } = new("resp.request-max", ConfigForms.Size(MiB, 2 * GiB), "1GiB",
        "A request that is not whole yet may be so long; above it the client is disconnected.");

    public static ConfigKey<long> RespOutputPause { get; } = new("resp.output-pause", ConfigForms.Size(1024, GiB), "256KiB",
        "Nothing more is read from a client while more than this waits to be sent to it.");

    public static ConfigKey<long> RespOutputMax { get; } = new("resp.output-max", ConfigForms.Size(0, 64 * GiB), "0",
        "A client is disconnected when more than this waits to be sent to it (a single reply may be long); 0: never for that. Subscribers have limits of "
        + "their own (`CONFIG SET client-output-buffer-limit`).");

    public static ConfigKey<TimeSpan> RespSlow { get; } = new("resp.slow", ConfigForms.Time(TimeSpan.Zero, TimeSpan.FromDays(1)), "10ms",
        "A request that takes longer is put in the slow log.");

    // ------------------------------------------------------------------------------------------------ tls

    public static ConfigKey<string> TlsCertificate { get; } = new("tls.certificate", ConfigForms.Text("FILE"), "",
        "The certificate and those that vouch for it, in PEM; read again when the file changes.") { OwnFlag = "--tls-cert", DefaultMeaning = "none" };

    public static ConfigKey<string> TlsKey { get; } = new("tls.key", ConfigForms.Text("FILE"), "",
        "The certificate's private key, in PEM; read again when the file changes.") { OwnFlag = "--tls-key", DefaultMeaning = "none" };

    public static ConfigKey<string> TlsKeyPassword { get; } = new("tls.key-password", ConfigForms.Text("TEXT"), "",
        "What opens the private key, if it is encrypted.") { IsSecret = true, DefaultMeaning = "none" };

    public static ConfigKey<TimeSpan> TlsLookEvery { get; } = new("tls.look-every", ConfigForms.Time(TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1)),
        "10s", "How often the files are looked at for a change.");

    // ------------------------------------------------------------------------------------------------ http

    public static ConfigKey<IReadOnlyList<IPEndPoint>> HttpListen { get; } = new("http.listen", ConfigForms.Addresses, "127.0.0.1:9380",
        "Where `/livez`, `/readyz` and `/metrics` are answered.") { OwnFlag = "--http" };

    // ------------------------------------------------------------------------------------------------ server

    public static ConfigKey<int> ServerLoops { get; } = new("server.loops", ConfigForms.Count(1, 1024), static machine => machine.Loops,
        "Threads that serve connections.") { OwnFlag = "--loops", DefaultMeaning = "one less than cores, at least 1" };

    public static ConfigKey<TimeSpan> ServerCoalesceMax { get; } = new("server.coalesce-max", ConfigForms.Time(TimeSpan.Zero, TimeSpan.FromMilliseconds(10)),
        "100us", "The longest that requests of many busy clients gather to be answered together; 0: not at all.");

    public static ConfigKey<bool> ServerInsecure { get; } = new("server.insecure", ConfigForms.Switch, "false",
        "Serve beyond this machine although nobody has to say who he is.") { OwnFlag = "--insecure" };

    public static ConfigKey<TimeSpan> ServerDrainMax { get; } = new("server.drain-max", ConfigForms.Time(TimeSpan.Zero, TimeSpan.FromHours(1)), "10s",
        "How long clients may take to fetch what they were answered when the server ends.");

    // ------------------------------------------------------------------------------------------------ log

    public static ConfigKey<string> LogLevel { get; } = new("log.level", ConfigForms.Choice("debug", "info", "warning", "error", "off"), "info",
        "What is logged: this and what is graver.");

    public static ConfigKey<string> LogFormat { get; } = new("log.format", ConfigForms.Choice("text", "json"), "text",
        "How: lines to read, or one JSON object a line. To the standard error.");

    /// <summary>All of them, section by section.</summary>
    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        DataDirectory, DataMemory, DataSync, DataCache, DataMemtable, DataLogKept, DataClockJumpMax, DataVectorSealRows,
        RespListen, RespTlsListen, RespPassword, RespDatabases, RespClientsMax, RespRequestMax, RespOutputPause, RespOutputMax, RespSlow,
        TlsCertificate, TlsKey, TlsKeyPassword, TlsLookEvery,
        HttpListen,
        ServerLoops, ServerCoalesceMax, ServerInsecure, ServerDrainMax,
        LogLevel, LogFormat,
    ];

    // As the log wants it: whole milliseconds, up to an hour.
    static string ReadSync(string text)
    {
        if (text is "os" or "always") return text;
        var isEvery = text.StartsWith("every:", StringComparison.Ordinal);
        if (isEvery && int.TryParse(text.AsSpan(6), NumberStyles.None, null, out var count) && count > 0) return text;
        try
        {
            if (ConfigForms.ReadTime(text) is var time && time.Ticks % TimeSpan.TicksPerMillisecond == 0 && time.TotalHours <= 1 && time > TimeSpan.Zero)
                return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / TimeSpan.TicksPerMillisecond}ms");
        }
        catch (AevumException)
        {
            // said below, with the other forms
        }
        throw ConfigForms.Wrong("os, always, a time such as 50ms, or every:100", text);
    }
}
