namespace Aevum.Core.Batches;

/// <summary>Who committed a batch, and why: kept as one row beside the batch's effects, so that history can be joined to its author.</summary>
/// <param name="Actor">The agent, user or service on whose behalf it was.</param>
/// <param name="Run">The session, task or conversation it belongs to.</param>
/// <param name="Source">Where what was written comes from.</param>
/// <param name="Trace">A trace context, to find the request again.</param>
/// <param name="IdempotencyKey">A batch with a key that was committed before is not done again: its first answer is given.</param>
public sealed record CommitNote(
    string? Actor = null, string? Run = null, string? Source = null, string? Trace = null, string? IdempotencyKey = null)
{
    /// <summary>Longest field, in UTF-8 bytes.</summary>
    public const int FieldBytesMax = 1024;
}
