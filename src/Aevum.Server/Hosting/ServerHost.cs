// ServerHost: one process that serves one database: opens its doors, opens the database behind them, and ends in the order that loses nothing.
//
//   Opening  -> Serving   [Open]   doors listen at once and answer LOADING; the database is opened beside them
//   Opening  -> Failed    [Open]   WaitUntilOpen throws what went wrong; Stop ends the rest
//   any      -> Stopped   [Stop]   /readyz says so; doors take nobody any more; every connection is sent what it was answered and ends; the database is
//                                  written down and closed. While it is being opened: what opening has begun is waited for, a limited time, then left
//                                  to the next open, which has to be able to take over from a killed process anyway
//
// Always true: what a client was told is committed lies in the log before it is told; ending is therefore only a question of manners, and a process that
// is killed instead loses nothing that it acknowledged. Nobody beyond this machine is served who need not say who he is, unless that was asked for.
//
// Two schedulers: the database has its own, so that long reads of clients, which run on this one, never stand before its log and its flushes.
// Not here: where options come from (Configuration), what a door speaks (Resp).

using System.Globalization;
using System.Net;
using System.Text;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Admin;
using Aevum.Server.Resp;

namespace Aevum.Server.Hosting;

/// <summary>A database with its doors open.</summary>
public sealed class ServerHost : IDisposable
{
    static readonly TimeSpan s_watchEvery = TimeSpan.FromSeconds(2);

    static readonly TimeSpan s_lingerMax = TimeSpan.FromMilliseconds(250);

    readonly ServerOptions _options;
    readonly ILog _log;
    readonly ThreadScheduler _scheduler;
    readonly Signal _opened;
    readonly INetwork _network;
    readonly RespDoor _door;
    readonly Certificates? _certificates;
    readonly List<AdminServer> _http = [];
    readonly ServerState _state = new();
    readonly BackgroundTask _opening;
    Database? _database;
    RespServer? _resp;
    Exception? _failure;
    volatile bool _isOpen, _isStopping;

    ServerHost(ServerOptions options)
    {
        (_options, _log) = (options, options.Log);
        _scheduler = new ThreadScheduler(new ThreadSchedulerOptions { Name = "aevum-serve" });
        try
        {
            _opened = _scheduler.CreateSignal("opened");
            if (options.Certificate is { } certificate) _certificates = new Certificates(options.Files, certificate, _log);
            _network = Networks.Create(_scheduler, new NetworkOptions { Loops = options.Loops, CoalesceMax = options.CoalesceMax, OnFailure = TellFailure });
            _door = new RespDoor(_scheduler.Time.GetUtcNow(), options.Databases, options.ClientsMax,
                options.Password is { Length: > 0 });
            var listen = new ListenOptions
            {
                // How many may come and how much may wait for them the server says itself once it is there: CONFIG can change it.
                ConnectionsMax = int.MaxValue,
                RequestMax = options.RequestMax,
                PendingPause = options.OutputPause,
                PendingMax = options.OutputMax > 0 ? options.OutputMax : long.MaxValue,
            };
            foreach (var endpoint in options.Resp) _door.Listen(_network, endpoint, listen);
            RespEndpoints = [.. _door.Endpoints];
            foreach (var endpoint in options.RespTls)
                _door.Listen(_network, endpoint, listen with { Tls = () => _certificates!.Options });
            RespTlsEndpoints = [.. _door.Endpoints.Skip(RespEndpoints.Count)];
            foreach (var endpoint in options.Http) _http.Add(AdminServer.Start(endpoint, _state));
            HttpEndpoints = [.. _http.Select(h => h.Endpoint)];
            if (_certificates is not null) _scheduler.Start("certificates", WorkClass.Background, LookAtCertificatesAsync);
            _opening = _scheduler.Start("open", WorkClass.Background, _ =>
            {
                Open();
                return Task.CompletedTask;
            });
        }
        catch
        {
            foreach (var http in _http) http.Dispose();
            _network?.Dispose();
            _scheduler.Dispose();
            throw;
        }
    }

    /// <summary>Opens the doors, and begins to open the database: <see cref="WaitUntilOpen"/>.</summary>
    /// <exception cref="AevumException">InputOutput: an address is in use, or not of this machine. InvalidArgument, NotFound: the certificate cannot be
    /// used.</exception>
    public static ServerHost Start(ServerOptions options) => new(options);

    /// <summary>Where Redis' protocol is spoken in the clear, ports known.</summary>
    public IReadOnlyList<IPEndPoint> RespEndpoints { get; }

    /// <summary>Where it is spoken through TLS.</summary>
    public IReadOnlyList<IPEndPoint> RespTlsEndpoints { get; }

    /// <summary>Where <c>/livez</c>, <c>/readyz</c> and <c>/metrics</c> are answered.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndpoints { get; }

    /// <summary>Blocks until the database is open.</summary>
    /// <returns>False: the server was told to stop, or the caller did not want to wait, before.</returns>
    /// <exception cref="AevumException">What opening it threw: Locked, Corruption and others; InvalidArgument: anybody could come in.</exception>
    public bool WaitUntilOpen(CancellationToken cancellation = default)
    {
        using var registration = cancellation.Register(_opened.Raise);
        while (!_isOpen && _failure is null && !_isStopping && !cancellation.IsCancellationRequested)
            _opened.WaitUntil(() => _isOpen || _failure is not null || _isStopping || cancellation.IsCancellationRequested);
        if (_failure is AevumException known) throw known;
        if (_failure is { } failure) throw new InvalidOperationException("the database could not be opened", failure);
        return _isOpen;
    }

    // On a thread of the scheduler.
    void Open()
    {
        var began = _scheduler.Time.GetTimestamp();
        try
        {
            var options = _options.Database with { Endpoint = RespEndpoints.Count > 0 ? $"redis://{RespEndpoints[0]}" : "" };
            var database = _options.Directory is { } directory ? Database.Open(directory, options) : Database.OpenInMemory(options);
            _database = database;
            if (_isStopping) return;
            _resp = new RespServer(database, _scheduler, RespOptions());
            Set(_resp, "slowlog-log-slower-than", $"{(long)_options.Slow.TotalMicroseconds}");
            Set(_resp, "client-query-buffer-limit", $"{_options.RequestMax}");
            Set(_resp, "client-output-buffer-limit", $"normal {_options.OutputMax} 0 0");
            // Passwords are bytes; settings hold them one a character.
            if (_options.Password is { } password) Set(_resp, "requirepass", Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(password)));
            CheckWhoMayCome(_resp);
            _door.Open(_resp);
            _state.BeReady(database, _resp);
            _isOpen = true;
            var watch = new DatabaseWatch(() => _state.Database?.BackgroundFailure, _log);
            _scheduler.Start("watch the database", WorkClass.Background, cancellation => watch.RunAsync(_scheduler, s_watchEvery, cancellation));
            _log.Write(LogLevel.Info, "database open",
                ("directory", _options.Directory ?? "memory"), ("seconds", Math.Round(_scheduler.Time.GetElapsedTime(began).TotalSeconds, 3)));
        }
        catch (Exception failure)
        {
            _failure = failure;
            _log.Write(LogLevel.Error, "database not opened", ("directory", _options.Directory ?? "memory"), ("why", failure.Message));
        }
        finally
        {
            _opened.Raise();
        }
    }

    // What CONFIG tells of the server.
    RespOptions RespOptions()
    {
        var all = RespEndpoints.Concat(RespTlsEndpoints).ToArray();
        return new RespOptions
        {
            Databases = _options.Databases,
            ClientsMax = _options.ClientsMax,
            Bind = string.Join(' ', all.Select(e => e.Address).Distinct()),
            Port = RespEndpoints.Count > 0 ? RespEndpoints[0].Port : 0,
            Directory = _options.Directory ?? "",
            Threads = _options.Loops,
        };
    }

    static void Set(RespServer server, string name, FormattableString value) => Set(server, name, value.ToString(CultureInfo.InvariantCulture));

    static void Set(RespServer server, string name, string value)
    {
        if (server.Settings.TrySet([(name, value)]) is { } wrong) Throw.Invalid(wrong);
    }

    /// <summary>Takes nobody any more, sends what was answered, closes the database. Returns when all is done.</summary>
    public void Stop()
    {
        if (_isStopping) return;
        _isStopping = true;
        _opened.Raise();
        _log.Write(LogLevel.Info, "stopping", ("connections", _door.Connections));
        _state.Drain();
        _door.StopListening();
        _door.CloseClients();
        var wait = new DrainWait(_scheduler, _options.DrainMax);
        if (!wait.Until(() => _door.Unserved <= 0)) _log.Write(LogLevel.Warning, "connections cut off", ("connections", _door.Connections));
        // Who is still sending gets a moment to see the end. Who is idle in a pool does not look before he is used again, and is not waited for.
        new DrainWait(_scheduler, s_lingerMax).Until(() => _door.Connections == 0);
        _network.Dispose();
        _state.Forget();
        foreach (var http in _http) http.Dispose();
        if (!wait.Until(() => _opening.IsCompleted))
        {
            // The threads of the process end with it; the lock of the directory too.
            _log.Write(LogLevel.Warning, "stopped while the database is being opened");
            return;
        }
        _resp?.Dispose();
        if (_options.Directory is not null && _failure is null) _database?.Flush();
        _database?.Dispose();
        _scheduler.Dispose();
        _log.Write(LogLevel.Info, "stopped");
    }

    public void Dispose() => Stop();

    async Task LookAtCertificatesAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            await _scheduler.Delay(_options.CertificateLook, cancellation);
            _certificates!.Look();
        }
    }

    void TellFailure(Exception failure) => _log.Write(LogLevel.Error, "a mistake of this program", ("what", failure.ToString()));

    // Where anybody who reaches an address could read and write everything, it must have been meant. Asked when the users are known, before any of them
    // is served.
    void CheckWhoMayCome(RespServer server)
    {
        foreach (var endpoint in _options.Resp.Concat(_options.RespTls).Where(e => !IPAddress.IsLoopback(e.Address)))
        {
            if (server.Access.RequiresPassword)
            {
                if (_options.Resp.Contains(endpoint)) _log.Write(LogLevel.Warning, "passwords travel in the clear", ("address", endpoint));
                continue;
            }
            if (!_options.IsInsecure)
                Throw.Invalid($"{endpoint} can be reached from other machines, and nobody has to say who he is: set a password (resp.password, best by "
                    + "AEVUM_RESP__PASSWORD_FILE), give the user default one (ACL SETUSER), or say that it is meant (--insecure)");
            _log.Write(LogLevel.Warning, "ANYBODY WHO REACHES THIS ADDRESS MAY READ AND WRITE EVERYTHING", ("address", endpoint));
        }
    }
}
