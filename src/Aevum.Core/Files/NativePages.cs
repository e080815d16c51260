// NativePages: asks the operating system for large pages under native memory. A hint only: memory works the same without it.
//
// It stands here because this folder is the one home of calls into the C library.

namespace Aevum.Core.Files;

public static unsafe class NativePages
{
    /// <summary>Size and alignment, in bytes, that memory needs for a large page to fit under it.</summary>
    public const int LargePageBytes = 2 << 20;

    /// <summary>Lets the kernel back [<paramref name="memory"/>, + <paramref name="bytes"/>) with large pages: the first touch of fresh memory
    /// then costs about a quarter, and walks over it miss the TLB less. Does nothing where there are none.</summary>
    public static void PreferLarge(void* memory, long bytes)
    {
        if (OperatingSystem.IsLinux()) _ = LibC.Advise((byte*)memory, bytes, LibC.MadviseHugePage);
    }
}
