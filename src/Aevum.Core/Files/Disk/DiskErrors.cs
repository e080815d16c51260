// DiskErrors: what the operating system and .NET say went wrong, turned into our codes. DiskFull is told from everything else, because
// a full disk only refuses writes while any other failure of a write stops the database.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Core.Files;

static class DiskErrors
{
    // Windows: ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED as HRESULTs.
    const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    const int WindowsDiskFull = unchecked((int)0x80070070);
    const int WindowsQuotaExceeded = unchecked((int)0x8007050F);

    /// <summary>True for what file APIs throw; our own exceptions and programming errors pass by.</summary>
    public static bool Is(Exception e) =>
        e is IOException or UnauthorizedAccessException or ObjectDisposedException or ArgumentException or NotSupportedException
            or System.Security.SecurityException;

    public static AevumException From(string path, string what, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => FileErrors.NotFound(path, e),
        ObjectDisposedException => FileErrors.Closed(path),
        IOException when IsDiskFull(e.HResult) => FileErrors.DiskFull(path, what, e),
        // .NET reports EFBIG so: the file would be longer than this file system allows.
        ArgumentOutOfRangeException => FileErrors.InputOutput(path, $"{what}: {e.Message}", e),
        ArgumentException => new AevumException(ErrorCode.InvalidArgument, $"{path}: {what}: {e.Message}", e),
        _ => FileErrors.InputOutput(path, $"{what}: {e.Message}", e),
    };

    public static AevumException FromErrno(string path, string what, int error)
    {
        if (error == LibC.NoEntry) return FileErrors.NotFound(path);
        if (error == LibC.NoSpace || error == LibC.QuotaExceeded) return FileErrors.DiskFull(path, what);
        return FileErrors.InputOutput(path, $"{what}: error {error} ({Marshal.GetPInvokeErrorMessage(error)})");
    }

    // On Unix an IOException carries the raw errno as its HResult.
    static bool IsDiskFull(int result) => OperatingSystem.IsWindows()
        ? result is WindowsHandleDiskFull or WindowsDiskFull or WindowsQuotaExceeded
        : result == LibC.NoSpace || result == LibC.QuotaExceeded;
}
