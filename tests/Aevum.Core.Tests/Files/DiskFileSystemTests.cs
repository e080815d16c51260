using System.Diagnostics;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Core.Tests.Files;

/// <summary>The contract on a directory of the machine's temporary directory, in each way the disk can be used.</summary>
public abstract class DiskFileSystemContract : FileSystemContract, IDisposable
{
    protected DiskFileSystemContract(DiskOptions options)
    {
        Files = new DiskFileSystem(options);
        Home = Directory.CreateTempSubdirectory("aevum-files-").FullName;
    }

    protected override IFileSystem Files { get; }

    protected override string Home { get; }

    public void Dispose()
    {
        Directory.Delete(Home, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_region_says_truly_whether_it_is_mapped()
    {
        using var region = Files.CreateRegion(At("r"), 4096);
        "x"u8.CopyTo(region.GetSpan(7, 1));
        // Another reader of the file sees an unpublished store exactly if the store went straight to the page cache.
        using var read = new DiskFileSystem().OpenRead(At("r"));
        var target = new byte[1];
        Assert.Equal(1, read.Read(7, target));
        Assert.Equal(region.IsMapped, target[0] == 'x');
        region.Publish(7, 8);
        Assert.Equal(1, read.Read(7, target));
        Assert.Equal((byte)'x', target[0]);
    }

    [Fact]
    public void The_space_of_a_region_is_really_allocated()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var region = Files.CreateRegion(At("r"), 3_000_000);
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b %B %s", At("r")]) { RedirectStandardOutput = true })!;
        var numbers = stat.StandardOutput.ReadToEnd().Split().Where(part => part.Length > 0).Select(long.Parse).ToArray();
        Assert.Equal(3_000_000, numbers[2]);
        Assert.True(numbers[0] * numbers[1] >= 3_000_000, $"{numbers[0]} blocks of {numbers[1]} bytes");
    }

    [Fact]
    public void No_temporary_names_are_left()
    {
        Write(At("a"), "abc");
        Files.Link(At("a"), At("b"));
        Assert.Equal(["a", "b"], Files.ListFiles(Home));
    }

    [Fact]
    public void A_region_beyond_the_disk_is_refused_and_leaves_nothing_behind()
    {
        // A memory file system refuses what is beyond its size at once; on a real disk the kernel would first fill it.
        if (!Directory.Exists("/dev/shm") || !((DiskFileSystem)Files).UsesNativeCalls) return;
        var path = $"/dev/shm/aevum-test-{Path.GetFileName(Home)}";
        var full = Assert.Throws<AevumException>(() => Files.CreateRegion(path, 1L << 50));
        Assert.Equal(ErrorCode.DiskFull, full.Code);
        Assert.Contains(path, full.Message, StringComparison.Ordinal);
        Assert.False(Files.FileExists(path));
    }
}

public sealed class MappedDiskFileSystemTests() : DiskFileSystemContract(new DiskOptions())
{
    [Fact]
    public void On_the_usual_file_systems_regions_are_mapped()
    {
        if (!OperatingSystem.IsLinux() || new DriveInfo(Home).DriveFormat is not ("ext4" or "ext3" or "ext2" or "xfs" or "tmpfs")) return;
        using var region = Files.CreateRegion(At("r"), 4096);
        Assert.True(region.IsMapped);
    }

    [Fact]
    public void An_opened_region_with_holes_is_filled_before_it_is_mapped()
    {
        if (!OperatingSystem.IsLinux()) return;
        using (var sparse = File.OpenHandle(At("r"), FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(sparse, 1 << 20);
            RandomAccess.Write(sparse, "data"u8, 500_000);
        }
        using var region = Files.OpenRegion(At("r"));
        Assert.Equal("data"u8, region.GetSpan(500_000, 4));
        Assert.Equal(0, region.GetSpan(0, 1)[0]);
        if (!region.IsMapped) return;
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", At("r")]) { RedirectStandardOutput = true })!;
        Assert.True(long.Parse(stat.StandardOutput.ReadToEnd()) * 512 >= 1 << 20);
    }

    [Fact]
    public void The_boot_id_stays_the_same()
    {
        Assert.Equal(Files.BootId, new DiskFileSystem().BootId);
        if (OperatingSystem.IsLinux()) Assert.Equal(36, Files.BootId.Length);
    }

    [Fact]
    public void Errors_of_the_system_get_their_codes()
    {
        if (!OperatingSystem.IsLinux()) return;
        Assert.Equal(ErrorCode.DiskFull, DiskErrors.From("p", "writing", new IOException("x", 28)).Code);
        Assert.Equal(ErrorCode.DiskFull, DiskErrors.From("p", "writing", new IOException("x", 122)).Code);
        Assert.Equal(ErrorCode.InputOutput, DiskErrors.From("p", "writing", new IOException("x", 5)).Code);
        Assert.Equal(ErrorCode.InputOutput, DiskErrors.From("p", "writing", new UnauthorizedAccessException()).Code);
        Assert.Equal(ErrorCode.NotFound, DiskErrors.From("p", "opening", new FileNotFoundException()).Code);
        Assert.Equal(ErrorCode.DiskFull, DiskErrors.FromErrno("p", "writing", 28).Code);
        Assert.Equal(ErrorCode.InputOutput, DiskErrors.FromErrno("p", "writing", 5).Code);
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => Files.OpenRead("")));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => Files.Rename("a\0b", "c")));
    }

    [Fact]
    public void A_device_without_space_is_DiskFull_and_the_length_stays()
    {
        if (!File.Exists("/dev/full")) return;
        using var handle = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        using var file = new DiskWritableFile("/dev/full", handle, native: true);
        Assert.Equal(ErrorCode.DiskFull, CodeOf(() => file.Append("abc"u8)));
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public void A_failed_sync_is_final()
    {
        // A pipe cannot be synced: the one sync that fails without special hardware.
        if (!OperatingSystem.IsLinux()) return;
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        using var file = new DiskWritableFile("pipe", handle, native: true);
        Assert.Equal(ErrorCode.InputOutput, CodeOf(file.Sync));
        Assert.Contains("earlier sync failed", Assert.Throws<AevumException>(file.Sync).Message, StringComparison.Ordinal);
        Assert.Contains("earlier sync failed", Assert.Throws<AevumException>(() => file.Append("x"u8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lock_holds_against_another_process_and_ends_with_it()
    {
        // util-linux's flock is the other process: it holds the lock until it is killed.
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/flock")) return;
        File.WriteAllText(At("LOCK"), "somebody else");
        string[] arguments = ["-n", "-F", At("LOCK"), "sh", "-c", "echo held; exec sleep 60"];
        using var other = Process.Start(new ProcessStartInfo("/usr/bin/flock", arguments)
        {
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("held", other.StandardOutput.ReadLine());
        var refused = Assert.ThrowsAny<AevumException>(() => Files.Lock(At("LOCK"), "me"));
        Assert.Equal(ErrorCode.Locked, refused.Code);
        Assert.Contains("somebody else", refused.Message, StringComparison.Ordinal);
        other.Kill();
        other.WaitForExit();
        using var mine = Files.Lock(At("LOCK"), "me");
        Assert.Equal("me", Encoding.UTF8.GetString(ReadLocked(At("LOCK"))));
    }

    static byte[] ReadLocked(string path)
    {
        using var file = LibC.OpenForReading(path, out _)!;
        var bytes = new byte[RandomAccess.GetLength(file)];
        RandomAccess.Read(file, bytes, 0);
        return bytes;
    }
}

public sealed class StagedDiskFileSystemTests() : DiskFileSystemContract(new DiskOptions { RegionMapping = RegionMapping.Never });

public sealed class ManagedDiskFileSystemTests() : DiskFileSystemContract(new DiskOptions { UseNativeCalls = false });

public sealed class ManagedMappedDiskFileSystemTests()
    : DiskFileSystemContract(new DiskOptions { UseNativeCalls = false, RegionMapping = RegionMapping.Always });
