using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Indexes;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Testing;
using Aevum.Vectors;

namespace Aevum.Engine.Tests.Indexes;

/// <summary>Where memory ends: codes go to their files whenever they can, and what there was no room for is met again.</summary>
public sealed class IndexMemoryTests : IDisposable
{
    const int Dimension = 64;
    const int SealRows = 300;
    static readonly KeyspaceId Id = new(NamespaceEntry.DefaultId, 1);

    readonly IndexFiles _files = new();
    readonly SeededRandom _random = new(5);
    readonly Dictionary<int, float[]> _rows = [];
    readonly EngineWorld _world;

    public IndexMemoryTests() =>
        _world = new(options: new EngineOptions { VectorSealRows = SealRows, VectorMemoryBytes = 64 << 20 }, files: _files);

    CollectionIndex Index => _world.Shards.Indexes!.Find(Id)!;

    MemoryBudget Budget => _world.Shards.Indexes!.Budget;

    string Folder => FilePaths.Combine("db/indexes", $"{Id.Value:x16}");

    bool AreCodesSaved => _files.DirectoryExists(Folder) && _files.ListFiles(Folder).Any(name => name.StartsWith("coded", StringComparison.Ordinal));

    public void Dispose() => _world.Dispose();

    void Create(VectorQuantization quantization)
    {
        var batch = new StepBatch();
        var options = new KeyspaceOptions
        {
            Collection = new CollectionOptions(Dimension) { Metric = VectorMetric.L2, M = 8, EfConstruction = 40, Quantization = quantization },
        };
        var change = CatalogChange.CreateKeyspace(batch, _world.Shards.Catalog, NamespaceEntry.DefaultId, "c", options, KeyspaceKind.Vectors);
        _world.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
        _world.Scheduler.RunUntilIdle();
    }

    void PutSome(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var key = _rows.Count;
            _rows[key] = [.. Enumerable.Range(0, Dimension).Select(_ => (float)_random.NextDouble())];
            var value = new byte[1 + (Dimension * sizeof(float))];
            VectorRow.Write(value, MemoryMarshal.AsBytes<float>(_rows[key]));
            _world.Commit(b => b.Put(KeyLayout.Make(Id, Encoding.ASCII.GetBytes($"k{key}")), value));
        }
    }

    // Codes, of which no file takes any, and then as many rows as two MiB hold.
    void PutUntilRefused()
    {
        _files.IsFull = true;
        PutSome(SealRows + 20);
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(5));
        Assert.InRange(Index.Coded, SealRows, SealRows + 20);
        Assert.True(Budget.TryReserve(Budget.BytesMax - Budget.UsedBytes - (2 << 20)));
        for (var i = 0; i < 400 && Index.Refusal is null; i++)
        {
            PutSome(20);
            _world.Scheduler.RunFor(TimeSpan.FromMilliseconds(100));
        }
        Assert.False(AreCodesSaved);
        Assert.Equal(ErrorCode.LimitExceeded, Index.Refusal?.Code);
    }

    // All of them, by the index and not by the rows.
    void RequireAllIndexed()
    {
        Assert.True(Index.WaitIndexed());
        Assert.Equal((_rows.Count, _rows.Count), (Index.CountRows(), Index.Indexed));
        for (var key = 0; key < _rows.Count; key += 17)
        {
            var found = Index.Search(new() { Elements = MemoryMarshal.AsBytes<float>(_rows[key]).ToArray(), K = 1, Ef = 200 });
            Assert.Equal($"k{key}", Encoding.ASCII.GetString(found[0].Key));
        }
    }

    [Fact]
    public void Codes_that_could_not_be_saved_are_saved_at_a_later_look()
    {
        Create(VectorQuantization.Int8);
        _files.IsFull = true;
        PutSome(SealRows + 20);
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(5));
        var coded = Index.Coded;
        Assert.InRange(coded, SealRows, SealRows + 20);
        Assert.False(AreCodesSaved);
        _files.IsFull = false;
        PutSome(SealRows / 10);   // far from another seal
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal((coded, true), (Index.Coded, AreCodesSaved));
    }

    [Fact]
    public void Where_writes_are_refused_codes_go_to_their_files_as_soon_as_they_can_and_writes_go_on()
    {
        Create(VectorQuantization.Int8);
        PutUntilRefused();
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(5));
        Assert.NotNull(Index.Refusal);
        _files.IsFull = false;
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(20));
        Assert.Null(Index.Refusal);
        Assert.True(AreCodesSaved);
        RequireAllIndexed();
    }

    [Fact]
    public void Where_writes_are_refused_a_save_that_is_asked_for_moves_codes_to_files_and_what_is_not_in_them_is_met_at_the_next_open()
    {
        Create(VectorQuantization.Int8);
        PutUntilRefused();
        PutSome(100);
        Index.Search(new() { Elements = new byte[Dimension * sizeof(float)], K = 1 });   // pulls nothing that it could not
        _files.IsFull = false;
        var before = Budget.UsedBytes;
        Assert.True(Index.Save());
        Assert.InRange(Budget.UsedBytes, 0, before - (SealRows * Dimension * sizeof(float)));
        Assert.True(AreCodesSaved);
        using (var saved = VectorIndex.Open(_files, Folder)) Assert.InRange(saved.Count, SealRows, _rows.Count - 101);
        _files.IsFull = true;     // so that the close saves nothing
        _world.Close();
        _files.IsFull = false;
        _world.Open();
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(20));
        Assert.Null(Index.Damage);
        RequireAllIndexed();
    }

    [Theory, InlineData(0), InlineData(1500)]
    public void What_the_tail_had_no_memory_for_is_met_again_when_there_is_some(int before)
    {
        Create(VectorQuantization.None);
        PutSome(before);
        _world.Scheduler.RunUntilIdle();
        var taken = Budget.BytesMax - Budget.UsedBytes;
        Assert.True(Budget.TryReserve(taken));
        PutSome(2500);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("k1", Encoding.ASCII.GetString(Index.Search(new() { Elements = MemoryMarshal.AsBytes<float>(_rows[1]).ToArray(), K = 1 })[0].Key));
            _world.Scheduler.RunFor(TimeSpan.FromMilliseconds(300));
        }
        Assert.NotNull(Index.Refusal);
        Budget.Release(taken);
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(10));
        Assert.Null(Index.Refusal);
        RequireAllIndexed();
    }

    /// <summary>A disk in memory that maps as disks do, and on which indexes find no space while it is full.</summary>
    sealed class IndexFiles() : ForwardingFiles(new MemoryFileSystem())
    {
        public bool IsFull { get; set; }

        public override IWritableFile Create(string path) => IsFull && path.Contains("indexes", StringComparison.Ordinal)
            ? throw new AevumException(ErrorCode.DiskFull, "no space")
            : base.Create(path);

        public override IReadableFile OpenRead(string path) => new MappingFile(base.OpenRead(path));
    }

    sealed unsafe class MappingFile(IReadableFile inner) : IReadableFile
    {
        byte[]? _mapped;

        public string Path => inner.Path;

        public long Length => inner.Length;

        public int Read(long offset, Span<byte> target) => inner.Read(offset, target);

        public bool TryMap(out byte* memory) => inner.TryMap(out memory);

        public bool TryMapPrivate(out byte* memory)
        {
            _mapped ??= GC.AllocateArray<byte>((int)Length + 64, pinned: true);
            // Mappings begin on pages; a cache line is what is counted on.
            var start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_mapped, 0);
            memory = (byte*)(((nint)start + 63) & -64);
            inner.Read(0, new Span<byte>(memory, (int)Length));
            return true;
        }

        public void Dispose() => inner.Dispose();
    }
}
