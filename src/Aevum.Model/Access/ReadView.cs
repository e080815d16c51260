// ReadView: where a read stands. Three coordinates in one value, carried by each read of a question: branch, system time, valid time.
//
// Branches and valid time come with the models that have them; their places are kept: a view without them means the main branch and objects
// without valid time, and code that passes views on need not change.

using Aevum.Core.Time;

namespace Aevum.Model.Access;

/// <param name="At">Versions above this time are not seen; <see cref="SystemTime.Max"/>: the present.</param>
public readonly record struct ReadView(SystemTime At)
{
    /// <summary>The time that expiries are held against, of a view whose moment is the last commit's; <see cref="SystemTime.None"/>: <see cref="At"/>, or the
    /// clock's for the present.</summary>
    public SystemTime Now { get; init; }

    /// <summary>What is committed now. Two reads may see two moments.</summary>
    public static ReadView Present => new(SystemTime.Max);

    /// <summary>The database as it was at a moment, what had expired by then absent.</summary>
    public static ReadView AsOf(SystemTime moment) => new(moment);

    public bool IsPresent => At == SystemTime.Max;
}
