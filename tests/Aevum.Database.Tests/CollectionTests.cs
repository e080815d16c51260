using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;

namespace Aevum.Tests;

/// <summary>Collections as programs see them.</summary>
public sealed class CollectionTests : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    readonly MemoryFileSystem _files = new();

    public void Dispose() => _scheduler.Dispose();

    Database Open(bool readOnly = false) => Database.Open("db", new DatabaseOptions { Scheduler = _scheduler, Files = _files, ReadOnly = readOnly });

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    static string Told(IEnumerable<CollectionMatch> found) => string.Join(' ', found.Select(m => $"{Encoding.UTF8.GetString(m.Key)}={m.Distance:0.##}"));

    [Theory]
    [InlineData(VectorQuantization.Int8)]
    [InlineData(VectorQuantization.Product)]
    public void Quantized_collections_turn_vectors_into_codes_and_are_reopened_with_them(VectorQuantization quantization)
    {
        var random = new SeededRandom(9);
        var vectors = Enumerable.Range(0, 300).Select(_ => Enumerable.Range(0, 12).Select(_ => (float)random.NextDouble()).ToArray()).ToArray();
        Database OpenSealing() => Database.Open(
            "db", new DatabaseOptions { Scheduler = _scheduler, Files = _files, VectorSealRows = 50 });

        void Check(Collection collection)
        {
            for (var i = 0; i < vectors.Length; i += 7)
            {
                var exact = collection.Search(vectors[i], 10, new VectorSearchOptions { Exact = true });
                Assert.Equal($"k{i}", Encoding.UTF8.GetString(exact[0].Key));
                var found = collection.Search(vectors[i], 10, new VectorSearchOptions { Ef = 200 });
                Assert.Equal(Told(exact), Told(found));
            }
        }

        using (var database = OpenSealing())
        using (var session = database.OpenSession())
        {
            var collection = session.CreateCollection("c", new CollectionOptions(12) { Metric = VectorMetric.L2, Quantization = quantization });
            for (var i = 0; i < vectors.Length; i++) collection.Put(B($"k{i}"), vectors[i]);
            Assert.True(collection.WaitIndexed());
            _scheduler.RunUntilIdle();
            var described = collection.Describe();
            Assert.InRange(described.Coded, 250, 300);
            Assert.True(described.BytesPerVector > 12);
            Check(collection);
        }
        using (var database = OpenSealing())
        using (var session = database.OpenSession())
        {
            _scheduler.RunUntilIdle();
            var collection = session.Collection("c");
            Assert.InRange(collection.Describe().Coded, 250, 300);
            Assert.Null(collection.Describe().Damage);
            Check(collection);
        }
    }

    [Fact]
    public void Vectors_are_put_searched_and_remembered_with_keys_beside_them()
    {
        Core.Time.SystemTime before;
        using (var database = Open())
        using (var session = database.OpenSession())
        {
            var near = session.CreateCollection("near", new CollectionOptions(2) { Metric = VectorMetric.L2 });
            near.Put(B("a"), [0, 0]);
            session.Run(transaction =>
            {
                transaction.Put(near, B("b"), [3, 4]);
                transaction.Put(session.Default, B("b"), B("beside it"));
                Assert.Equal([3, 4], transaction.Get(near, B("b"))!);
            });
            var batch = session.NewBatch();
            batch.Put(near, B("c"), [6, 8]);
            batch.Delete(near, B("a"));
            batch.Put(near, B("a"), [0, 1]);   // the last one counts
            batch.Commit();
            Assert.Equal("a=1 b=5 c=10", Told(near.Search([0, 0], 9)));
            Assert.Equal("b=5", Told(near.Search([0, 0], 1, new VectorSearchOptions { Offset = 1 })));
            Assert.Equal("a=1 b=5", Told(near.Search([0, 0], 9, new VectorSearchOptions { DistanceMax = 7, Exact = true })));
            before = database.Now;
            _scheduler.RunFor(TimeSpan.FromSeconds(1));
            Assert.True(near.Delete(B("b")));
            Assert.False(near.Delete(B("b")));
            using (var rolledBack = session.Begin()) rolledBack.Put(near, B("x"), [0, 0]);
            Assert.Equal("a=1 c=10", Told(near.Search([0, 0], 9)));
            Assert.Equal("a=1 b=5 c=10", Told(near.Search([0, 0], 9, new VectorSearchOptions { AsOf = before })));
            Assert.Equal("a=1 b=5 c=10", Told(session.AsOf(before).Collection("near").Search([0, 0], 9)));
            Assert.Equal(2, near.Count);
            Assert.Equal(2, near.History(B("b")).Count);
            Assert.True(near.WaitIndexed());
            var told = near.Describe();
            Assert.Equal(new CollectionStatistics(2, 2, 0, told.MemoryBytes, "following", null) { BytesPerVector = told.BytesPerVector }, told);
        }
        using (var again = Open())
        using (var session = again.OpenSession())
        {
            var near = session.Collection("near");
            _scheduler.RunUntilIdle();
            Assert.Equal("following", near.Describe().State);
            Assert.Equal("a=1 c=10", Told(near.Search([0, 0], 9)));
            Assert.Equal("a=1 b=5 c=10", Told(near.Search([0, 0], 9, new VectorSearchOptions { AsOf = before })));
            Assert.Equal(["near"], session.ListCollections());
        }
        using (var reader = Open(readOnly: true))
        using (var session = reader.OpenSession())
        {
            Assert.Equal("a=1 c=10", Told(session.Collection("near").Search([0, 0], 9)));
            Assert.Equal(2, session.Collection("near").Count);
            Assert.False(session.Collection("near").WaitIndexed());
        }
        using (var last = Open())
        using (var session = last.OpenSession())
        {
            session.DropCollection("near");
            Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => session.Collection("near")).Code);
            Assert.Equal("a=1 b=5 c=10", Told(session.AsOf(before).Collection("near").Search([0, 0], 9)));
            last.WaitIdle();
        }
        Assert.Empty(_files.DirectoryExists("db/indexes") ? _files.ListDirectories("db/indexes") : []);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        using var database = Open();
        using var session = database.OpenSession();
        var near = session.CreateCollection("near", new CollectionOptions(2));
        Assert.Equal(ErrorCode.AlreadyExists, Code(() => session.CreateCollection("near", new CollectionOptions(3))));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => session.Keyspace("near")));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => session.Collection("default")));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => near.Put(B("a"), [1])));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => near.Put(B("a"), [0, 0])));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => near.Search([1, float.NaN], 1)));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => near.Search([1, 1], -1)));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => near.PutElements(B("a"), [1, 2, 3])));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => session.AlterKeyspace("near", near.Rows.Options with { Collection = new CollectionOptions(3) })));
        Assert.Equal(ErrorCode.InvalidArgument, Code(() => session.AlterKeyspace("near", near.Rows.Options with { DefaultTimeToLive = TimeSpan.FromDays(1) })));
        Assert.Equal(ErrorCode.ReadOnly, Code(() => session.AsOf(database.Now).Collection("near").Put(B("a"), [1, 1])));
        Assert.Equal(0, near.Count);

        static ErrorCode Code(Action action) => Assert.Throws<AevumException>(action).Code;
    }
}
