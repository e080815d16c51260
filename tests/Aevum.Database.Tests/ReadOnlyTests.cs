using System.Security.Cryptography;
using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Tests;

/// <summary>A database opened for reading only tells everything and changes nothing.</summary>
public sealed class ReadOnlyTests : IDisposable
{
    static readonly DatabaseOptions ReadOnly = new() { ReadOnly = true };

    readonly string _directory = Directory.CreateTempSubdirectory("aevum-readonly-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    // Tables, history tables, and a log with more.
    void Fill()
    {
        using var database = Database.Open(_directory, new DatabaseOptions { ShardBoundaries = [[1, 0, 0, 0, 0x6d]] });
        using var session = database.OpenSession();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 500; i++) session.Default.Put(B($"key {i}"), B($"{round}"));
            if (round < 2) database.Flush();
        }
    }

    string Fingerprint() => string.Join('\n', Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))} {File.GetLastWriteTimeUtc(file):O}"));

    [Fact]
    public void Everything_is_told_and_not_a_byte_changes()
    {
        Fill();
        var before = Fingerprint();
        using (var database = Database.Open(_directory, ReadOnly))
        using (var session = database.OpenSession())
        {
            Assert.Equal("2", Encoding.UTF8.GetString(session.Default.Get(B("key 7"))!));
            Assert.Equal(500, session.Default.Scan().Count());
            var history = session.Default.History(B("key 499"));
            Assert.Equal(["2", "1", "0"], history.Select(v => Encoding.UTF8.GetString(v.Value!)));
            using (var past = session.AsOf(history[1].Time)) Assert.Equal("1", Encoding.UTF8.GetString(past.Default.Get(B("key 499"))!));
            foreach (var write in new Action[]
            {
                () => session.Default.Put(B("a"), B("1")), () => session.Default.Delete(B("a")), () => session.CreateKeyspace("other"),
                () => session.Run(t => t.Put(session.Default, B("a"), B("1"))), () => database.CreatePrincipal("p"),
            })
                Assert.Equal(ErrorCode.ReadOnly, Assert.Throws<AevumException>(write).Code);
            database.Flush();
        }
        Assert.Equal(before, Fingerprint());
    }

    [Fact]
    public void Several_read_at_once_and_none_beside_a_writer()
    {
        Fill();
        using (var first = Database.Open(_directory, ReadOnly))
        using (var second = Database.Open(_directory, ReadOnly))
        {
            Assert.Equal(first.Id, second.Id);
            Assert.Equal(ErrorCode.Locked, Assert.Throws<LockedException>(() => Database.Open(_directory)).Code);
        }
        using (var writer = Database.Open(_directory, new DatabaseOptions { Endpoint = "127.0.0.1:6379" }))
        {
            var refused = Assert.Throws<LockedException>(() => Database.Open(_directory, ReadOnly));
            Assert.Equal(($"process {Environment.ProcessId}", "127.0.0.1:6379"), (refused.Holder, refused.Endpoint));
        }
    }

    [Fact]
    public void Where_there_is_none_none_is_made()
    {
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => Database.Open(_directory, ReadOnly)).Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }
}
