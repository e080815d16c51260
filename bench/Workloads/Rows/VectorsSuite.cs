// VectorsSuite: distances beside the plain loop, indexes beside hnswlib. bench/README.md tells each row at length.
//
// Costs, not rates, are compared (microseconds of CPU a query or a vector), as everywhere in this program; the rates are told beside. Rows in units of
// their own are bound on our figure. What is not built yet is listed and not run: whoever builds it adds its index to IndexVariants and takes the mark off.

using Aevum.Bench.Workloads.Vectors;

namespace Aevum.Bench.Workloads.Rows;

static class VectorsSuite
{
    public static Suite Create() => new("vectors", "Vector search beside hnswlib", "hnswlib",
        [
            new() { Name = "kernels", Rounds = 5, QuickRounds = 3, Seconds = (2, 0), QuickSeconds = (2, 0) },
            new() { Name = "wordnet", Rounds = 3, QuickRounds = 1, Seconds = (60, 60), QuickSeconds = (6, 6), DiskGib = 1 },
            new() { Name = "1m128", Rounds = 1, QuickRounds = 1, Seconds = (500, 500), QuickSeconds = (40, 40), DiskGib = 2 },
            new() { Name = "100k768", Rounds = 1, QuickRounds = 1, Seconds = (60, 80), QuickSeconds = (6, 8), DiskGib = 1 },
            new() { Name = "resp", Rounds = 1, QuickRounds = 1, Seconds = (60, 90), QuickSeconds = (10, 10), DiskGib = 1 },
        ],
        [
            Search("f32 wordnet 0.95", "wordnet", 1.3, 2.2, 700), Search("f32 wordnet 0.99", "wordnet", 1.3, 2.2, 700),
            Search("f32 1m 0.99", "1m128", 1.3, 2, 700), Search("f32 768d 0.99", "100k768", 1.2, 3, null),
            Build("build wordnet", "wordnet"), Build("build 1m", "1m128"),
            Search("int8 wordnet 0.99", "wordnet", 2, 2.7, 280), Search("pq wordnet 0.99", "wordnet", 1, 2, 130),
            Rate("filter 50", 12_000, 16_000), Rate("filter 10", 10_000, 13_000), Rate("filter 1", 40_000, 70_000), Rate("filter 0.1", 150_000, 350_000),
            Rate("filter 10 correlated", 4_000, 7_000),
            Past("as of 50", 2, 1.5), Past("as of 10", 3, 2), Past("as of 1", 4, 2),
            new()
            {
                Name = "reopen 1m", Scenario = "1m128", Unit = "s", AtMost = 1, Aim = 0.2,
                What = "wall time to open a saved index of 1M x 128 and answer",
            },
            new()
            {
                Name = "disk 1m", Scenario = "1m128", Unit = "q/s", AtLeast = 300, Aim = 1000, BoundsOurs = true, Fields = ["qps"],
                What = "queries a second of wall time at recall 0.95, memory at most 25 % of the raw data, at most 60 reads a query, file not cached",
            },
            Door("resp search"), Door("resp insert"),
            Kernel("kernels f32 768", 16, 22), Kernel("kernels int8 768", 20, 28),
        ])
    {
        OursName = "aevum",
        Runner = new VectorsRunner(),
    };

    static Row Search(string name, string scenario, double atLeast, double aim, double? bytesMax) => new()
    {
        Name = name, Scenario = scenario, Unit = "us", AtLeast = atLeast, Aim = aim, BytesMax = bytesMax,
        IsBuilt = IndexVariants.Find(name.Split(' ')[0]) is not null,
        What = "CPU a query at this recall@10, one thread" + (bytesMax is { } bytes ? $", at most {bytes} B a vector" : ""),
    };

    static Row Build(string name, string scenario) => new()
    {
        Name = name, Scenario = scenario, Unit = "us", AtLeast = 1.5, Aim = 2, IsBuilt = IndexVariants.Find("f32") is not null,
        What = "CPU a vector inserted, one thread; two threads told beside",
    };

    static Row Rate(string name, double atLeast, double aim) => new()
    {
        Name = name, Scenario = "wordnet", Unit = "q/s", AtLeast = atLeast, Aim = aim, BoundsOurs = true, Fields = ["qps"],
        What = "queries a CPU second at recall 0.985, so many percent of the rows kept, always k rows",
    };

    static Row Past(string name, double atMost, double aim) => new()
    {
        Name = name, Scenario = "wordnet", Unit = "x", AtMost = atMost, Aim = aim,
        What = "CPU a query as of a time when so many percent of the entries lived, over a search of live entries only; recall 0.95",
    };

    static Row Door(string name) => new()
    {
        Name = name, Scenario = "resp", Unit = "us", AtLeast = 1.5, Aim = 3,
        What = "server CPU an operation on 50K x 128 over RESP at recall 0.98, beside Garnet's vector sets",
    };

    static Row Kernel(string name, double atLeast, double aim) => new()
    {
        Name = name, Scenario = "kernels", Unit = "ns", AtLeast = atLeast, Aim = aim,
        What = "CPU a distance by L2, the plain loop's over ours, 16 rows in cache",
    };
}
