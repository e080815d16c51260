using Aevum.Core.Diagnostics;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Server.Hosting;

namespace Aevum.Server.Tests.Hosting;

public sealed class DatabaseWatchTests
{
    [Fact]
    public void Each_change_is_one_line()
    {
        using var text = new StringWriter();
        Exception? failure = null;
        var watch = new DatabaseWatch(() => failure, new LineLog(text, TimeProvider.System, LogLevel.Info, asJson: false));
        watch.Look();
        failure = new InvalidOperationException("the disk is gone");
        watch.Look();
        watch.Look();
        failure = new InvalidOperationException("still gone");
        watch.Look();
        failure = null;
        watch.Look();
        watch.Look();
        var lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[(l.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim());
        Assert.Equal(
        [
            "error background work of the database fails why=\"the disk is gone\"",
            "error background work of the database fails why=\"still gone\"",
            "info background work of the database goes on",
        ], lines);
    }

    // A real flush that the disk refuses, and the same once the disk is well again.
    [Fact]
    public void A_flush_that_fails_is_seen_from_outside()
    {
        var files = new FaultyFileSystem(3);
        using var scheduler = new SimulatedScheduler(1);
        using var database = Database.OpenInMemory(new DatabaseOptions { Files = files, Scheduler = scheduler });
        using var session = database.OpenSession();
        session.Default.Put("k"u8, "v"u8);
        Assert.Null(database.BackgroundFailure);
        files.Plan.Strikes = static path => !path.Contains("log", StringComparison.Ordinal);
        files.Plan.FailWithProbability(FileOperation.Create, 1);
        Assert.ThrowsAny<Exception>(database.Flush);
        Assert.NotNull(database.BackgroundFailure);
        files.Plan.Heal();
        database.Flush();
        Assert.Null(database.BackgroundFailure);
    }
}
