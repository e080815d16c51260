using System.Globalization;

namespace Aevum.Storage.Checking;

/// <summary>Something in a store that is not what it must be.</summary>
/// <param name="Path">The file.</param>
/// <param name="Offset">Bytes from its start; null where no single place is wrong.</param>
/// <param name="Text">What is wrong.</param>
public sealed record CheckProblem(string Path, long? Offset, string Text)
{
    public override string ToString() =>
        Offset is { } at ? string.Create(CultureInfo.InvariantCulture, $"{Path} at byte {at}: {Text}") : $"{Path}: {Text}";
}

/// <summary>What a check found.</summary>
public sealed record CheckReport
{
    /// <summary>Empty: the store is sound.</summary>
    public required IReadOnlyList<CheckProblem> Problems { get; init; }

    /// <summary>What is worth knowing and nothing wrong: files that the next open removes, a write that a crash cut short.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public int Tables { get; init; }

    public long TableBytes { get; init; }

    /// <summary>Versions and range deletes in tables.</summary>
    public long Versions { get; init; }

    public int LogSegments { get; init; }

    public long LogRecords { get; init; }

    public bool IsSound => Problems.Count == 0;
}

/// <summary>Is told how far a check has come.</summary>
public interface ICheckProgress
{
    /// <param name="stage">What is being looked at.</param>
    /// <param name="total">How much of it there is, in the unit of <see cref="Advance"/>.</param>
    void Begin(string stage, long total);

    void Advance(long count);
}

/// <summary>Collects what the parts of a check find; stops counting where a store is so damaged that a list would help nobody.</summary>
sealed class CheckFindings
{
    public const int ProblemsMax = 1000;

    readonly List<CheckProblem> _problems = [];
    readonly HashSet<string> _texts = [];

    public IReadOnlyList<CheckProblem> Problems => _problems;

    public List<string> Notes { get; } = [];

    public bool IsFull => _problems.Count >= ProblemsMax;

    public void Report(string path, long? offset, string text)
    {
        var problem = new CheckProblem(path, offset, text);
        if (!IsFull && _texts.Add(problem.ToString())) _problems.Add(problem);
    }

    public void Report(string path, Core.Errors.AevumException failure)
    {
        if (failure is not Core.Errors.CorruptionException { File: not null } damage)
        {
            Report(path, null, failure.Message);
            return;
        }
        // The message begins with file and offset, which the problem carries by itself.
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{damage.File} at byte {damage.Offset}: ");
        var text = damage.Message.StartsWith(prefix, StringComparison.Ordinal) ? damage.Message[prefix.Length..] : damage.Message;
        Report(damage.File, damage.Offset, text.Replace(" The file is left untouched.", "", StringComparison.Ordinal));
    }
}
