// INFO: what is to be known of the server, in sections of lines. Fields have the names under which clients of Redis look for them; what this server does not
// have is told as none where clients read it, and left out elsewhere. Runs beside the loop: counting keys takes as long as there are keys.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

sealed class InfoCommand : SessionCommand
{
    static readonly (string Name, bool ByDefault, Action<RespServer, Section> Write)[] Sections =
    [
        ("server", true, Server), ("clients", true, Clients), ("memory", true, Memory), ("persistence", true, Persistence), ("stats", true, Stats),
        ("replication", true, Replication), ("cpu", true, Cpu), ("modules", true, static (_, _) => { }), ("commandstats", false, CommandStats),
        ("errorstats", true, ErrorStats), ("latencystats", false, LatencyStats), ("cluster", true, static (_, section) => section.Add("cluster_enabled", 0)),
        ("keyspace", true, Keyspace),
    ];

    public override CommandInfo Info { get; } = new("info", CommandGroup.Server)
    {
        Arity = -1,
        Flags = CommandFlags.Loading | CommandFlags.Stale,
        Since = "1.0.0",
        Summary = "Tells of the server.",
        Complexity = "O(1); of the section keyspace O(N) with N the keys, seldom anew where that takes long",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 1; i < args.Count; i++) asked.Add(Encoding.ASCII.GetString(args[i]).ToLowerInvariant());
        var all = asked.Contains("all") || asked.Contains("everything");
        var byDefault = asked.Count == 0 || asked.Contains("default");
        var server = client.Engine.Server;
        client.Engine.AnswerBeside(client, "info", answer =>
        {
            var text = new StringBuilder();
            foreach (var (name, isDefault, write) in Sections)
            {
                if (!all && !(byDefault && isDefault) && !asked.Contains(name)) continue;
                if (text.Length > 0) text.Append("\r\n");
                text.Append("# ").Append(char.ToUpperInvariant(name[0])).Append(name == "cpu" ? "PU" : name[1..]).Append("\r\n");
                write(server, new Section(text));
            }
            answer.Verbatim(Encoding.UTF8.GetBytes(text.ToString()));
        });
    }

    sealed class Section(StringBuilder text)
    {
        public void Add(string name, string value) => text.Append(name).Append(':').Append(value).Append("\r\n");

        public void Add(string name, long value) => text.Append(CultureInfo.InvariantCulture, $"{name}:{value}\r\n");

        public void Add(string name, double value, string format) => Add(name, value.ToString(format, CultureInfo.InvariantCulture));
    }

    static void Server(RespServer server, Section section)
    {
        var uptime = (long)server.Scheduler.Time.GetElapsedTime(server.Began).TotalSeconds;
        section.Add("redis_version", RespServer.CompatibleVersion);
        section.Add("redis_git_sha1", "00000000");
        section.Add("redis_git_dirty", 0);
        section.Add("redis_mode", "standalone");
        section.Add("server_name", "aevum");
        section.Add("aevum_version", typeof(InfoCommand).Assembly.GetName().Version?.ToString(3) ?? "0.0.0");
        section.Add("os", RuntimeInformation.OSDescription.Replace('\r', ' ').Replace('\n', ' '));
        section.Add("arch_bits", 8 * nint.Size);
        section.Add("multiplexing_api", OperatingSystem.IsLinux() ? "epoll" : "sockets");
        section.Add("process_id", Environment.ProcessId);
        section.Add("run_id", server.RunId);
        section.Add("tcp_port", server.Settings.Find("port")!.Text);
        section.Add("server_time_usec", (long)server.Database.Clock.Now.Microseconds);
        section.Add("uptime_in_seconds", uptime);
        section.Add("uptime_in_days", uptime / 86_400);
        section.Add("hz", 10);
        section.Add("configured_hz", 10);
        section.Add("executable", Environment.ProcessPath ?? "");
        section.Add("config_file", "");
        section.Add("io_threads_active", server.Engines.Count() > 1 ? 1 : 0);
    }

    static void Clients(RespServer server, Section section)
    {
        section.Add("connected_clients", server.Clients.Count);
        section.Add("cluster_connections", 0);
        section.Add("maxclients", server.Settings.ClientsMax.Value);
        section.Add("client_recent_max_input_buffer", server.Clients.Values.Select(c => (long)c.InputBytes).DefaultIfEmpty().Max());
        section.Add("client_recent_max_output_buffer", server.Clients.Values.Select(c => c.Channel.Pending).DefaultIfEmpty().Max());
        section.Add("blocked_clients", server.Waiters.Count + server.Pauses.HeldCount);
        section.Add("tracking_clients", server.Tracking.Clients);
        section.Add("clients_in_timeout_table", 0);
    }

    static void Memory(RespServer server, Section section)
    {
        var (process, heap) = (Environment.WorkingSet, GC.GetTotalMemory(false));
        section.Add("used_memory", heap);
        section.Add("used_memory_human", Human(heap));
        section.Add("used_memory_rss", process);
        section.Add("used_memory_rss_human", Human(process));
        using var self = Process.GetCurrentProcess();
        section.Add("used_memory_peak", self.PeakWorkingSet64);
        section.Add("used_memory_peak_human", Human(self.PeakWorkingSet64));
        section.Add("total_system_memory", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        section.Add("total_system_memory_human", Human(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        section.Add("used_memory_lua", 0);
        section.Add("used_memory_scripts", 0);
        section.Add("number_of_cached_scripts", 0);
        section.Add("number_of_functions", 0);
        section.Add("maxmemory", server.Settings.Find("maxmemory")!.Text);
        section.Add("maxmemory_human", Human(long.Parse(server.Settings.Find("maxmemory")!.Text, CultureInfo.InvariantCulture)));
        section.Add("maxmemory_policy", server.Settings.Find("maxmemory-policy")!.Text);
        section.Add("mem_fragmentation_ratio", heap == 0 ? 0 : (double)process / heap, "0.00");
        section.Add("mem_clients_normal", server.Clients.Values.Sum(c => c.Channel.Pending));
        section.Add("mem_clients_slaves", 0);
        section.Add("mem_allocator", "dotnet");
        section.Add("active_defrag_running", 0);
        section.Add("lazyfree_pending_objects", 0);
    }

    static string Human(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1024 && unit < 4; unit++) value /= 1024;
        return unit == 0 ? $"{bytes}B" : value.ToString("0.00", CultureInfo.InvariantCulture) + "BKMGT"[unit];
    }

    // Every write that was answered is in the log: nothing is ever unsaved. Changes are counted for who watches them: commands that wrote, not keys.
    static void Persistence(RespServer server, Section section)
    {
        section.Add("loading", 0);
        section.Add("async_loading", 0);
        section.Add("rdb_changes_since_last_save", server.ChangesSinceSaved);
        section.Add("rdb_bgsave_in_progress", 0);
        section.Add("rdb_last_save_time", server.LastSaved);
        section.Add("rdb_last_bgsave_status", "ok");
        section.Add("rdb_last_bgsave_time_sec", -1);
        section.Add("rdb_current_bgsave_time_sec", -1);
        section.Add("aof_enabled", 1);
        section.Add("aof_rewrite_in_progress", 0);
        section.Add("aof_rewrite_scheduled", 0);
        section.Add("aof_last_rewrite_time_sec", -1);
        section.Add("aof_current_rewrite_time_sec", -1);
        section.Add("aof_last_bgrewrite_status", "ok");
        section.Add("aof_last_write_status", "ok");
    }

    static void Stats(RespServer server, Section section)
    {
        var totals = server.Statistics.Totals(sinceReset: true);
        var (keys, items, prefixes) = server.Tracking.Counts;
        section.Add("total_connections_received", totals.ConnectionsAccepted);
        section.Add("total_commands_processed", totals.Commands);
        section.Add("instantaneous_ops_per_sec", (long)totals.CommandsPerSecond);
        section.Add("total_net_input_bytes", totals.InputBytes);
        section.Add("total_net_output_bytes", totals.OutputBytes);
        section.Add("instantaneous_input_kbps", totals.InputBytesPerSecond / 1024, "0.00");
        section.Add("instantaneous_output_kbps", totals.OutputBytesPerSecond / 1024, "0.00");
        section.Add("rejected_connections", totals.ConnectionsRefused);
        section.Add("sync_full", 0);
        section.Add("sync_partial_ok", 0);
        section.Add("sync_partial_err", 0);
        section.Add("expired_keys", 0);
        section.Add("evicted_keys", 0);
        section.Add("evicted_clients", server.Evicted);
        section.Add("keyspace_hits", totals.KeyspaceHits);
        section.Add("keyspace_misses", totals.KeyspaceMisses);
        section.Add("pubsub_channels", server.Channels.Names(Resp.PubSub.ChannelKind.Channel, null).Count);
        section.Add("pubsub_patterns", server.Channels.PatternCount);
        section.Add("pubsubshard_channels", server.Channels.Names(Resp.PubSub.ChannelKind.Shard, null).Count);
        section.Add("latest_fork_usec", 0);
        section.Add("total_forks", 0);
        section.Add("tracking_total_keys", keys);
        section.Add("tracking_total_items", items);
        section.Add("tracking_total_prefixes", prefixes);
        section.Add("total_error_replies", totals.ErrorReplies);
    }

    static void Replication(RespServer server, Section section)
    {
        section.Add("role", "master");
        section.Add("connected_slaves", 0);
        section.Add("master_failover_state", "no-failover");
        section.Add("master_replid", server.RunId);
        section.Add("master_replid2", new string('0', 40));
        section.Add("master_repl_offset", 0);
        section.Add("second_repl_offset", -1);
        section.Add("repl_backlog_active", 0);
        section.Add("repl_backlog_size", 1 << 20);
        section.Add("repl_backlog_first_byte_offset", 0);
        section.Add("repl_backlog_histlen", 0);
    }

    static void Cpu(RespServer server, Section section)
    {
        var usage = Environment.CpuUsage;
        section.Add("used_cpu_sys", usage.PrivilegedTime.TotalSeconds, "0.000000");
        section.Add("used_cpu_user", usage.UserTime.TotalSeconds, "0.000000");
        section.Add("used_cpu_sys_children", 0, "0.000000");
        section.Add("used_cpu_user_children", 0, "0.000000");
    }

    static void CommandStats(RespServer server, Section section)
    {
        foreach (var counts in server.Statistics.All(sinceReset: true))
            section.Add("cmdstat_" + counts.Command.Info.Name, string.Create(CultureInfo.InvariantCulture,
                $"calls={counts.Calls},usec={(long)counts.Microseconds},usec_per_call={(counts.Calls == 0 ? 0 : counts.Microseconds / counts.Calls):0.00},"
                + $"rejected_calls={counts.Rejected},failed_calls={counts.Failed}"));
    }

    static void ErrorStats(RespServer server, Section section)
    {
        foreach (var (name, count) in server.Statistics.Errors(sinceReset: true)) section.Add("errorstat_" + name, $"count={count}");
    }

    static void LatencyStats(RespServer server, Section section)
    {
        foreach (var counts in server.Statistics.All(sinceReset: true))
        {
            if (counts.Calls == 0) continue;
            var (p50, p99, p999) = (Percentile(50), Percentile(99), Percentile(99.9));
            section.Add("latency_percentiles_usec_" + counts.Command.Info.Name,
                string.Create(CultureInfo.InvariantCulture, $"p50={p50:0.000},p99={p99:0.000},p99.9={p999:0.000}"));

            double Percentile(double percent) => counts.Latency.NanosecondsAt(percent) / 1e3;
        }
    }

    static void Keyspace(RespServer server, Section section)
    {
        foreach (var count in server.KeyspaceCounts.Count())
            section.Add($"db{count.Database}", $"keys={count.Keys},expires={count.Expiring},avg_ttl={count.TimeToLive}");
    }
}
