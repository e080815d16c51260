using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

/// <summary>How wide the registers are that kernels use, in bits.</summary>
enum KernelWidth
{
    Scalar = 0,
    Bits128 = 128,
    Bits256 = 256,
    Bits512 = 512,
}

static class KernelWidths
{
    /// <summary>The widest that this machine runs in hardware.</summary>
    public static KernelWidth Best { get; } =
        Vector512.IsHardwareAccelerated ? KernelWidth.Bits512
        : Vector256.IsHardwareAccelerated ? KernelWidth.Bits256
        : Vector128.IsHardwareAccelerated ? KernelWidth.Bits128
        : KernelWidth.Scalar;

    /// <summary>Every width that this machine can run; the wide ones are right everywhere, but slow where they are not in hardware.</summary>
    public static IReadOnlyList<KernelWidth> All { get; } = [KernelWidth.Scalar, KernelWidth.Bits128, KernelWidth.Bits256, KernelWidth.Bits512];
}
