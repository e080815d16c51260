// SubmittedBatch: a batch as a client gave it to a shard, in a form of its own that the model reads, and what became of it.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Simulation.Engine;

/// <summary>Whether a keyspace takes merges.</summary>
enum Merging
{
    Impossible,
    Possible,

    /// <summary>The catalog was being changed: either.</summary>
    Open,
}

enum Outcome
{
    /// <summary>The call has not returned.</summary>
    UnderWay,

    /// <summary>It returned: <see cref="StepBatch.Status"/> counts.</summary>
    Told,

    /// <summary>An exception said that nothing was done.</summary>
    NotDone,

    /// <summary>An exception said that nobody knows, but the process goes on: it was decided, and only a death can take it back.</summary>
    Left,

    /// <summary>Nobody knows before the next open.</summary>
    Unknown,
}

sealed record SubmittedStep(
    StepKind Kind, byte[] Key, byte[] Value, ulong Expiry = 0, PreconditionKind Condition = PreconditionKind.None, ulong ConditionTime = 0,
    byte[]? ConditionBytes = null, IProcedure? Procedure = null);

sealed class SubmittedBatch(int shard, CommitPolicy policy, IReadOnlyList<SubmittedStep> steps)
{
    public int Shard => shard;

    public CommitPolicy Policy => policy;

    public IReadOnlyList<SubmittedStep> Steps => steps;

    public CommitNote? Note { get; init; }

    public uint Namespace { get; init; }

    /// <summary>The batch that the shard was given.</summary>
    public StepBatch Batch { get; set; } = new();

    /// <summary>No time at or below this was its own.</summary>
    public ulong After { get; set; }

    /// <summary>Its time, if it got one, is at or below this.</summary>
    public ulong Until { get; set; }

    public Outcome Outcome { get; set; }

    /// <summary>When it was acknowledged, on the scheduler's clock.</summary>
    public TimeSpan ToldAt { get; set; }

    public AevumException? Failure { get; set; }

    /// <summary>For which keyspaces merges are possible: asked before and after.</summary>
    public Func<byte[], Merging> MayMerge { get; set; } = _ => Merging.Open;

    /// <summary>The catalog when it was sent.</summary>
    public CatalogSnapshot? Before { get; set; }

    /// <summary>The caller does not wait for the end.</summary>
    public bool Leaves { get; set; }

    /// <summary>It has another's idempotency key.</summary>
    public bool MisusesKey { get; init; }

    /// <summary>A change of the catalog: only what it does to other keyspaces is listed as steps.</summary>
    public bool IsCatalogs { get; init; }

    public bool HasEffects => Batch.Status == CommitStatus.Committed && Batch.Time.Value != 0;

    /// <summary>Makes the batch anew, as it is given to the shard.</summary>
    public StepBatch Fill()
    {
        Batch = new StepBatch { Policy = policy, Note = Note, Namespace = Namespace };
        foreach (var step in steps)
        {
            var condition = step.Condition switch
            {
                PreconditionKind.Absent => Precondition.Absent,
                PreconditionKind.Present => Precondition.Present,
                PreconditionKind.Version => Precondition.AtVersion(new(step.ConditionTime)),
                PreconditionKind.Value => Precondition.Holding(step.ConditionBytes),
                PreconditionKind.Unchanged => Precondition.UnchangedSince(new(step.ConditionTime)),
                _ => Precondition.None,
            };
            _ = step.Kind switch
            {
                StepKind.Put => Batch.Put(step.Key, step.Value, condition, new(step.Expiry)),
                StepKind.Delete => Batch.Delete(step.Key, condition),
                StepKind.Merge => Batch.Merge(step.Key, step.Value),
                StepKind.DeleteRange => Batch.DeleteRange(step.Key, step.Value),
                StepKind.Check when step.Value.Length > 0 => Batch.CheckUnchanged(step.Key, step.Value, new(step.ConditionTime)),
                StepKind.Check => Batch.Check(step.Key, condition),
                _ => Batch.Call(step.Procedure!, step.Key, step.Value),
            };
        }
        return Batch;
    }
}
