// MEMORY: what a key takes, and what the process takes. Values lie in tables and caches, so what a key takes is counted in bytes of its rows: those are
// what it takes in memory before it is written to a table, and about what it takes in one.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class MemoryCommands
{
    public static SubcommandGroup Make() => new("memory", CommandGroup.Server, "4.0.0", "What keys and the process take.",
        new Usage(),
        Verb("memory|doctor", "Tells whether memory is as it should be.", Doctor),
        Verb("memory|malloc-stats", "Tells what the runtime knows of memory.", RuntimeStatistics),
        Verb("memory|purge", "Gives memory back that is not used.", Purge),
        Verb("memory|stats", "Tells where memory goes.", Statistics),
        new HelpVerb("memory|help", CommandGroup.Server, "4.0.0",
            "DOCTOR", "    Whether memory is as it should be.",
            "MALLOC-STATS", "    What the runtime knows of memory.",
            "PURGE", "    Gives memory back that is not used.",
            "STATS", "    Where memory goes.",
            "USAGE <key> [SAMPLES <count>]", "    Bytes of a key's rows; of large values from some of them, 5 by default, 0 for all."));

    static SessionVerb Verb(string name, string summary, SessionAction run) => ServerCommands.Known(name, CommandGroup.Server, "4.0.0", summary, run);

    sealed class Usage : DataCommand
    {
        // Version, expiry and the like, beside each row's key and value.
        const int RowBytes = 24;

        public override CommandInfo Info { get; } = new("memory|usage", CommandGroup.Server)
        {
            Arity = -3,
            Flags = CommandFlags.ReadOnly,
            Keys = new KeyPlaces(2, 2, 1),
            Since = "4.0.0",
            Summary = "Answers how many bytes the rows of a key take.",
            Complexity = "O(N) with N the samples",
        };

        public override bool IsSlow(DataCall call, CommandArguments args) =>
            args.Count == 5 && Numbers.TryInteger(args[4], out var samples) && (samples == 0 || samples > StructureRows.SlowElements);

        public override void Run(DataCall call, CommandArguments args)
        {
            var samples = 5L;
            for (var i = 3; i < args.Count; i += 2)
            {
                if (!args.Is(i, "samples"u8) || i + 1 == args.Count)
                {
                    call.SyntaxError();
                    return;
                }
                if (!call.TryInteger(args[i + 1], out samples)) return;
                if (samples >= 0) continue;
                call.SyntaxError();
                return;
            }
            if (!call.TryReadHead(args[2], out var head, out var row))
            {
                call.Reply.Null();
                return;
            }
            var headKey = call.HeadKey(args[2]).ToArray();
            var bytes = headKey.Length + row.Bytes.Length + (long)RowBytes;
            if (head.IsLarge)
            {
                var count = head.Count;
                var (start, end) = StructureKey.RangeOf(head.Home.IsEmpty ? headKey : head.Home, head.Incarnation);
                var seen = new Seen(samples == 0 ? long.MaxValue : samples);
                call.Rows.Scan(start, end, seen);
                if (seen.Rows > 0) bytes += samples == 0 ? seen.Bytes : seen.Bytes * count / seen.Rows;
            }
            call.Reply.Integer(bytes);
        }

        sealed class Seen(long max) : IRowVisitor
        {
            public long Rows { get; private set; }

            public long Bytes { get; private set; }

            public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
            {
                Rows++;
                Bytes += key.Length + value.Bytes.Length + RowBytes;
                return Rows < max;
            }
        }
    }

    static void Doctor(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var (heap, process) = (GC.GetTotalMemory(false), Environment.WorkingSet);
        reply.Verbatim(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"The process takes {process} bytes, {heap} of them managed. Values lie on disk and caches have sizes of their own, so there is nothing "
                + $"to mend.\n")));
    }

    static void RuntimeStatistics(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var info = GC.GetGCMemoryInfo();
        reply.Verbatim(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"managed heap: {info.HeapSizeBytes}\ncommitted: {info.TotalCommittedBytes}\nfragmented: {info.FragmentedBytes}\n"
            + $"collections: {GC.CollectionCount(0)} {GC.CollectionCount(1)} {GC.CollectionCount(2)}\n")));
    }

    static void Purge(RespClient client, CommandArguments args, ReplyWriter reply) => client.Engine.AnswerBeside(client, "memory purge", static answer =>
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        answer.Ok();
    });

    static void Statistics(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var info = GC.GetGCMemoryInfo();
        var server = client.Engine.Server;
        (string Name, long Value)[] all =
        [
            ("total.allocated", GC.GetTotalMemory(false)), ("replication.backlog", 0), ("clients.slaves", 0),
            ("clients.normal", server.Clients.Values.Sum(c => c.Channel.Pending)), ("aof.buffer", 0), ("lua.caches", 0), ("functions.caches", 0),
            ("managed.committed", info.TotalCommittedBytes), ("managed.fragmented", info.FragmentedBytes), ("process.bytes", Environment.WorkingSet),
        ];
        reply.Map(all.Length);
        foreach (var (name, value) in all)
        {
            reply.Bulk(name);
            reply.Integer(value);
        }
    }
}
