namespace Aevum.Core.Batches;

/// <summary>Sizes above which a write is refused with <see cref="Errors.ErrorCode.LimitExceeded"/>.</summary>
public sealed record BatchLimits
{
    public static BatchLimits Default { get; } = new();

    /// <summary>Longest key, in bytes.</summary>
    public int KeyBytesMax { get; init; } = 64 << 10;

    /// <summary>Longest value or merge operand, in bytes.</summary>
    public int ValueBytesMax { get; init; } = 512 << 20;

    /// <summary>Most bytes of one batch, unless it is a single effect, which may carry a value of any allowed size.</summary>
    public int BatchBytesMax { get; init; } = 64 << 20;
}
