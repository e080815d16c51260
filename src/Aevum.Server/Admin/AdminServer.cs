// AdminServer: HTTP for those who run the server (README.md lists the paths): Kestrel without anything around it: no configuration, no routing, no log on
// the console, no handling of signals, which is the host's.
//
// It opens before the database and closes after it, so that whoever asks learns why nothing is served. What it cannot answer (the database is closed while
// a page is written) is 503, not a broken page: a page is written whole before the first byte of it is sent.

using System.Buffers;
using System.Net;
using Aevum.Core.Errors;
using Aevum.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aevum.Server.Admin;

/// <summary>Answers over HTTP until it is disposed.</summary>
public sealed class AdminServer : IDisposable
{
    const long ConnectionsMax = 100;
    static readonly TimeSpan s_endMax = TimeSpan.FromSeconds(1);

    readonly WebApplication _application;
    readonly ServerState _state;

    AdminServer(IPEndPoint endpoint, ServerState state)
    {
        _state = state;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime>(new NoLifetime());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_endMax);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(endpoint);
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
        try
        {
            _application.StartAsync().GetAwaiter().GetResult();
        }
        catch (IOException failure)
        {
            Discard();
            throw new AevumException(ErrorCode.InputOutput, $"cannot listen on {endpoint}: {failure.InnerException?.Message ?? failure.Message}", failure);
        }
        var address = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Endpoint = new IPEndPoint(endpoint.Address, new Uri(address).Port);
    }

    /// <summary>Where it answers, the port known.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Begins to answer.</summary>
    /// <param name="endpoint">Port 0: any that is free.</param>
    /// <param name="state">Where the server is, and what there is to be counted.</param>
    /// <exception cref="AevumException">InputOutput: the address is in use, or not of this machine.</exception>
    public static AdminServer Start(IPEndPoint endpoint, ServerState state) => new(endpoint, state);

    async Task AnswerAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            await TellAsync(context, StatusCodes.Status405MethodNotAllowed, "this server is asked with GET or HEAD\n");
            return;
        }
        switch (context.Request.Path.Value)
        {
            case "/livez":
                await TellAsync(context, StatusCodes.Status200OK, "ok\n");
                break;
            case "/readyz":
                var isReady = _state.Phase == ServerPhase.Ready;
                await TellAsync(context, isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, _state.Phase switch
                {
                    ServerPhase.Ready => "ok\n",
                    ServerPhase.Opening => "the database is being opened\n",
                    _ => "the server is ending\n",
                });
                break;
            case "/metrics":
                await MetricsAsync(context);
                break;
            default:
                await TellAsync(context, StatusCodes.Status404NotFound, "there are /livez, /readyz and /metrics\n");
                break;
        }
    }

    async Task MetricsAsync(HttpContext context)
    {
        using var page = new PooledPage();
        try
        {
            MetricsPage.Write(new PrometheusWriter(page), _state);
        }
        catch (AevumException failure) when (failure.Code == ErrorCode.Closed)
        {
            await TellAsync(context, StatusCodes.Status503ServiceUnavailable, "the server is ending\n");
            return;
        }
        context.Response.ContentType = PrometheusWriter.ContentType;
        await SendAsync(context, page.Written);
    }

    static Task TellAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return SendAsync(context, System.Text.Encoding.UTF8.GetBytes(text));
    }

    static Task SendAsync(HttpContext context, ReadOnlyMemory<byte> bytes)
    {
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-store";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    public void Dispose()
    {
        _application.StopAsync().GetAwaiter().GetResult();
        Discard();
    }

    void Discard() => ((IDisposable)_application).Dispose();

    /// <summary>Signals are handled by the process's owner, not here: the usual one would end this server at the first SIGTERM, before the rest.</summary>
    sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
