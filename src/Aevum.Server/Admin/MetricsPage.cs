// MetricsPage: every metric there is, in the order in which docs/metrics.md lists them. All are asked for when the page is asked for: between two pages
// nothing is collected and nothing wakes up.

using System.Diagnostics;
using System.Runtime.InteropServices;
using Aevum.Model.Access;
using Aevum.Server.Hosting;
using Aevum.Server.Resp;

namespace Aevum.Server.Admin;

static class MetricsPage
{
    // A power of four of 1,024 ns each: those are edges of the histograms' buckets, so the counts are exact.
    static readonly long[] BoundNanoseconds = [.. Enumerable.Range(0, 13).Select(i => 1024L << (2 * i))];

    public static void Write(PrometheusWriter writer, ServerState state)
    {
        Server(writer, state);
        if (state.Resp is { } resp) Door(writer, resp);
        if (state.Database is { } database) Storage(writer, database.Count(), database.BackgroundFailure is not null);
        Process(writer);
        Runtime(writer);
    }

    static void Server(PrometheusWriter writer, ServerState state)
    {
        var version = typeof(MetricsPage).Assembly.GetName().Version!.ToString(3);
        writer.Begin("aevum_build_info", "gauge", "1; what was built and what runs it.").Sample(1, ("version", version),
            ("redis_version", RespServer.CompatibleVersion), ("runtime", Environment.Version.ToString()),
            ("os", RuntimeInformation.RuntimeIdentifier), ("architecture", RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()));
        writer.Gauge("aevum_ready", "1 while clients are served; 0 while the database is opened, or the server ends.",
            state.Phase == ServerPhase.Ready ? 1 : 0);
    }

    static void Door(PrometheusWriter writer, RespServer server)
    {
        var totals = server.Statistics.Totals(sinceReset: false);
        writer.Gauge("aevum_resp_connections", "Connections of Redis' protocol that are open.", totals.Connections);
        writer.Counter("aevum_resp_connections_accepted_total", "Connections of Redis' protocol that were taken.", totals.ConnectionsAccepted);
        writer.Counter("aevum_resp_connections_refused_total", "Connections sent away because there were too many.", totals.ConnectionsRefused);
        writer.Counter("aevum_resp_received_bytes_total", "Bytes of requests.", totals.InputBytes);
        writer.Counter("aevum_resp_sent_bytes_total", "Bytes of replies.", totals.OutputBytes);
        writer.Counter("aevum_resp_keyspace_hits_total", "Keys that were looked at by commands which only read, and held something.",
            totals.KeyspaceHits);
        writer.Counter("aevum_resp_keyspace_misses_total", "Keys that were looked at by commands which only read, and held nothing.",
            totals.KeyspaceMisses);
        writer.Begin("aevum_resp_errors_total", "counter", "Errors answered, by their first word.");
        foreach (var (code, count) in server.Statistics.Errors(sinceReset: false)) writer.Sample(count, ("code", code));

        var commands = server.Statistics.All(sinceReset: false);
        writer.Begin("aevum_resp_command_rejections_total", "counter", "Requests refused before they ran, by command.");
        foreach (var command in commands) writer.Sample(command.Rejected, ("command", command.Command.Info.Name));
        writer.Begin("aevum_resp_command_failures_total", "counter", "Requests that ran and answered an error, by command.");
        foreach (var command in commands) writer.Sample(command.Failed, ("command", command.Command.Info.Name));
        writer.Begin("aevum_resp_command_seconds", "histogram", "Time of its loop that a request took, by command; its count is that of requests.");
        var buckets = new (double, long)[BoundNanoseconds.Length];
        foreach (var command in commands)
        {
            for (var i = 0; i < buckets.Length; i++) buckets[i] = (BoundNanoseconds[i] / 1e9, command.Latency.CountBelow(BoundNanoseconds[i]));
            writer.Histogram(buckets, command.Latency.Count, command.Microseconds / 1e6, ("command", command.Command.Info.Name));
        }
    }

    static void Storage(PrometheusWriter writer, DatabaseCounters counters, bool failing)
    {
        writer.Gauge("aevum_background_failing", "1 while flushes, compactions or the log fail; the server's log says why.", failing ? 1 : 0);
        writer.Counter("aevum_commits_total", "Batches committed since the database was made.", counters.Commits);
        writer.Gauge("aevum_log_bytes", "Bytes of the log's files.", counters.LogBytes);
        writer.Counter("aevum_log_written_bytes_total", "Bytes written to the log.", counters.LogWrittenBytes);
        writer.Counter("aevum_log_syncs_total", "Syncs of the log.", counters.LogSyncs);
        writer.Gauge("aevum_memtable_bytes", "Memory of what is not in tables yet.", counters.MemtableBytes);
        writer.Gauge("aevum_memtable_versions", "Versions and range deletes that are not in tables yet.", counters.MemtableVersions);
        writer.Counter("aevum_flushes_total", "Times that memory was written to tables.", counters.Flushes);
        writer.Counter("aevum_flush_bytes_total", "Bytes of tables made by flushes.", counters.FlushBytes);
        writer.Counter("aevum_compactions_total", "Times that tables were merged.", counters.Compactions);
        writer.Counter("aevum_compaction_read_bytes_total", "Bytes of tables read to be merged.", counters.CompactionReadBytes);
        writer.Counter("aevum_compaction_written_bytes_total", "Bytes of tables made by merging.", counters.CompactionWrittenBytes);
        writer.Counter("aevum_compaction_moves_total", "Tables that changed their level without being read.", counters.CompactionMoves);
        writer.Counter("aevum_dropped_versions_total", "Versions that no history keeps any more, dropped while merging.", counters.DroppedVersions);
        writer.Counter("aevum_write_slowdowns_total", "Writes slowed down because flushes or compactions were behind.", counters.WriteSlowdowns);
        writer.Counter("aevum_write_stops_total", "Writes that waited until flushes or compactions had caught up.", counters.WriteStops);
        writer.Counter("aevum_write_wait_seconds_total", "How long writes were slowed down or waited, together.", counters.WriteWaits.TotalSeconds);
        writer.Counter("aevum_block_cache_hits_total", "Blocks of tables found in the cache.", counters.CacheHits);
        writer.Counter("aevum_block_cache_misses_total", "Blocks read from their tables.", counters.CacheMisses);
        writer.Counter("aevum_block_cache_evictions_total", "Blocks that made room for others.", counters.CacheEvictions);
        writer.Gauge("aevum_block_cache_blocks", "Blocks in the cache.", counters.CacheBlocks);
        writer.Gauge("aevum_block_cache_bytes", "Memory of the cache, bookkeeping included.", counters.CacheBytes);
        writer.Gauge("aevum_block_cache_limit_bytes", "What it may take at most.", counters.CacheBytesMax);
        Levels("aevum_tables", "Tables, by level.", l => l.Tables);
        Levels("aevum_table_bytes", "Bytes of tables, by level.", l => l.Bytes);
        Levels("aevum_table_versions", "Versions and range deletes in tables, by level.", l => l.Versions);

        void Levels(string name, string help, Func<LevelCounters, long> number)
        {
            writer.Begin(name, "gauge", help);
            foreach (var level in counters.Levels)
                writer.Sample(number(level), ("kind", level.History ? "history" : "present"), ("level", FormattableString.Invariant($"{level.Level}")));
        }
    }

    static void Process(PrometheusWriter writer)
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        writer.Counter("process_cpu_seconds_total", "Time of processors used, by the program and by the system for it.",
            process.TotalProcessorTime.TotalSeconds);
        writer.Gauge("process_resident_memory_bytes", "Memory held in RAM.", process.WorkingSet64);
        writer.Gauge("process_virtual_memory_bytes", "Addresses in use.", process.VirtualMemorySize64);
        writer.Gauge("process_open_fds", "Files and sockets open. 0 where the system does not say.", process.HandleCount);
        writer.Gauge("process_start_time_seconds", "When the process was started, in seconds since 1970 UTC.", Started(process));
    }

    static double Started(Process process) => (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;

    static void Runtime(PrometheusWriter writer)
    {
        writer.Begin("dotnet_gc_collections_total", "counter", "Garbage collections, by generation; of 0 all, of 1 those of 1 and 2.");
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
            writer.Sample(GC.CollectionCount(generation), ("generation", FormattableString.Invariant($"{generation}")));
        writer.Counter("dotnet_gc_pause_seconds_total", "How long collections held the program up.", GC.GetTotalPauseDuration().TotalSeconds);
        writer.Counter("dotnet_gc_allocated_bytes_total", "Managed memory allocated.", GC.GetTotalAllocatedBytes());
        writer.Gauge("dotnet_gc_heap_bytes", "Managed memory in use, what is not collected yet included.", GC.GetTotalMemory(forceFullCollection: false));
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        writer.Gauge("dotnet_threads", "Threads of the process.", process.Threads.Count);
    }
}
