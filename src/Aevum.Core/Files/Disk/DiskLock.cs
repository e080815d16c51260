// DiskLock: an exclusive lock on a file that ends with the process (flock on Unix, a sharing mode on Windows), and the holder's text in it.
//
// On Unix .NET refuses to open for reading what is locked, so the refused read the text through LibC, which takes no part in that. Where
// LibC is not available the lock lies on a sibling (path + ".lock"), and the text stays readable. The file is never deleted: a second
// process might just have opened it, and would then lock a file without a name.

using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

sealed class DiskLock : IDisposable
{
    readonly SafeFileHandle _locked;
    readonly SafeFileHandle _text;

    DiskLock(SafeFileHandle locked, SafeFileHandle text)
    {
        _locked = locked;
        _text = text;
    }

    public static DiskLock Take(string path, string holder, bool native)
    {
        native &= LibC.IsAvailable;
        var apart = !native && !OperatingSystem.IsWindows();
        SafeFileHandle? locked = null;
        SafeFileHandle? text = null;
        try
        {
            var share = OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;
            try
            {
                locked = File.OpenHandle(apart ? path + ".lock" : path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share);
            }
            catch (IOException e) when (IsSharingViolation(e))
            {
                throw FileErrors.Locked(path, ReadHolder(path, native));
            }
            if (native)
            {
                // .NET took the same lock, unless it was told not to or the file system knows no locks. Here it is not optional.
                var error = LibC.LockFile(locked);
                if (error == LibC.WouldBlock) throw FileErrors.Locked(path, ReadHolder(path, native));
                if (error != 0) throw DiskErrors.FromErrno(path, "locking", error);
            }
            text = apart ? File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite) : locked;
            RandomAccess.SetLength(text, 0);
            RandomAccess.Write(text, Encoding.UTF8.GetBytes(holder), 0);
            return new DiskLock(locked, text);
        }
        catch (Exception e)
        {
            text?.Dispose();
            locked?.Dispose();
            if (DiskErrors.Is(e)) throw DiskErrors.From(path, "locking", e);
            throw;
        }
    }

    public static IDisposable TakeShared(string path, bool native)
    {
        native &= LibC.IsAvailable;
        var apart = !native && !OperatingSystem.IsWindows();
        SafeFileHandle? locked = null;
        try
        {
            locked = File.OpenHandle(apart ? path + ".lock" : path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (!native) return locked;
            var error = LibC.LockFileShared(locked);
            if (error == LibC.WouldBlock) throw FileErrors.Locked(path, ReadHolder(path, native));
            if (error != 0) throw DiskErrors.FromErrno(path, "locking", error);
            return locked;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new NothingLocked();
        }
        catch (Exception e)
        {
            locked?.Dispose();
            if (e is IOException sharing && IsSharingViolation(sharing)) throw FileErrors.Locked(path, ReadHolder(path, native));
            if (DiskErrors.Is(e)) throw DiskErrors.From(path, "locking", e);
            throw;
        }
    }

    sealed class NothingLocked : IDisposable
    {
        public void Dispose() { }
    }

    static bool IsSharingViolation(IOException e) =>
        OperatingSystem.IsWindows() ? e.HResult is unchecked((int)0x80070020) or unchecked((int)0x80070021) : e.HResult == LibC.WouldBlock;

    static string ReadHolder(string path, bool native)
    {
        try
        {
            using var file = native
                ? LibC.OpenForReading(path, out _)
                : File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file is null) return "";
            var bytes = new byte[1024];
            return Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            return "";
        }
    }

    public void Dispose()
    {
        if (_locked.IsClosed) return;
        try
        {
            RandomAccess.SetLength(_text, 0);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            // Only the text of a holder that is gone stays behind; the next one replaces it.
        }
        _text.Dispose();
        _locked.Dispose();
    }
}
