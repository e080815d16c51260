using System.Net;
using System.Text.RegularExpressions;
using Aevum.Core.Errors;
using Aevum.Server.Admin;
using Aevum.Server.Hosting;
using Aevum.Server.Tests.Resp;
using Aevum.Testing;

namespace Aevum.Server.Tests.Admin;

public sealed partial class AdminServerTests : IDisposable
{
    readonly RespWorld _world = new();
    readonly ServerState _state = new();
    readonly AdminServer _server;
    readonly HttpClient _client = new();

    public AdminServerTests() => _server = AdminServer.Start(new IPEndPoint(IPAddress.Loopback, 0), _state);

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        _world.Dispose();
    }

    Uri Address(string path) => new($"http://{_server.Endpoint}{path}");

    async Task<(HttpStatusCode Status, string Text)> Ask(string path)
    {
        using var response = await _client.GetAsync(Address(path));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    async Task<IReadOnlyDictionary<string, PrometheusFamily>> Metrics()
    {
        using var response = await _client.GetAsync(Address("/metrics"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return PrometheusText.Parse(await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task It_lives_before_it_is_ready_and_while_it_ends()
    {
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await Ask("/livez"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the database is being opened\n"), await Ask("/readyz"));
        Assert.Equal(0, (await Metrics())["aevum_ready"].Value);
        _state.BeReady(_world.Database, _world.Server);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await Ask("/readyz"));
        Assert.Equal(1, (await Metrics())["aevum_ready"].Value);
        _state.Drain();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the server is ending\n"), await Ask("/readyz"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await Ask("/livez"));
        Assert.True((await Metrics()).ContainsKey("aevum_commits_total"));
        _state.Forget();
        Assert.False((await Metrics()).ContainsKey("aevum_commits_total"));
    }

    [Fact]
    public async Task A_database_that_is_closed_meanwhile_is_told_of()
    {
        _state.BeReady(_world.Database, _world.Server);
        _world.Database.Dispose();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the server is ending\n"), await Ask("/metrics"));
    }

    [Fact]
    public async Task What_there_is_not_is_told_so()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await Ask("/")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Ask("/metrics/x")).Status);
        using var post = await _client.PostAsync(Address("/livez"), null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        using var head = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Head, Address("/metrics")));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal("", await head.Content.ReadAsStringAsync());
        Assert.True(head.Content.Headers.ContentLength > 1000);
    }

    [Fact]
    public void An_address_in_use_is_an_error_with_a_code()
    {
        var failure = Assert.Throws<AevumException>(() => AdminServer.Start(_server.Endpoint, _state));
        Assert.Equal(ErrorCode.InputOutput, failure.Code);
        Assert.Contains(_server.Endpoint.ToString(), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_show_in_the_counters()
    {
        _state.BeReady(_world.Database, _world.Server);
        var before = await Metrics();
        for (var i = 0; i < 10; i++) _world.Ask($"SET k{i} v");
        _world.Ask("GET k1");
        _world.Ask("GET nothing");
        _world.Ask("INCR k1");
        _world.Ask("GET");
        var metrics = await Metrics();
        var seconds = metrics["aevum_resp_command_seconds"];
        Assert.Equal(10, seconds.Samples.Single(s => s.Name.EndsWith("_count", StringComparison.Ordinal) && s.Label("command") == "set").Value);
        Assert.Equal(2, seconds.Samples.Single(s => s.Name.EndsWith("_count", StringComparison.Ordinal) && s.Label("command") == "get").Value);
        Assert.Equal(1, metrics["aevum_resp_command_failures_total"].Samples.Single(s => s.Label("command") == "incr").Value);
        Assert.Equal(1, metrics["aevum_resp_command_rejections_total"].Samples.Single(s => s.Label("command") == "get").Value);
        Assert.Equal(2, metrics["aevum_resp_errors_total"].Samples.Single(s => s.Label("code") == "ERR").Value);
        Assert.Equal(1, metrics["aevum_resp_connections"].Value);
        Assert.Equal(1, metrics["aevum_resp_keyspace_hits_total"].Value);
        Assert.Equal(1, metrics["aevum_resp_keyspace_misses_total"].Value);
        Assert.True(metrics["aevum_commits_total"].Value >= before["aevum_commits_total"].Value + 10);
        Assert.True(metrics["aevum_log_written_bytes_total"].Value > before["aevum_log_written_bytes_total"].Value);
        Assert.True(metrics["aevum_memtable_versions"].Value > before["aevum_memtable_versions"].Value);
        Assert.True(metrics["process_resident_memory_bytes"].Value > 1 << 20);
        Assert.True(metrics["dotnet_threads"].Value > 1);

        _world.Database.Flush();
        metrics = await Metrics();
        Assert.Equal(1, metrics["aevum_flushes_total"].Value);
        Assert.True(metrics["aevum_tables"].Samples.Sum(s => s.Value) >= 1);
        Assert.All(metrics["aevum_tables"].Samples, s => Assert.Contains(s.Label("kind"), new[] { "present", "history" }));
    }

    [Fact]
    public async Task The_page_of_the_documentation_lists_what_a_server_answers()
    {
        _state.BeReady(_world.Database, _world.Server);
        _world.Ask("SET k v");
        _world.Ask("INCR k");
        _world.Database.Flush();
        var page = await File.ReadAllTextAsync(Path.Combine(TestFolders.Repository, "docs", "metrics.md"));
        var told = TableRow().Matches(page).Select(m => $"{m.Groups[1]} {m.Groups[2]} ({m.Groups[3].Value.Trim()}) {m.Groups[4]}");
        var found = (await Metrics()).Values.Select(f => $"{f.Name} {f.Type} ({string.Join(", ", Labels(f))}) {f.Help}");
        Assert.Equal(told, found);
    }

    [Fact]
    public void A_page_is_written_into_memory_that_is_used_again()
    {
        _state.BeReady(_world.Database, _world.Server);
        for (var i = 0; i < 20; i++) _world.Ask($"SET k{i} v");
        long bytes = 0;
        for (var i = 0; i < 5; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            using var page = new PooledPage();
            MetricsPage.Write(new PrometheusWriter(page), _state);
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(page.Written.Length, 5_000, 1 << 20);
        }
        Assert.InRange(bytes, 0, 256 << 10);
    }

    static IEnumerable<string> Labels(PrometheusFamily family) => family.Samples[0].Labels.Select(l => l.Name).Where(l => l != "le");

    // | `name` | type | labels | what it is |
    [GeneratedRegex(@"^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
