// Where segments come from and where they go: growth, big records, recycling, release, full disks, readers that hold on.

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

public sealed class LogSegmentTests
{
    static readonly LogOptions Small = LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10 };

    static byte[] Bytes(int length, ulong seed)
    {
        var bytes = new byte[length];
        new SeededRandom(seed).Fill(bytes);
        return bytes;
    }

    static void Fill(CommitLog log, LogStream stream, int records, int bytes = 1000)
    {
        for (; records > 0; records--) log.Append(stream, stream.LastPosition + 1, Bytes(bytes, stream.LastPosition + 1));
    }

    static void CheckAll(LogStream stream, ulong from, int bytes = 1000)
    {
        var count = stream.Replay(from, (position, payload) =>
        {
            if (!payload.SequenceEqual(Bytes(bytes, position))) Assert.Fail($"wrong data at {position}");
        });
        Assert.Equal((long)(stream.LastPosition + 1 - from), count);
    }

    [Fact]
    public void Segments_double_up_to_their_full_size()
    {
        using var world = new LogWorld(idle: true);
        using var log = world.Open(Small);
        Fill(log, log.OpenStream(1), 400);
        var sizes = world.Image().Segments.Select(name => world.Memory.FileLength(FilePaths.Combine(LogWorld.Directory, name)) >> 10);
        Assert.Equal([4, 8, 16, 32, 64, 64, 64, 64, 64, 64], sizes);
        CheckAll(log.OpenStream(1), 1);
    }

    [Fact]
    public void A_record_larger_than_a_segment_gets_one_of_its_size()
    {
        using var world = new LogWorld();
        using (var log = world.Open(Small))
        {
            var stream = log.OpenStream(1);
            foreach (var size in (int[])[10, 1_000_000, 10, 65_000, 65_536, 3_000_000, 0])
                log.Append(stream, stream.LastPosition + 1, Bytes(size, (ulong)size));
            Fill(log, log.OpenStream(2), 200);
        }
        using (var log = world.Open(Small))
        {
            List<int> sizes = [];
            log.OpenStream(1).Replay(1, (_, payload) =>
            {
                Assert.True(payload.SequenceEqual(Bytes(payload.Length, (ulong)payload.Length)));
                sizes.Add(payload.Length);
            });
            Assert.Equal([10, 1_000_000, 10, 65_000, 65_536, 3_000_000, 0], sizes);
            CheckAll(log.OpenStream(2), 1);
        }
    }

    [Fact]
    public void A_record_above_the_limit_is_refused()
    {
        using var world = new LogWorld();
        using var log = world.Open(Small);
        var stream = log.OpenStream(1);
        var tooLong = new byte[CommitLog.PayloadBytesMax];
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => log.Append(stream, 1, tooLong, [1])).Code);
        LogEntry[] group = [LogEntry.Data(stream, 1, new byte[10]), LogEntry.Data(stream, 2, tooLong, new byte[1])];
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => log.Append(group)).Code);
        // Each of them fits, together they do not.
        group = [LogEntry.Data(stream, 1, tooLong), LogEntry.Data(stream, 2, tooLong)];
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => log.Append(group)).Code);
        Assert.Equal(0UL, stream.LastPosition);
    }

    [Fact]
    public void Released_segments_are_recycled_and_old_records_in_them_never_come_back()
    {
        var files = new CountingFiles(new MemoryFileSystem());
        using var world = new SimulatedScheduler(1);
        var options = Small with { FirstSegmentBytes = 64 << 10 };
        using var log = CommitLog.Open(files, world, "log", options);
        var stream = log.OpenStream(1);
        for (var round = 0; round < 60; round++)
        {
            Fill(log, stream, 50);
            stream.Release(stream.LastPosition - 10);
            world.RunUntilIdle();
            Assert.InRange(log.TotalBytes, 64 << 10, 192 << 10);
        }
        // 3 MB of records went through a handful of files.
        Assert.InRange(files.RegionsCreated, 3, 6);
        Assert.True(LogImage.Of(files, "log").Files.Count <= 6);
        CheckAll(stream, stream.FirstPosition);

        // A recycled file holds valid records of the past behind its tail. After a crash none of them is taken for one of today.
        var image = LogImage.Of(files, "log");
        var last = image.Files[image.Segments.Last(name => image.Files[name].AsSpan(128, 8).IndexOfAnyExcept((byte)0) >= 0)];
        Assert.True(last.AsSpan(last.Length - 4096).IndexOfAnyExcept((byte)0) >= 0, "the file was never used before");
        using var after = LogWorld.Restore(image, idle: true);
        using var reopened = after.Open(options);
        Assert.Equal(0, reopened.Recovery.CutBytes);
        Assert.Equal(stream.LastPosition, reopened.OpenStream(1).LastPosition);
        CheckAll(reopened.OpenStream(1), reopened.OpenStream(1).FirstPosition);
    }

    [Fact]
    public void Files_are_kept_up_to_what_the_log_may_take_and_given_back_when_space_is_wanted()
    {
        var files = new CountingFiles(new MemoryFileSystem());
        using var world = new SimulatedScheduler(1);
        using var log = CommitLog.Open(files, world, "log", Small with { FirstSegmentBytes = 64 << 10, SpareSegments = 1, TotalBytesMax = 512 << 10 });
        var stream = log.OpenStream(1);
        for (var round = 0; round < 10; round++)
        {
            // Half of it is filled, and all of that let go at once.
            while (log.TotalBytes < 256 << 10) Fill(log, stream, 1);
            stream.Release(stream.LastPosition);
            world.RunUntilIdle();
            Assert.InRange(BytesOf(files), 256 << 10, 512 << 10);
        }
        Assert.InRange(files.RegionsCreated, 4, 8);
        log.DropSpares();
        Assert.InRange(BytesOf(files), 64 << 10, 128 << 10);   // the current segment, and perhaps the next one
        Fill(log, stream, 200);
        CheckAll(stream, stream.FirstPosition);

        static long BytesOf(IFileSystem files) => LogImage.Of(files, "log").Files.Values.Sum(bytes => (long)bytes.Length);
    }

    [Fact]
    public void A_record_that_finds_the_disk_full_takes_the_room_of_files_kept_for_later()
    {
        var files = new FaultyFileSystem(1);
        using var world = new SimulatedScheduler(1);
        using var log = CommitLog.Open(files, world, "log", Small with { FirstSegmentBytes = 64 << 10, SpareSegments = 1, TotalBytesMax = 512 << 10 });
        var stream = log.OpenStream(1);
        for (var round = 0; round < 3; round++)
        {
            while (log.TotalBytes < 256 << 10) Fill(log, stream, 1);
            stream.Release(stream.LastPosition);
            world.RunUntilIdle();
        }
        files.Plan.CapacityBytes = files.UsedBytes + (16 << 10);
        var record = Bytes(150_000, 1);   // larger than a segment, so no file of that size is kept
        log.Append(stream, stream.LastPosition + 1, record);
        Assert.Equal(1, stream.Replay(stream.LastPosition, (_, payload) => Assert.True(payload.SequenceEqual(record))));
    }

    [Fact]
    public void The_slowest_stream_pins_the_oldest_segment_and_is_asked_to_let_go()
    {
        using var world = new SimulatedScheduler(1);
        var files = new MemoryFileSystem();
        using var log = CommitLog.Open(files, world, "log", Small with { TotalBytesMax = 200 << 10 });
        var asked = new List<uint>();
        log.OldestPinned += stream => asked.Add(stream.Id);
        var slow = log.OpenStream(1);
        var fast = log.OpenStream(2);
        Fill(log, slow, 1);
        Fill(log, fast, 150);
        Assert.Same(slow, log.PinnedBy);
        Assert.Empty(asked);
        Fill(log, fast, 100);
        Assert.Equal(1U, Assert.Single(asked.Distinct()));
        var before = log.TotalBytes;
        fast.Release(fast.LastPosition);
        Assert.Equal(before, log.TotalBytes);
        slow.Release(1);
        world.RunUntilIdle();
        Assert.InRange(log.TotalBytes, 1, 64 << 10);
        Assert.Null(log.PinnedBy);
    }

    [Fact]
    public void Nothing_is_forgotten_when_everything_was_released()
    {
        using var world = new LogWorld();
        using (var log = world.Open(Small))
        {
            Fill(log, log.OpenStream(1), 300);
            log.OpenStream(1).Release(300);
            Fill(log, log.OpenStream(2), 300);
            log.OpenStream(2).Release(300);
        }
        using (var log = world.Open(Small))
        {
            Assert.Equal((301UL, 300UL), (log.OpenStream(1).FirstPosition, log.OpenStream(1).LastPosition));
            Assert.Equal((301UL, 300UL), (log.OpenStream(2).FirstPosition, log.OpenStream(2).LastPosition));
            Assert.Equal(ErrorCode.Compacted, Assert.Throws<AevumException>(() => log.OpenStream(1).Replay(300, (_, _) => { })).Code);
            Fill(log, log.OpenStream(1), 1);
            CheckAll(log.OpenStream(1), 301);
        }
    }

    [Fact]
    public void A_stream_can_go_on_further_up_and_can_begin_anew()
    {
        using var world = new LogWorld();
        using (var log = world.Open(Small))
        {
            var stream = log.OpenStream(1);
            Fill(log, stream, 5);
            stream.Release(1000);
            Assert.Equal((1001UL, 1000UL), (stream.FirstPosition, stream.LastPosition));
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => log.Append(stream, 6, [1])).Code);
            Fill(log, stream, 3);
            var dropped = log.OpenStream(2);
            Fill(log, dropped, 5);
            log.DropStream(dropped);
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => log.Append(dropped, 6, [1])).Code);
            Fill(log, log.OpenStream(2), 2);
            Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => stream.Release(ulong.MaxValue)).Code);
        }
        using (var log = world.Open(Small))
        {
            Assert.Equal((1001UL, 1003UL), (log.OpenStream(1).FirstPosition, log.OpenStream(1).LastPosition));
            CheckAll(log.OpenStream(1), 1001);
            Assert.Equal((1UL, 2UL), (log.OpenStream(2).FirstPosition, log.OpenStream(2).LastPosition));
            CheckAll(log.OpenStream(2), 1);
        }
    }

    [Fact]
    public void More_streams_than_a_small_segment_can_list()
    {
        using var world = new LogWorld();
        const uint Streams = 5000;
        using (var log = world.Open(Small))
        {
            for (uint id = 1; id <= Streams; id++) Fill(log, log.OpenStream(id), 1, 20);
            for (uint id = 1; id <= Streams; id += 7) Fill(log, log.OpenStream(id), 3, 20);
        }
        using (var log = world.Open(Small))
        {
            Assert.Equal((int)Streams, log.StreamIds.Count);
            for (uint id = 1; id <= Streams; id++) CheckAll(log.OpenStream(id), 1, 20);
        }
    }

    [Fact]
    public void A_full_disk_refuses_whole_records_and_takes_them_again_once_there_is_space()
    {
        foreach (var starved in new[] { true, false })
        {
            var files = new FaultyFileSystem(1, new FaultPlan { CapacityBytes = 400 << 10 });
            using IScheduler scheduler = starved ? new IdleScheduler(1) : new SimulatedScheduler(1);
            var log = CommitLog.Open(files, scheduler, "log", Small);
            var stream = log.OpenStream(1);
            AevumException? refused = null;
            while (refused is null)
            {
                refused = Record.Exception(() => Fill(log, stream, 1)) as AevumException;
                (scheduler as SimulatedScheduler)?.RunUntilIdle();
            }
            Assert.Equal(ErrorCode.DiskFull, refused.Code);
            var full = stream.LastPosition;
            Assert.InRange(full, 100UL, 400UL);
            // Refused again and again, alone and in groups, and reading goes on.
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal(ErrorCode.DiskFull, Assert.Throws<AevumException>(() => Fill(log, stream, 1)).Code);
                var group = new[] { LogEntry.Data(stream, full + 1, new byte[2000]), LogEntry.Data(log.OpenStream(2), 1, new byte[2000]) };
                Assert.Equal(ErrorCode.DiskFull, Assert.Throws<AevumException>(() => log.Append(group)).Code);
                (scheduler as SimulatedScheduler)?.RunUntilIdle();
            }
            Assert.Null(log.Failure);
            CheckAll(stream, 1);
            log.SyncNow();

            if (starved) files.Plan.CapacityBytes = 800 << 10;  // somebody cleaned up
            else stream.Release(full - 10);                     // what was flushed frees space of its own
            (scheduler as SimulatedScheduler)?.RunUntilIdle();
            Fill(log, stream, 100);
            CheckAll(stream, stream.FirstPosition);
            log.SyncNow();
            log.Dispose();
            files = files.PowerCut();
            using var after = CommitLog.Open(files, new IdleScheduler(1), "log", Small);
            Assert.Equal(full + 100, after.OpenStream(1).LastPosition);
            CheckAll(after.OpenStream(1), after.OpenStream(1).FirstPosition);
        }
    }

    [Fact]
    public void A_reader_holds_the_segment_it_stands_on_and_no_other()
    {
        using var world = new SimulatedScheduler(1);
        using var log = CommitLog.Open(new MemoryFileSystem(), world, "log", Small);
        var stream = log.OpenStream(1);
        Fill(log, stream, 300);
        using (var reader = stream.OpenReader(1))
        {
            for (var i = 0; i < 50; i++) Assert.True(reader.MoveNext());
            var payload = reader.Payload;
            stream.Release(290);
            world.RunUntilIdle();
            Fill(log, stream, 300);
            world.RunUntilIdle();
            // Its bytes are still those of its record, though the segment is no longer part of the log.
            Assert.True(payload.SequenceEqual(Bytes(1000, 50)));
            Assert.True(reader.Payload.SequenceEqual(Bytes(1000, 50)));
            // It may finish the run of records it is in, and then hears that the next is gone.
            var refused = Assert.Throws<AevumException>(() =>
            {
                while (reader.MoveNext()) Assert.True(reader.Payload.SequenceEqual(Bytes(1000, reader.Position)));
            });
            Assert.Equal(ErrorCode.Compacted, refused.Code);
            reader.Seek(500);
            Assert.True(reader.MoveNext());
            Assert.True(reader.Payload.SequenceEqual(Bytes(1000, 500)));
        }
        CheckAll(stream, 291);
    }

    [Fact]
    public void A_reader_may_outlive_the_log_and_then_only_hears_that_it_is_closed()
    {
        using var world = new LogWorld();
        var log = world.Open(Small);
        var stream = log.OpenStream(1);
        Fill(log, stream, 100);
        var reader = stream.OpenReader(3);
        Assert.True(reader.MoveNext());
        log.Dispose();
        Assert.True(reader.Payload.SequenceEqual(Bytes(1000, 3)));
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => { while (reader.MoveNext()) { } }).Code);
        reader.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => log.Append(stream, 101, [1])).Code);
        log.Dispose();
    }

    [Fact]
    public void A_reader_follows_the_stream_beside_its_writer_and_sees_truncations()
    {
        using var world = new LogWorld();
        using var log = world.Open(Small);
        var stream = log.OpenStream(1);
        using var reader = stream.OpenReader(1);
        Assert.False(reader.MoveNext());
        Fill(log, stream, 3);
        for (ulong i = 1; i <= 3; i++)
        {
            Assert.True(reader.MoveNext());
            Assert.Equal(i, reader.Position);
        }
        Assert.False(reader.MoveNext());
        Assert.False(reader.MoveNext());
        Fill(log, stream, 5);
        Assert.True(reader.MoveNext());
        stream.TruncateSuffix(5);
        Assert.False(reader.MoveNext());
        log.Append(stream, 5, "new"u8);
        Assert.True(reader.MoveNext());
        Assert.True(reader.Payload.SequenceEqual("new"u8));
        var copy = new ArrayBufferWriter<byte>();
        Assert.True(stream.TryRead(5, copy));
        Assert.True(copy.WrittenSpan.SequenceEqual("new"u8));
        Assert.False(stream.TryRead(6, copy));
    }

    [Theory, Seeds(4)]
    public void Readers_on_other_threads_see_every_record_once_and_whole(ulong seed)
    {
        using var threads = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = 3 });
        using var log = CommitLog.Open(new MemoryFileSystem(), threads, "log", Small);
        const ulong Records = 3000;
        var done = false;
        var readers = Enumerable.Range(1, 3).Select(id => threads.Start("reader", WorkClass.Background, _ =>
        {
            using var reader = log.OpenStream((uint)id).OpenReader(1);
            for (ulong next = 1; next <= Records;)
            {
                var finished = Volatile.Read(ref done);
                if (!reader.MoveNext())
                {
                    if (finished) throw new InvalidOperationException($"ended before {next}");
                    Thread.Yield();
                    continue;
                }
                if (reader.Position != next || !reader.Payload.SequenceEqual(Bytes((int)(next % 300), next)))
                    throw new InvalidOperationException($"wrong record {reader.Position} for {next}");
                if (next % 50 == 0) log.OpenStream((uint)id).Release(next - 20);
                next++;
            }
            return Task.CompletedTask;
        })).ToArray();
        var random = new SeededRandom(seed);
        try
        {
            while (true)
            {
                var open = Enumerable.Range(1, 3).Select(id => log.OpenStream((uint)id)).Where(s => s.LastPosition < Records).ToArray();
                if (open.Length == 0) break;
                var stream = open[random.Next(open.Length)];
                var next = stream.LastPosition + 1;
                log.Append(stream, next, Bytes((int)(next % 300), next));
            }
        }
        finally
        {
            Volatile.Write(ref done, true);
            foreach (var reader in readers) reader.Wait();
        }
        Assert.All(readers, reader => Assert.Null(reader.Failure));
    }

    [Theory]
    [InlineData(RegionMapping.Automatic)]
    [InlineData(RegionMapping.Never)]
    public void A_log_on_a_real_disk_recycles_and_reopens(RegionMapping mapping)
    {
        var home = Directory.CreateTempSubdirectory("aevum-log-").FullName;
        try
        {
            var files = new DiskFileSystem(new DiskOptions { RegionMapping = mapping });
            var folder = FilePaths.Combine(home, "log");
            using var threads = new ThreadScheduler();
            for (var life = 0; life < 3; life++)
            {
                using var log = CommitLog.Open(files, threads, folder, Small with { Sync = SyncPolicy.Every(100) });
                var stream = log.OpenStream(1);
                Assert.Equal((ulong)life * 500, stream.LastPosition);
                CheckAll(stream, stream.FirstPosition);
                for (var i = 0; i < 500; i++)
                {
                    Fill(log, stream, 1);
                    log.WaitAcknowledged(log.Appended);
                    if (i % 50 == 49) stream.Release(stream.LastPosition - 20);
                }
                CheckAll(stream, stream.FirstPosition);
            }
            Assert.Null(LogInspector.Inspect(files, folder).Refusal);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Opening_without_appending_leaves_no_files_behind(bool closes)
    {
        var memory = new MemoryFileSystem();
        using (var log = CommitLog.Open(memory, new IdleScheduler(1), "log", Small)) Fill(log, log.OpenStream(1), 5);
        for (var round = 0; round < 10; round++)
        {
            var log = CommitLog.Open(memory, new IdleScheduler(1), "log", Small);
            CheckAll(log.OpenStream(1), 1);
            log.MakeReady();
            Assert.Equal(3, memory.ListFiles("log").Count);
            if (closes) log.Dispose();
            Assert.Equal(closes ? 2 : 3, memory.ListFiles("log").Count);
        }
        using var last = CommitLog.Open(memory, new IdleScheduler(1), "log", Small);
        Fill(last, last.OpenStream(1), 1);
        CheckAll(last.OpenStream(1), 1);
    }

    [Fact]
    public void Options_without_meaning_are_refused()
    {
        using var world = new LogWorld(idle: true);
        foreach (var options in (LogOptions[])[
            Small with { SegmentBytes = 4096 }, Small with { SegmentBytes = 100_000 }, Small with { FirstSegmentBytes = 0 },
            Small with { FirstSegmentBytes = 128 << 10 }, Small with { SpareSegments = 0 }, Small with { SpareSegments = 9 }])
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => world.Open(options)).Code);
    }

    sealed class CountingFiles(IFileSystem inner) : FilesWithBoot(inner)
    {
        public int RegionsCreated { get; private set; }

        public override IAppendRegion CreateRegion(string path, long capacity)
        {
            RegionsCreated++;
            return base.CreateRegion(path, capacity);
        }
    }
}
