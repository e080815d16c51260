// ServerOptions: all that a ServerHost has to know, as values: for whoever starts one in a process (tests), and made from a configuration by From, which
// is the only place where keys of the configuration meet what they are for.

using System.Net;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Server.Hosting.Configuration;

namespace Aevum.Server.Hosting;

/// <summary>What a server serves, where, and how.</summary>
public sealed record ServerOptions
{
    /// <summary>The database's directory; made if it is not there. Null: a database in memory, gone with the process.</summary>
    public string? Directory { get; init; }

    /// <summary>How it is opened.</summary>
    public DatabaseOptions Database { get; init; } = DatabaseOptions.Default;

    /// <summary>Where Redis' protocol is spoken in the clear.</summary>
    public IReadOnlyList<IPEndPoint> Resp { get; init; } = [];

    /// <summary>Where it is spoken through TLS; <see cref="Certificate"/> must be given then.</summary>
    public IReadOnlyList<IPEndPoint> RespTls { get; init; } = [];

    public CertificateFiles? Certificate { get; init; }

    /// <summary>How often its files are looked at.</summary>
    public TimeSpan CertificateLook { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Of the user default, while the server runs; null: as the database says.</summary>
    public string? Password { get; init; }

    /// <summary>Addresses beyond this machine are served even where nobody has to say who he is.</summary>
    public bool IsInsecure { get; init; }

    /// <summary>Numbered databases.</summary>
    public int Databases { get; init; } = 16;

    /// <summary>Connected at a time.</summary>
    public int ClientsMax { get; init; } = 10_000;

    /// <summary>Bytes of a request that is not whole yet.</summary>
    public long RequestMax { get; init; } = 1L << 30;

    /// <summary>Bytes that wait to be sent to a client: above it nothing more is read from it.</summary>
    public long OutputPause { get; init; } = 256 << 10;

    /// <summary>The same: above it the client is disconnected. 0: never for that, as no more is done for it meanwhile.</summary>
    public long OutputMax { get; init; }

    /// <summary>Requests that take longer are put in the slow log.</summary>
    public TimeSpan Slow { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Where <c>/livez</c>, <c>/readyz</c> and <c>/metrics</c> are answered.</summary>
    public IReadOnlyList<IPEndPoint> Http { get; init; } = [];

    /// <summary>Threads that serve connections.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>The longest that requests of many busy clients gather to be answered together; zero: not at all.</summary>
    public TimeSpan CoalesceMax { get; init; } = TimeSpan.FromMicroseconds(100);

    /// <summary>How long those who are connected may take to fetch what they were answered, when the server ends.</summary>
    public TimeSpan DrainMax { get; init; } = TimeSpan.FromSeconds(10);

    public ILog Log { get; init; } = NoLog.Instance;

    /// <summary>Where certificates are read; the database's files are its own affair.</summary>
    public IFileSystem Files { get; init; } = new DiskFileSystem();

    /// <summary>What a configuration asks for.</summary>
    /// <exception cref="AevumException">InvalidArgument: there is no database to serve in it.</exception>
    public static ServerOptions From(ConfigValues values, ILog log)
    {
        var directory = values.Get(ConfigKeys.DataDirectory);
        if (directory == "" && !values.Get(ConfigKeys.DataMemory)) Throw.Invalid("say what to serve: data.directory (--data DIR) or data.memory (--memory)");
        return new ServerOptions
        {
            Directory = directory == "" ? null : directory,
            Database = DatabaseOptions.Default with
            {
                Sync = values.Get(ConfigKeys.DataSync),
                CacheBytes = values.Get(ConfigKeys.DataCache),
                VectorSealRows = values.Get(ConfigKeys.DataVectorSealRows),
                MemtableBytes = values.Get(ConfigKeys.DataMemtable),
                LogBytesKept = values.Get(ConfigKeys.DataLogKept),
                ClockJumpMax = values.Get(ConfigKeys.DataClockJumpMax),
            },
            Resp = values.Get(ConfigKeys.RespListen),
            RespTls = values.Get(ConfigKeys.RespTlsListen),
            Certificate = OrNull(values.Get(ConfigKeys.TlsCertificate)) is not { } certificate ? null
                : new CertificateFiles(certificate, values.Get(ConfigKeys.TlsKey), OrNull(values.Get(ConfigKeys.TlsKeyPassword))),
            CertificateLook = values.Get(ConfigKeys.TlsLookEvery),
            Password = OrNull(values.Get(ConfigKeys.RespPassword)),
            IsInsecure = values.Get(ConfigKeys.ServerInsecure),
            Databases = values.Get(ConfigKeys.RespDatabases),
            ClientsMax = values.Get(ConfigKeys.RespClientsMax),
            RequestMax = values.Get(ConfigKeys.RespRequestMax),
            OutputPause = values.Get(ConfigKeys.RespOutputPause),
            OutputMax = values.Get(ConfigKeys.RespOutputMax),
            Slow = values.Get(ConfigKeys.RespSlow),
            Http = values.Get(ConfigKeys.HttpListen),
            Loops = values.Get(ConfigKeys.ServerLoops),
            CoalesceMax = values.Get(ConfigKeys.ServerCoalesceMax),
            DrainMax = values.Get(ConfigKeys.ServerDrainMax),
            Log = log,
        };
    }

    static string? OrNull(string text) => text.Length == 0 ? null : text;
}
