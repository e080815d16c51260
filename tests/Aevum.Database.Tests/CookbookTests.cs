// The snippets of docs/cookbook.md: each is a part of a test here, between "// page" and "// end", and the page shows it letter by letter.

using System.Text;
using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Model.Catalog;
using Aevum.Testing;

namespace Aevum.Tests;

public sealed class CookbookTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("aevum-cookbook-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static string S(byte[]? bytes) => bytes is null ? "(nothing)" : Encoding.UTF8.GetString(bytes);

    [Fact]
    public void The_page_shows_what_runs_here()
    {
        var source = File.ReadAllText(Path.Combine(TestFolders.Project, "CookbookTests.cs"));
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "cookbook.md"));
        var run = Regex.Matches(source, "^ *// page\n(.*?)^ *// end\n", RegexOptions.Singleline | RegexOptions.Multiline)
            .Select(m => Dedent(m.Groups[1].Value)).ToArray();
        var shown = Regex.Matches(page, "```csharp\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value).ToArray();
        Assert.Equal(run, shown);
    }

    static string Dedent(string code)
    {
        var lines = code.TrimEnd('\n').Split('\n');
        var indent = lines.Where(l => l.Length > 0).Min(l => l.Length - l.TrimStart(' ').Length);
        return string.Concat(lines.Select(l => (l.Length > indent ? l[indent..] : "") + "\n"));
    }

    [Fact]
    public void First_steps()
    {
        var folder = Path.Combine(_folder, "first");
        // page
        using var database = Database.Open(folder);
        using var session = database.OpenSession();
        var notes = session.Default;

        notes.Put("user/7/name"u8, "Ada"u8);
        byte[]? name = notes.Get("user/7/name"u8);          // null if there is none

        foreach (var entry in notes.ScanPrefix([.. "user/7/"u8]))
            Console.WriteLine($"{Encoding.UTF8.GetString(entry.Key)} since {entry.Version.ToDateTimeOffset()}");
        // end
        Assert.Equal("Ada", S(name));
    }

    [Fact]
    public void Keyspaces()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        // page
        var cache = session.CreateKeyspace("cache", new KeyspaceOptions
        {
            History = HistoryPolicy.None,                    // only the present
            DefaultTimeToLive = TimeSpan.FromMinutes(10),
            Compression = KeyspaceCompression.Lz4,
        });
        var facts = session.CreateKeyspace("facts", new KeyspaceOptions { History = HistoryPolicy.For(TimeSpan.FromDays(90)) });

        cache.Put("page/1"u8, "<html>"u8);
        facts.Put("sky"u8, "blue"u8);
        // end
        Assert.InRange(cache.TimeToLive("page/1"u8)!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        Assert.Equal("blue", S(facts.Get("sky"u8)));
    }

    [Fact]
    public void The_past()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        // page
        notes.Put("plan"u8, "walk"u8);
        SystemTime before = database.Now;
        notes.Put("plan"u8, "swim"u8);

        byte[]? then = notes.Get("plan"u8, asOf: before);    // "walk"
        using Session past = session.AsOf(before);           // a whole session at that moment: it reads, and writes nothing
        byte[]? same = past.Default.Get("plan"u8);

        foreach (var version in notes.History("plan"u8))     // newest first
            Console.WriteLine($"{version.Time.ToDateTimeOffset():O} {version.Change}");

        foreach (var difference in notes.Diff(before))       // what has changed since
            Console.WriteLine(Encoding.UTF8.GetString(difference.Key));
        // end
        Assert.Equal(("walk", "walk"), (S(then), S(same)));
        Assert.Equal(2, notes.History("plan"u8).Count);
        Assert.Single(notes.Diff(before));
    }

    [Fact]
    public void Who_and_why()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        // page
        session.Note = new CommitNote(Actor: "planner", Run: "run 42", Source: "mail from Ada");
        SystemTime commit = notes.Put("plan"u8, "swim"u8);
        session.Note = null;

        CommitNote? author = notes.History("plan"u8)[0].Note;
        foreach (var change in notes.ChangesOf(commit))      // everything that commit changed here
            Console.WriteLine(Encoding.UTF8.GetString(change.Key));
        // end
        Assert.Equal("planner", author!.Actor);
        Assert.Single(notes.ChangesOf(commit));
    }

    [Fact]
    public void Compare_and_set()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        // page
        notes.Put("state"u8, "idle"u8);
        VersionedValue seen = notes.GetVersioned("state"u8)!;
        bool won = notes.TryPut("state"u8, "busy"u8, seen.Version, out SystemTime version);
        bool late = notes.TryPut("state"u8, "mine"u8, seen.Version, out SystemTime winner);
        // end
        Assert.True(won);
        Assert.False(late);
        Assert.Equal(version, winner);
    }

    [Fact]
    public void Counters_and_expiry()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        // page
        long visits = notes.Increment("visits"u8);
        notes.Increment("visits"u8, 10);

        notes.Put("token"u8, "secret"u8, timeToLive: TimeSpan.FromHours(1));
        TimeSpan? left = notes.TimeToLive("token"u8);
        notes.Persist("token"u8);                            // lives for ever now
        // end
        Assert.Equal((1L, "11"), (visits, S(notes.Get("visits"u8))));
        Assert.True(left <= TimeSpan.FromHours(1));
        Assert.Equal(Timeout.InfiniteTimeSpan, notes.TimeToLive("token"u8));
    }

    [Fact]
    public void Batches()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        var facts = session.CreateKeyspace("facts");
        // page
        Batch batch = session.NewBatch();
        batch.Note = new CommitNote(Actor: "importer", IdempotencyKey: "upload-2026-11-21");
        batch.Put(notes, "a"u8, "1"u8);
        batch.Put(facts, "b"u8, "2"u8);
        int counted = batch.Increment(notes, "uploads"u8);
        SystemTime time = batch.Commit();                    // or CommitAsync: all at one instant, or an error and nothing
        long uploads = batch.NumberOf(counted);              // the same if the batch is sent again: it is done once
        // end
        Assert.Equal((1L, time), (uploads, facts.GetVersioned("b"u8)!.Version));
    }

    [Fact]
    public void Transactions()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var accounts = session.Default;
        accounts.Put("ada"u8, "100"u8);
        accounts.Put("bob"u8, "0"u8);
        // page
        session.Run(transaction =>                           // serializable; tried again when others were faster
        {
            long left = transaction.Increment(accounts, "ada"u8, -30);
            if (left < 0) throw new InvalidOperationException("not enough");
            transaction.Increment(accounts, "bob"u8, 30);
        });

        using Transaction byHand = session.Begin(Isolation.RepeatableRead);
        Savepoint savepoint = byHand.SetSavepoint();
        byHand.Put(accounts, "bob"u8, "1000000"u8);
        byHand.RollbackTo(savepoint);
        byHand.Commit();
        // end
        Assert.Equal(("70", "30"), (S(accounts.Get("ada"u8)), S(accounts.Get("bob"u8))));
    }

    [Fact]
    public void Watches()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var notes = session.Default;
        // page
        using Watch watch = notes.Watch("user/"u8, WatchStart.Now);
        notes.Put("user/7"u8, "Ada"u8);

        WatchEvent? heard = watch.Next(TimeSpan.FromSeconds(5));   // or: await foreach (var e in watch.ReadAllAsync(cancellation))
        string? token = heard?.Token;                              // keep it, and go on behind it after a restart:
        using Watch resumed = notes.Watch("user/"u8, WatchStart.After(token!));
        // end
        Assert.Equal("user/7", S(heard!.Changes[0].Key));
        Assert.False(resumed.TryNext(out _));
    }

    [Fact]
    public void Looking_without_touching()
    {
        var folder = Path.Combine(_folder, "archive");
        using (var database = Database.Open(folder))
        using (var session = database.OpenSession())
            session.Default.Put("user/7/name"u8, "Ada"u8);
        // page
        using var archive = Database.Open(folder, new DatabaseOptions { ReadOnly = true });
        using var reader = archive.OpenSession();
        byte[]? kept = reader.Default.Get("user/7/name"u8);
        // end
        Assert.Equal("Ada", S(kept));
    }

    [Fact]
    public void Backup_and_restore()
    {
        var (backups, target) = (Path.Combine(_folder, "backups"), Path.Combine(_folder, "target"));
        using var database = Database.Open(Path.Combine(_folder, "backed-up"));
        using var session = database.OpenSession();
        var notes = session.Default;
        notes.Put("a"u8, "1"u8);
        // page
        BackupInfo backup = database.CreateBackup(backups);  // every commit up to backup.Moment
        SystemTime before = notes.Put("a"u8, "2"u8);
        notes.Delete("a"u8);                                 // a mistake
        database.CreateBackup(backups);

        BackupReport report = Backups.Verify(backups);       // reads every byte
        Backups.Restore(backups, target, new RestoreOptions { To = before });
        using Database asItWas = Database.Open(target);
        // end
        Assert.True(report.IsSound);
        Assert.True(backup.Moment < before);
        using var then = asItWas.OpenSession();
        Assert.Equal("2", S(then.Default.Get("a"u8)));
        Assert.Null(notes.Get("a"u8));
    }

    [Fact]
    public void Errors()
    {
        using var database = Database.OpenInMemory();
        using var session = database.OpenSession();
        var told = "";
        // page
        try
        {
            session.Keyspace("nowhere");
        }
        catch (AevumException e) when (e.Code == ErrorCode.NotFound)
        {
            told = e.Message;                                // people read the message, programs the code
        }
        // end
        Assert.Contains("nowhere", told, StringComparison.Ordinal);
    }
}
