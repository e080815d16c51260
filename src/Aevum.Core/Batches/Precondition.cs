// Precondition: what must hold when a step's turn comes, or the step is not done.

using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public enum PreconditionKind : byte
{
    None = 0,

    /// <summary>The key holds no value.</summary>
    Absent = 1,

    /// <summary>The key holds a value.</summary>
    Present = 2,

    /// <summary>The key's value was written at the expected time; <see cref="SystemTime.None"/>: the key holds none.</summary>
    Version = 3,

    /// <summary>The key holds exactly the expected bytes.</summary>
    Value = 4,

    /// <summary>Nothing in the key or range was written or deleted after the expected time.</summary>
    Unchanged = 5,

    /// <summary>Nothing was written in the range, and no key of it deleted, after the expected time. Deletes of whole ranges do not count: for who found
    /// nothing there at that time they change nothing.</summary>
    Unwritten = 6,
}

/// <summary>A condition on one key (or, <see cref="PreconditionKind.Unchanged"/> and <see cref="PreconditionKind.Unwritten"/>,
/// a range), as a view over the caller's bytes.</summary>
public readonly ref struct Precondition
{
    public PreconditionKind Kind { get; private init; }

    /// <summary>Of <see cref="PreconditionKind.Version"/>, <see cref="PreconditionKind.Unchanged"/> and <see cref="PreconditionKind.Unwritten"/>.</summary>
    public SystemTime Time { get; private init; }

    /// <summary>Of <see cref="PreconditionKind.Value"/>.</summary>
    public ReadOnlySpan<byte> Bytes { get; private init; }

    public static Precondition None => default;

    public static Precondition Absent => new() { Kind = PreconditionKind.Absent };

    public static Precondition Present => new() { Kind = PreconditionKind.Present };

    public static Precondition AtVersion(SystemTime version) => new() { Kind = PreconditionKind.Version, Time = version };

    public static Precondition Holding(ReadOnlySpan<byte> value) => new() { Kind = PreconditionKind.Value, Bytes = value };

    public static Precondition UnchangedSince(SystemTime moment) => new() { Kind = PreconditionKind.Unchanged, Time = moment };

    /// <summary>Of a range alone.</summary>
    public static Precondition UnwrittenSince(SystemTime moment) => new() { Kind = PreconditionKind.Unwritten, Time = moment };
}
