// NativePeer: a C library of the operating system as a second opinion. Where it is not installed, its tests show as skipped.
// Only tests load native code this way; the product has none.

using System.Runtime.InteropServices;

namespace Aevum.Core.Tests.Bytes;

public static class NativePeer
{
    public const string Lz4 = "liblz4.so.1";
    public const string XxHash = "libxxhash.so.0";

    public static nint Function(string library, string name) => NativeLibrary.GetExport(NativeLibrary.Load(library), name);
}
