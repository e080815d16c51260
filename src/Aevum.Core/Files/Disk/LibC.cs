// LibC: the calls into the operating system's C library that files need, all of them (the network has its own, SocketCalls).
// Every caller has a managed way round when IsAvailable is false.
//
// Only on 64-bit Linux and macOS, x64 and arm64: the constants below are those of these four. All signatures are blittable. None is called
// with variable arguments (macOS passes those differently on arm64): open(2) without O_CREAT has none.

using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Errors;
using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

static unsafe partial class LibC
{
    public const int ProtRead = 1;
    public const int ProtWrite = 2;
    public const int MapShared = 1;
    public const int MapPrivateFlag = 2;
    public const int MadviseRandom = 1;
    public const int MadviseHugePage = 14;
    public const int MadvisePopulateRead = 22;     // Linux 5.14
    public const int MadvisePopulateWrite = 23;
    public const int SyncAndWait = 4;              // MS_SYNC, on Linux
    public const int KeepLength = 1;               // FALLOC_FL_KEEP_SIZE
    public const int AdviceRandom = 1;             // POSIX_FADV_*, Linux
    public const int AdviceWillNeed = 3;
    public const int AdviceDontNeed = 4;
    public const int LockShared = 1;
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    // errno, where Linux and macOS agree or where it is only asked about on one of them.
    public const int NotPermitted = 1;              // EPERM
    public const int NoEntry = 2;                   // ENOENT
    public const int Interrupted = 4;               // EINTR
    public const int NoMemory = 12;                 // ENOMEM
    public const int BadAddress = 14;               // EFAULT
    public const int Exists = 17;                   // EEXIST
    public const int CrossDevice = 18;              // EXDEV
    public const int Invalid = 22;                  // EINVAL
    public const int NoSpace = 28;                  // ENOSPC
    public const int ReadOnlyFileSystem = 30;       // EROFS
    public const int TooManyLinks = 31;             // EMLINK
    public static readonly int WouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;
    public static readonly int NotImplemented = OperatingSystem.IsMacOS() ? 78 : 38;
    public static readonly int NotSupported = OperatingSystem.IsMacOS() ? 45 : 95;
    public static readonly int QuotaExceeded = OperatingSystem.IsMacOS() ? 69 : 122;

    static readonly int ReadOnlyCloseOnExec = OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    public static bool IsAvailable { get; } =
        (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS())
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64
        && Probe();

    static bool Probe()
    {
        try
        {
            return getpid() > 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <returns>0 or an errno. An interrupted call is made again.</returns>
    public static int SyncData(SafeFileHandle file) => OnDescriptor(file, OperatingSystem.IsLinux() ? &fdatasync : &fsync);

    /// <returns>0 or an errno. Linux only; blocks really reserved, zero where nothing was written, length raised if need be.</returns>
    public static int Allocate(SafeFileHandle file, long length) => Allocate(file, 0, 0, length);

    /// <returns>0 or an errno. Linux only; blocks of [<paramref name="offset"/>, + <paramref name="length"/>) reserved, the file's length as it was.</returns>
    public static int AllocateAhead(SafeFileHandle file, long offset, long length) => Allocate(file, KeepLength, offset, length);

    static int Allocate(SafeFileHandle file, int mode, long offset, long length)
    {
        var taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            while (true)
            {
                if (fallocate((int)file.DangerousGetHandle(), mode, offset, length) == 0) return 0;
                var error = Marshal.GetLastPInvokeError();
                if (error != Interrupted) return error;
            }
        }
        finally
        {
            if (taken) file.DangerousRelease();
        }
    }

    /// <summary>Tells what will become of a part of a file; a length of 0 reaches to its end. Linux only.</summary>
    /// <returns>0 or an errno.</returns>
    public static int AdviseFile(SafeFileHandle file, long offset, long length, int advice)
    {
        var taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            return posix_fadvise((int)file.DangerousGetHandle(), offset, length, advice);
        }
        finally
        {
            if (taken) file.DangerousRelease();
        }
    }

    /// <returns>0 or an errno.</returns>
    public static int LockFile(SafeFileHandle file) => OnDescriptor(file, &LockExclusively);

    static int LockExclusively(int descriptor) => flock(descriptor, LockExclusive | LockNonBlocking);

    /// <returns>0 or an errno.</returns>
    public static int LockFileShared(SafeFileHandle file) => OnDescriptor(file, &LockTogether);

    static int LockTogether(int descriptor) => flock(descriptor, LockShared | LockNonBlocking);

    /// <returns>The number that names the kind of file system (statfs f_type); 0 if it cannot be asked. Linux only.</returns>
    public static long FileSystemKind(SafeFileHandle file)
    {
        var taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            var answer = stackalloc byte[512];      // struct statfs has 120 bytes
            return fstatfs((int)file.DangerousGetHandle(), answer) == 0 ? *(long*)answer : 0;
        }
        finally
        {
            if (taken) file.DangerousRelease();
        }
    }

    /// <returns>The mapping, or null with the errno.</returns>
    public static byte* Map(SafeFileHandle file, long length, bool writable, out int error) =>
        Map(file, length, writable ? ProtRead | ProtWrite : ProtRead, MapShared, out error);

    /// <summary>Copy on write; the file may be open for reading only.</summary>
    public static byte* MapPrivate(SafeFileHandle file, long length, out int error) =>
        Map(file, length, ProtRead | ProtWrite, MapPrivateFlag, out error);

    static byte* Map(SafeFileHandle file, long length, int protection, int flags, out int error)
    {
        var taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            var memory = mmap(null, (nuint)length, protection, flags, (int)file.DangerousGetHandle(), 0);
            error = memory == (void*)-1 ? Marshal.GetLastPInvokeError() : 0;
            return error == 0 ? (byte*)memory : null;
        }
        finally
        {
            if (taken) file.DangerousRelease();
        }
    }

    public static void Unmap(byte* memory, long length) => _ = munmap(memory, (nuint)length);

    /// <returns>0 or an errno. An interrupted call is made again.</returns>
    public static int SyncMapping(byte* memory, long length)
    {
        while (true)
        {
            if (msync(memory, (nuint)length, SyncAndWait) == 0) return 0;
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) return error;
        }
    }

    /// <returns>0 or an errno.</returns>
    public static int Advise(byte* memory, long length, int advice) =>
        madvise(memory, (nuint)length, advice) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Opens a file or directory for reading without taking part in .NET's own advisory locks.</summary>
    public static SafeFileHandle? OpenForReading(string path, out int error)
    {
        fixed (byte* p = Encode(path))
        {
            var descriptor = open(p, ReadOnlyCloseOnExec);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
            return error == 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
        }
    }

    /// <returns>0 or an errno.</returns>
    public static int Sync(SafeFileHandle file) => OnDescriptor(file, &fsync);

    /// <returns>0 or an errno.</returns>
    public static int Rename(string source, string target)
    {
        fixed (byte* from = Encode(source))
        fixed (byte* to = Encode(target))
            return rename(from, to) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <returns>0 or an errno.</returns>
    public static int Link(string source, string target)
    {
        fixed (byte* from = Encode(source))
        fixed (byte* to = Encode(target))
            return link(from, to) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    static int OnDescriptor(SafeFileHandle file, delegate*<int, int> call)
    {
        var taken = false;
        try
        {
            file.DangerousAddRef(ref taken);
            while (true)
            {
                if (call((int)file.DangerousGetHandle()) == 0) return 0;
                var error = Marshal.GetLastPInvokeError();
                if (error != Interrupted) return error;
            }
        }
        finally
        {
            if (taken) file.DangerousRelease();
        }
    }

    static byte[] Encode(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal)) Throw.Invalid("a path holds a zero character");
        return Encoding.UTF8.GetBytes(path + '\0');
    }

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int descriptor, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int descriptor, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fstatfs(int descriptor, byte* answer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(void* address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int madvise(void* address, nuint length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int msync(void* address, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rename(byte* source, byte* target);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int link(byte* source, byte* target);
}
