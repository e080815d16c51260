using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum.Tests;

/// <summary>What a database tells of itself: statistics, keyspaces, walks over history.</summary>
public sealed class DescribingTests
{
    // The default namespace is cut within a keyspace.
    static readonly DatabaseOptions Cut = new() { ShardBoundaries = [[0, 0, 0, 1, 0, 0, 0, 1, (byte)'m']] };

    [Fact]
    public void A_walk_over_history_finds_keys_that_are_gone_on_every_shard_in_memory_and_in_tables()
    {
        using var database = Database.OpenInMemory(Cut);
        using var session = database.OpenSession();
        var facts = session.CreateKeyspace("facts");
        var expected = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < 2500; i++) expected[$"{(char)('a' + (i % 26))}{i:d4}"] = 1;
        foreach (var key in expected.Keys) facts.Put(Encoding.ASCII.GetBytes(key), "1"u8);
        foreach (var key in expected.Keys.Where(k => k.EndsWith('7')).ToList())
        {
            facts.Delete(Encoding.ASCII.GetBytes(key));
            expected[key]++;
        }
        database.Flush();
        foreach (var key in expected.Keys.Where(k => k[0] == 'n').ToList()) expected[key] += expected[key] == 1 ? 1 : 0;
        foreach (var key in expected.Keys.Where(k => k[0] == 'n' && !k.EndsWith('7'))) facts.Put(Encoding.ASCII.GetBytes(key), "2"u8);
        session.Default.Put("elsewhere"u8, "1"u8);

        Assert.Equal(
            expected.Select(e => (e.Key, e.Value)), facts.ScanHistory().Select(h => (Encoding.ASCII.GetString(h.Key), h.Versions.Count)));
        Assert.Equal(expected.Count(e => e.Key[0] == 'n'), facts.ScanHistory(ScanOptions.OfPrefix("n"u8)).Count());
        Assert.Throws<AevumException>(() => facts.ScanHistory(new ScanOptions { Descending = true }));
    }

    [Fact]
    public void A_value_may_be_put_with_an_end_of_its_own_also_one_that_is_past()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var batch = session.NewBatch();
        var later = SystemTime.FromMicroseconds(database.Now.Microseconds + 3_600_000_000);
        batch.PutUntil(session.Default, "past"u8, "1"u8, new SystemTime(1024));
        batch.PutUntil(session.Default, "later"u8, "2"u8, later);
        batch.PutUntil(session.Default, "ever"u8, "3"u8, SystemTime.None);
        batch.Commit();
        Assert.Null(session.Default.Get("past"u8));
        Assert.Equal(new SystemTime(1024), Assert.Single(session.Default.History("past"u8)).Expiry);
        Assert.Equal(later, session.Default.GetVersioned("later"u8)!.Expiry);
        Assert.Equal(Timeout.InfiniteTimeSpan, session.Default.TimeToLive("ever"u8));
    }

    [Fact]
    public void Keyspaces_are_listed_as_of_the_sessions_moment()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        session.CreateKeyspace("one");
        var before = database.Now;
        using var past = session.AsOf(before);
        session.CreateKeyspace("two");
        session.DropKeyspace("one");
        Assert.Equal(["default", "two"], session.ListKeyspaces());
        Assert.Equal(["default", "one"], past.ListKeyspaces());
    }

    [Fact]
    public void What_is_counted_is_what_there_is()
    {
        var files = new MemoryFileSystem();
        Assert.False(Database.Exists("memory", files));
        using var database = Database.OpenInMemory(Cut with { Files = files });
        Assert.True(Database.Exists("memory", files));
        using var session = database.OpenSession();
        var facts = session.CreateKeyspace("facts", new KeyspaceOptions { History = HistoryPolicy.None });
        for (var i = 0; i < 1000; i++) facts.Put(BitConverter.GetBytes(i * 7919), new byte[100]);
        var before = database.CountAll();
        Assert.Equal(2, before.Shards.Count);
        Assert.Empty(before.Shards.SelectMany(s => s.Shape.Levels));
        Assert.True(before.Shards.Sum(s => s.Shape.MemtableVersions) >= 1000);
        Assert.True(before.LogBytes > 100_000);
        database.Flush();
        var after = database.CountAll();
        Assert.True(after.Shards.SelectMany(s => s.Shape.Levels).Sum(l => l.Versions) >= 1000);
        Assert.All(after.Shards, s => Assert.True(s.FlushedPosition <= s.Position));
        Assert.Equal(["default", "facts"], after.Keyspaces.Select(k => k.Name));
        Assert.True(after.Keyspaces[1].TableBytes > after.Keyspaces[0].TableBytes);
        Assert.Equal(HistoryPolicy.None, after.Keyspaces[1].Options.History);
        Assert.True(after.Ceiling >= after.Now);
        Assert.Equal(ValueChange.Put, facts.ScanHistory().First().Versions[0].Change);
    }
}
