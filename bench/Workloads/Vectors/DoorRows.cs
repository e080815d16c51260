// DoorRows: vectors over Redis' protocol, beside Garnet's vector sets: 50,000 x 128 of the synthetic kind, M = 16, 200 candidates an insert, L2.
//
//   insert   one connection, 16 requests in flight, until every answer has come and, with us, until the index has every row (VINFO FULL: tail 0)
//   search   one connection that asks, waits and asks again; each side at the ef that brings it to recall 0.98, read off between two (RecallSearch)
//
// What counts is the server's CPU, all of its threads, from /proc; so the client's own cost is in neither figure, and waking a worker is in ours. Ours
// writes its log meanwhile (sync = os); the peer keeps nothing. Servers stand side by side and are asked in turns.

using System.Globalization;
using System.Text;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Servers;

namespace Aevum.Bench.Workloads.Vectors;

sealed class DoorRows(RunOptions options, string directory, TextWriter progress, int rounds)
{
    const double Recall = 0.98;
    const int Pipeline = 16;
    const double PassSecondsMin = 0.5;   // CPU of a server is told in ticks of 10 ms
    const string Name = "bench";

    /// <summary>A server, and how it is spoken to.</summary>
    sealed class Side(ServerKind kind, string place) : IDisposable
    {
        public ServerProcess Server { get; } = ServerProcess.Start(kind, place);

        public bool IsOurs => kind == ServerKind.Aevum;

        public byte[] Insert(int row, ReadOnlySpan<float> vector) => IsOurs
            ? Request(vector, 3, "VADD", Name, Text(row), "")
            : Request(vector, 3, "VADD", Name, "FP32", "", Text(row), "NOQUANT", "EF", "200", "M", "16", "XDISTANCE_METRIC", "L2");

        public byte[] Search(ReadOnlySpan<float> vector, int ef) => IsOurs
            ? Request(vector, 2, "VSEARCH", Name, "", Text(Truth.K), "EF", Text(ef))
            : Request(vector, 3, "VSIM", Name, "FP32", "", "COUNT", Text(Truth.K), "EF", Text(ef));

        public void Dispose() => Server.Dispose();
    }

    public IReadOnlyList<RowResult> Run(Row[] rows)
    {
        using var set = DataSet.Open("50k128", options.Scale, progress);
        var truth = Truth.Of(set, progress);
        var kinds = options.Sides == Sides.Ours ? [ServerKind.Aevum] : new[] { ServerKind.Aevum, ServerKind.GarnetVectors };
        var (inserts, searches) = (kinds.Select(_ => new List<Reading[]>()).ToArray(), kinds.Select(_ => new List<Reading[]>()).ToArray());
        for (var round = 0; round < rounds; round++)
        {
            // New servers each round: what one was taught by the round before would be in the next one's figures.
            var sides = kinds.Select((kind, i) => new Side(kind, Path.Combine(directory, $"{kind.Name}-{round}"))).ToArray();
            try
            {
                for (var turn = 0; turn < sides.Length; turn++)
                {
                    var at = (turn + round) % sides.Length;
                    inserts[at].Add(Insert(sides[at], set));
                    searches[at].Add(Search(sides[at], set, truth));
                }
            }
            finally
            {
                foreach (var side in sides) side.Dispose();
            }
        }
        return [.. rows.Select(row =>
        {
            var of = row.Name.EndsWith("insert", StringComparison.Ordinal) ? inserts : searches;
            return RowResult.Create(row, options.Suffix, Named(row, of[0]), of.Length > 1 ? Named(row, of[1]) : [], "") with { PeerName = "garnet" };
        })];
    }

    static List<Reading[]> Named(Row row, List<Reading[]> readings) => [.. readings.Select(r => r.Select(one => one with { Row = row.Name }).ToArray())];

    Reading[] Insert(Side side, DataSet set)
    {
        using var connection = side.Server.Connect();
        if (side.IsOurs) connection.Ask("VNEW", Name, Text(set.Rows.Dimension), "METRIC", "l2", "M", "16", "EFC", "200");
        var before = side.Server.CpuSeconds;
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var flying = 0;
        for (var row = 0; row < set.Rows.Count; row++)
        {
            connection.Send(side.Insert(row, set.Rows.Vector(row)));
            if (++flying < Pipeline) continue;
            connection.Read();
            flying--;
        }
        for (; flying > 0; flying--) connection.Read();
        while (side.IsOurs && TailOf(connection) > 0) Thread.Sleep(20);
        var wall = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;
        var cpu = side.Server.CpuSeconds - before;
        Tell($"resp insert: {side.Server.Kind.Name} {set.Rows.Count / cpu:F0} vectors a CPU second, {set.Rows.Count / wall:F0} a second");
        return [new("", "cpu", cpu * 1e6 / set.Rows.Count), new("", "wall", wall * 1e6 / set.Rows.Count),
            new("", "vectors_per_cpu_second", set.Rows.Count / cpu)];
    }

    static long TailOf(RespConnection connection)
    {
        var fields = (List<object?>)connection.Ask("VINFO", Name, "FULL")!;
        return (long)fields[fields.IndexOf("tail") + 1]!;
    }

    Reading[] Search(Side side, DataSet set, Truth truth)
    {
        using var connection = side.Server.Connect();
        var found = new uint[set.Queries.Count * Truth.K];
        Ask(64);   // the JIT has its work behind it
        var bracket = RecallSearch.Find(ef =>
        {
            Ask(ef);
            return truth.Recall(found);
        }, Recall);
        var next = Cost(bracket.NextEf, out var wall);
        var cost = bracket.Ef == bracket.NextEf ? next : Cost(bracket.Ef, out _);
        var perQuery = bracket.CostAt(Recall, cost, next);
        Tell($"resp search: {side.Server.Kind.Name} {1e6 / perQuery:F0} queries a CPU second (ef {bracket.NextEf}), {1e6 / wall:F0} a second");
        return [new("", "cpu", perQuery), new("", "wall", wall), new("", "qps", 1e6 / perQuery), new("", "ef", bracket.NextEf),
            new("", "recall_reached", bracket.NextRecall)];

        void Ask(int ef)
        {
            for (var query = 0; query < set.Queries.Count; query++)
            {
                connection.Send(side.Search(set.Queries.Vector(query), ef));
                var answer = (List<object?>)connection.Read()!;
                var step = side.IsOurs ? 2 : 1;   // ours tells distances, too
                for (var i = 0; i < Truth.K; i++)
                    found[(query * Truth.K) + i] = i * step < answer.Count
                        ? uint.Parse((string)answer[i * step]!, CultureInfo.InvariantCulture) : uint.MaxValue;
            }
        }

        // Microseconds of server CPU a query; several passes, as CPU is told in ticks.
        double Cost(int ef, out double wallMicroseconds)
        {
            var before = side.Server.CpuSeconds;
            var began = System.Diagnostics.Stopwatch.GetTimestamp();
            var passes = 0;
            for (; passes == 0 || side.Server.CpuSeconds - before < PassSecondsMin; passes++) Ask(ef);
            var queries = (double)passes * set.Queries.Count;
            wallMicroseconds = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMicroseconds / queries;
            return (side.Server.CpuSeconds - before) * 1e6 / queries;
        }
    }

    // A request one of whose words is a vector's bytes.
    static byte[] Request(ReadOnlySpan<float> vector, int at, params string[] words)
    {
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(vector);
        using var request = new MemoryStream();
        Add(string.Create(CultureInfo.InvariantCulture, $"*{words.Length}\r\n"));
        for (var i = 0; i < words.Length; i++)
        {
            if (i == at)
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"${bytes.Length}\r\n"));
                request.Write(bytes);
                Add("\r\n");
            }
            else
            {
                Add(string.Create(CultureInfo.InvariantCulture, $"${words[i].Length}\r\n{words[i]}\r\n"));
            }
        }
        return request.ToArray();

        void Add(string text) => request.Write(Encoding.ASCII.GetBytes(text));
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    void Tell(FormattableString what) => progress.WriteLine(what.ToString(CultureInfo.InvariantCulture));
}
