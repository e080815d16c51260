// FileSystemContract: what every file system promises, once. Each implementation inherits these tests and says how it is made.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Files;

public abstract class FileSystemContract
{
    /// <summary>The file system under test, the same for the whole of one test.</summary>
    protected abstract IFileSystem Files { get; }

    /// <summary>An existing, empty directory.</summary>
    protected abstract string Home { get; }

    protected string At(params string[] names) => names.Aggregate(Home, FilePaths.Combine);

    protected static ErrorCode CodeOf(Action act) => Assert.ThrowsAny<AevumException>(act).Code;

    protected void Write(string path, string text)
    {
        using var file = Files.Create(path);
        file.Append(Encoding.UTF8.GetBytes(text));
    }

    protected string ReadText(string path) => Encoding.UTF8.GetString(ReadAll(path));

    protected byte[] ReadAll(string path)
    {
        using var file = Files.OpenRead(path);
        var bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return bytes;
    }

    static byte[] RandomBytes(int length, ulong seed)
    {
        var bytes = new byte[length];
        new SeededRandom(seed).Fill(bytes);
        return bytes;
    }

    [Fact]
    public void What_is_appended_is_read_back()
    {
        var random = new SeededRandom(1);
        var expected = new List<byte>();
        using (var file = Files.Create(At("a")))
        {
            for (var i = 0; i < 200; i++)
            {
                var piece = RandomBytes(random.Next(i < 5 ? 200_000 : 3_000), (ulong)i);
                file.Append(piece);
                expected.AddRange(piece);
                Assert.Equal(expected.Count, file.Length);
                if (i % 50 == 0) file.Sync();
            }
        }
        Assert.Equal(expected.Count, Files.FileLength(At("a")));
        using var read = Files.OpenRead(At("a"));
        Assert.Equal(At("a"), read.Path);
        for (var i = 0; i < 200; i++)
        {
            var offset = random.Next(expected.Count + 100);
            var target = new byte[random.Next(10_000)];
            var count = read.Read(offset, target);
            Assert.Equal(Math.Clamp(expected.Count - offset, 0, target.Length), count);
            Assert.True(target.AsSpan(0, count).SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(expected).Slice(
                Math.Min(offset, expected.Count), count)));
        }
    }

    [Fact]
    public void A_reader_sees_what_is_appended_after_it_opened()
    {
        using var file = Files.Create(At("a"));
        using var read = Files.OpenRead(At("a"));
        Assert.Equal(0, read.Length);
        var target = new byte[100];
        Assert.Equal(0, read.Read(0, target));
        file.Append("hello"u8);
        Assert.Equal(5, read.Length);
        Assert.Equal(3, read.Read(2, target));
        Assert.Equal("llo"u8, target.AsSpan(0, 3));
    }

    [Fact]
    public void Reading_at_or_after_the_end_gives_nothing_and_before_the_start_is_refused()
    {
        Write(At("a"), "abc");
        using var read = Files.OpenRead(At("a"));
        Assert.Equal(0, read.Read(3, new byte[1]));
        Assert.Equal(0, read.Read(long.MaxValue - 10, new byte[1]));
        Assert.Equal(0, read.Read(0, []));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => read.Read(-1, new byte[1])));
    }

    [Fact]
    public unsafe void A_mapped_file_holds_the_same_bytes()
    {
        var bytes = RandomBytes(100_001, 3);
        using (var file = Files.Create(At("a"))) file.Append(bytes);
        using var read = Files.OpenRead(At("a"));
        if (!read.TryMap(out var memory)) return;
        Assert.Equal(bytes, new ReadOnlySpan<byte>(memory, bytes.Length).ToArray());
        Assert.True(read.TryMap(out var again));
        Assert.True(memory == again);
    }

    [Fact]
    public unsafe void Stores_into_a_private_mapping_never_reach_the_file()
    {
        var bytes = RandomBytes(100_001, 3);
        using (var file = Files.Create(At("a"))) file.Append(bytes);
        using var read = Files.OpenRead(At("a"));
        if (!read.TryMapPrivate(out var memory)) return;
        Assert.Equal(bytes, new ReadOnlySpan<byte>(memory, bytes.Length).ToArray());
        new Span<byte>(memory + 5000, 70_000).Fill(7);
        Assert.True(read.TryMapPrivate(out var again));
        Assert.True(memory == again);
        Assert.Equal(7, memory[60_000]);
        var target = new byte[bytes.Length];
        read.Read(0, target);
        Assert.Equal(bytes, target);
        using var other = Files.OpenRead(At("a"));
        Assert.True(other.TryMapPrivate(out var fresh));
        Assert.Equal(bytes, new ReadOnlySpan<byte>(fresh, bytes.Length).ToArray());
    }

    [Fact]
    public unsafe void Many_reads_give_what_single_ones_give()
    {
        var bytes = RandomBytes(300_001, 4);
        using (var file = Files.Create(At("a")))
        {
            file.Append(bytes);
            file.Sync();
        }
        using var read = Files.OpenRead(At("a"));
        var random = new SeededRandom(5);
        var target = new byte[64 * 5_000];
        fixed (byte* memory = target)
        {
            for (var round = 0; round < 20; round++)
            {
                if (round % 3 == 0) read.DropCache();
                var reads = new FileRead[random.Next(65)];
                for (var i = 0; i < reads.Length; i++)
                {
                    var length = random.Next(5_000);
                    reads[i] = new(random.Next(bytes.Length - length + 1), memory + (i * 5_000), length);
                }
                Assert.True(read.ReadMany(reads));
                for (var i = 0; i < reads.Length; i++)
                    Assert.True(bytes.AsSpan((int)reads[i].Offset, reads[i].Length).SequenceEqual(target.AsSpan(i * 5_000, reads[i].Length)));
            }
            Assert.False(read.ReadMany([new(0, memory, 10), new(bytes.Length - 4, memory, 5)]));
            var before = new FileRead(-1, memory, 1);
            Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => read.ReadMany([before, before])));
            read.Dispose();
            var some = new FileRead(0, memory, 1);
            Assert.Equal(ErrorCode.Closed, CodeOf(() => read.ReadMany([some, some])));
        }
    }

    [Fact]
    public unsafe void An_empty_file_is_read_without_error()
    {
        Write(At("a"), "");
        using var read = Files.OpenRead(At("a"));
        Assert.Equal(0, read.Length);
        Assert.Equal(0, read.Read(0, new byte[10]));
        Assert.False(read.TryMap(out _));
    }

    [Fact]
    public void Creating_over_a_file_leaves_the_old_content_to_those_who_have_it_open()
    {
        Write(At("a"), "old");
        using var old = Files.OpenRead(At("a"));
        Files.Link(At("a"), At("b"));
        Write(At("a"), "newer");
        Assert.Equal("newer", ReadText(At("a")));
        Assert.Equal("old", ReadText(At("b")));
        Assert.Equal(3, old.Length);
    }

    [Fact]
    public void What_is_not_there_is_NotFound()
    {
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.OpenRead(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.OpenRegion(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.FileLength(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.Rename(At("none"), At("other"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.Link(At("none"), At("other"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.ListFiles(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.ListDirectories(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.SyncDirectory(At("none"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.Create(At("none", "a"))));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.CreateRegion(At("none", "a"), 4096)));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => Files.Lock(At("none", "a"), "me")));
        Assert.False(Files.FileExists(At("none")));
        Assert.False(Files.DirectoryExists(At("none")));
        Files.Delete(At("none"));
        Files.Delete(At("none", "a"));
        Files.DeleteDirectory(At("none"));
        Assert.Contains(At("none"), Assert.Throws<AevumException>(() => Files.OpenRead(At("none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_is_not_a_directory_and_the_other_way_round()
    {
        Files.CreateDirectory(At("d"));
        Write(At("f"), "x");
        Assert.False(Files.FileExists(At("d")));
        Assert.False(Files.DirectoryExists(At("f")));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.OpenRead(At("d"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Create(At("d"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Delete(At("d"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.CreateDirectory(At("f"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.DeleteDirectory(At("f"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Rename(At("f"), At("d"))));
        Assert.True(Files.DirectoryExists(At("d")));
        Assert.Equal("x", ReadText(At("f")));
    }

    [Fact]
    public void Rename_replaces_the_target_and_open_handles_keep_their_content()
    {
        Write(At("a"), "new");
        Write(At("b"), "old");
        using var old = Files.OpenRead(At("b"));
        Files.Rename(At("a"), At("b"));
        Assert.False(Files.FileExists(At("a")));
        Assert.Equal("new", ReadText(At("b")));
        var target = new byte[3];
        Assert.Equal(3, old.Read(0, target));
        Assert.Equal("old"u8, target);
        Files.Rename(At("b"), At("b"));
        Assert.Equal("new", ReadText(At("b")));
    }

    [Fact]
    public void A_file_that_is_being_written_may_be_renamed()
    {
        using (var file = Files.Create(At("a.tmp")))
        {
            file.Append("one"u8);
            file.Sync();
            Files.Rename(At("a.tmp"), At("a"));
            Files.SyncDirectory(Home);
            file.Append("two"u8);
        }
        Assert.Equal("onetwo", ReadText(At("a")));
    }

    [Fact]
    public void Directories_may_be_renamed_with_what_they_hold()
    {
        Files.CreateDirectory(At("d", "e"));
        Write(At("d", "e", "f"), "x");
        Files.Rename(At("d"), At("g"));
        Assert.Equal("x", ReadText(At("g", "e", "f")));
        Assert.False(Files.DirectoryExists(At("d")));
        Files.CreateDirectory(At("full"));
        Write(At("full", "f"), "x");
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Rename(At("g"), At("full"))));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Rename(At("g"), At("g", "e", "inside"))));
    }

    [Fact]
    public void A_deleted_file_lives_on_for_those_who_have_it_open()
    {
        Write(At("a"), "abc");
        using (var read = Files.OpenRead(At("a")))
        {
            Files.Delete(At("a"));
            Assert.False(Files.FileExists(At("a")));
            Assert.Equal(1, read.Read(2, new byte[10]));
        }
        Assert.Empty(Files.ListFiles(Home));
    }

    [Fact]
    public void A_link_is_a_second_name_that_outlives_the_first()
    {
        Write(At("a"), "abc");
        Files.CreateDirectory(At("d"));
        Files.Link(At("a"), At("d", "b"));
        Files.Delete(At("a"));
        Assert.Equal("abc", ReadText(At("d", "b")));
        Write(At("c"), "other");
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.Link(At("c"), At("d", "b"))));
        Assert.Equal("abc", ReadText(At("d", "b")));
    }

    [Fact]
    public void Lists_hold_names_in_ordinal_order_and_tell_files_from_directories()
    {
        foreach (var name in new[] { "b", "B", "a10", "a2", "ä", "_" }) Write(At(name), "");
        foreach (var name in new[] { "z", "y", "Z" }) Files.CreateDirectory(At(name));
        Assert.Equal(["B", "_", "a10", "a2", "b", "ä"], Files.ListFiles(Home));
        Assert.Equal(["Z", "y", "z"], Files.ListDirectories(Home));
        Files.SyncDirectory(Home);
        Files.DeleteDirectory(At("y"));
        Assert.Equal(["Z", "z"], Files.ListDirectories(Home));
    }

    [Fact]
    public void Directories_are_created_with_their_parents_and_deleted_only_when_empty()
    {
        Files.CreateDirectory(At("a", "b", "c"));
        Files.CreateDirectory(At("a", "b", "c"));
        Assert.True(Files.DirectoryExists(At("a", "b")));
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.DeleteDirectory(At("a"))));
        Write(At("a", "b", "c", "f"), "");
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => Files.DeleteDirectory(At("a", "b", "c"))));
        Files.Delete(At("a", "b", "c", "f"));
        Files.DeleteDirectory(At("a", "b", "c"));
        Assert.False(Files.DirectoryExists(At("a", "b", "c")));
    }

    [Fact]
    public void A_new_region_is_zero_and_keeps_what_is_stored()
    {
        const int Capacity = 300_000;
        var bytes = RandomBytes(Capacity, 5);
        using (var region = Files.CreateRegion(At("r"), Capacity))
        {
            Assert.Equal(Capacity, region.Capacity);
            Assert.Equal(Capacity, Files.FileLength(At("r")));
            region.Prepare(0, Capacity);
            Assert.True(region.GetSpan(0, Capacity).IndexOfAnyExcept((byte)0) < 0);
            for (var offset = 0; offset < Capacity; offset += 10_000)
            {
                bytes.AsSpan(offset, 10_000).CopyTo(region.GetSpan(offset, 10_000));
                region.Publish(offset, offset + 10_000);
                if (offset % 100_000 == 0) region.Sync();
                if (offset % 100_000 == 50_000) region.SyncRange(offset, offset + 10_000);
            }
            Assert.Equal(bytes, region.GetSpan(0, Capacity).ToArray());
            Assert.Equal(bytes, ReadAll(At("r")));      // published: other readers of the file see it
        }
        Assert.Equal(bytes, ReadAll(At("r")));
    }

    [Fact]
    public void A_region_can_be_opened_again_and_renamed_and_written_on()
    {
        using (var region = Files.CreateRegion(At("r"), 8192))
        {
            "first"u8.CopyTo(region.GetSpan(0, 5));
            region.Publish(0, 5);
        }
        Files.Rename(At("r"), At("s"));
        using (var region = Files.OpenRegion(At("s")))
        {
            Assert.Equal(8192, region.Capacity);
            Assert.Equal("first"u8, region.GetSpan(0, 5));
            "SECOND"u8.CopyTo(region.GetSpan(5000, 6));
            region.Publish(5000, 5006);
            region.Sync();
            Files.Rename(At("s"), At("t"));
            "third"u8.CopyTo(region.GetSpan(100, 5));
            region.Publish(100, 105);
        }
        var all = ReadAll(At("t"));
        Assert.Equal("first"u8, all.AsSpan(0, 5));
        Assert.Equal("SECOND"u8, all.AsSpan(5000, 6));
        Assert.Equal("third"u8, all.AsSpan(100, 5));
    }

    [Fact]
    public void Any_file_can_be_opened_as_a_region_whatever_its_length()
    {
        Write(At("odd"), "12345");
        using (var region = Files.OpenRegion(At("odd")))
        {
            Assert.Equal(5, region.Capacity);
            region.GetSpan(1, 1)[0] = (byte)'x';
            region.Publish(1, 2);
        }
        Assert.Equal("1x345", ReadText(At("odd")));
        Write(At("empty"), "");
        using var empty = Files.OpenRegion(At("empty"));
        Assert.Equal(0, empty.Capacity);
        Assert.True(empty.GetSpan(0, 0).IsEmpty);
        empty.Publish(0, 0);
        empty.Prepare(0, 0);
        empty.Sync();
    }

    [Fact]
    public void A_region_refuses_what_lies_outside_of_it()
    {
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => Files.CreateRegion(At("r"), 0)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => Files.CreateRegion(At("r"), -5)));
        Assert.False(Files.FileExists(At("r")));
        using var region = Files.CreateRegion(At("r"), 4096);
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.GetSpan(0, 4097)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.GetSpan(-1, 1)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.GetSpan(10, -1)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.GetSpan(long.MaxValue, int.MaxValue)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.Publish(4000, 4097)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.Publish(2, 1)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.SyncRange(0, 4097)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => region.Prepare(-1, 1)));
        Assert.Equal(0, region.GetSpan(4096, 0).Length);
    }

    [Fact]
    public void Creating_a_region_over_one_leaves_the_old_one_alone()
    {
        using var old = Files.CreateRegion(At("r"), 4096);
        old.GetSpan(0, 1)[0] = 1;
        old.Publish(0, 1);
        using var young = Files.CreateRegion(At("r"), 8192);
        Assert.Equal(0, young.GetSpan(0, 1)[0]);
        Assert.Equal(1, old.GetSpan(0, 1)[0]);
        Assert.Equal(8192, Files.FileLength(At("r")));
    }

    [Fact]
    public unsafe void A_closed_handle_says_so_and_may_be_closed_twice()
    {
        var written = Files.Create(At("a"));
        written.Append("abc"u8);
        written.Dispose();
        written.Dispose();
        Assert.Equal(ErrorCode.Closed, CodeOf(() => written.Append("x"u8)));
        Assert.Equal(ErrorCode.Closed, CodeOf(written.Sync));
        var read = Files.OpenRead(At("a"));
        read.Dispose();
        read.Dispose();
        Assert.Equal(ErrorCode.Closed, CodeOf(() => read.Read(0, new byte[1])));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => read.TryMap(out _)));
        var region = Files.CreateRegion(At("r"), 4096);
        region.Dispose();
        region.Dispose();
        Assert.Equal(ErrorCode.Closed, CodeOf(() => region.GetSpan(0, 1)));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => region.Publish(0, 1)));
        Assert.Equal(ErrorCode.Closed, CodeOf(region.Sync));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => region.Prepare(0, 1)));
    }

    [Fact]
    public void A_lock_excludes_others_and_names_its_holder()
    {
        var held = Files.Lock(At("LOCK"), "process 42 on host a");
        var refused = Assert.ThrowsAny<AevumException>(() => Files.Lock(At("LOCK"), "process 43"));
        Assert.Equal(ErrorCode.Locked, refused.Code);
        Assert.Contains("process 42 on host a", refused.Message, StringComparison.Ordinal);
        held.Dispose();
        held.Dispose();
        using (Files.Lock(At("LOCK"), "me"))
        {
            var again = Assert.ThrowsAny<AevumException>(() => Files.Lock(At("LOCK"), "process 44"));
            Assert.DoesNotContain("42", again.Message, StringComparison.Ordinal);
            Assert.Contains("me", again.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Readers_share_a_lock_and_keep_its_holder_out()
    {
        Files.LockShared(At("LOCK")).Dispose();   // there is no such file: nothing to be kept out
        Assert.False(Files.FileExists(At("LOCK")));
        var held = Files.Lock(At("LOCK"), "process 42\n127.0.0.1:6379");
        var refused = Assert.Throws<LockedException>(() => Files.LockShared(At("LOCK")));
        Assert.Equal(("process 42", "127.0.0.1:6379"), (refused.Holder, refused.Endpoint));
        held.Dispose();
        var first = Files.LockShared(At("LOCK"));
        var second = Files.LockShared(At("LOCK"));
        first.Dispose();
        first.Dispose();
        Assert.Equal(ErrorCode.Locked, CodeOf(() => Files.Lock(At("LOCK"), "process 43")));
        second.Dispose();
        Files.Lock(At("LOCK"), "process 44").Dispose();
    }

    [Fact]
    public void Reading_and_touching_a_region_allocate_nothing()
    {
        Write(At("a"), new string('x', 10_000));
        using var read = Files.OpenRead(At("a"));
        using var region = Files.CreateRegion(At("r"), 65_536);
        region.Prepare(0, 65_536);
        var target = new byte[500];
        var sum = 0;
        void Touch(int times)
        {
            for (var i = 0; i < times; i++)
            {
                sum += read.Read(i % 5_000, target);
                var span = region.GetSpan(i % 60_000, 100);
                span[0]++;
                region.Publish(i % 60_000, i % 60_000 + 100);
            }
        }

        Touch(100);     // the first calls may set things up
        var before = GC.GetAllocatedBytesForCurrentThread();
        Touch(1_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1_100 * 500, sum);
    }

    [Fact]
    public void Many_threads_read_one_file_while_it_grows()
    {
        using var file = Files.Create(At("a"));
        using var read = Files.OpenRead(At("a"));
        var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        var done = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            try
            {
                var target = new byte[1000];
                while (Volatile.Read(ref done) == 0)
                {
                    var length = read.Length;
                    var offset = Math.Max(0, length - 1000);
                    var count = read.Read(offset, target);
                    Assert.True(count >= length - offset);
                    for (var i = 0; i < count; i++) Assert.Equal((byte)((offset + i) % 251), target[i]);
                }
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        })).ToArray();
        foreach (var reader in readers) reader.Start();
        var bytes = new byte[700];
        for (var i = 0; i < 300; i++)
        {
            for (var j = 0; j < bytes.Length; j++) bytes[j] = (byte)((i * bytes.Length + j) % 251);
            file.Append(bytes);
        }
        Volatile.Write(ref done, 1);
        foreach (var reader in readers) reader.Join();
        Assert.Empty(failures);
    }
}
