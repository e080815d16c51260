// AppliedCopies: the applied stream for those who have time: each batch as an object of its own, in an asynchronous loop.
//
//   await foreach (var batch in subscription.ReadAllAsync(cancellation)) ...

using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Time;

namespace Aevum.Model.Access;

/// <summary>A copy of an <see cref="AppliedBatch"/>, for keeps.</summary>
/// <param name="Token">To resume behind it; null inside a snapshot.</param>
public sealed record AppliedCopy(
    AppliedKind Kind, uint Shard, ulong Position, SystemTime Time, CommitNote? Note, IReadOnlyList<AppliedEffect> Effects, StreamToken? Token);

/// <param name="Value">The value, the merge operand, or the end of the range.</param>
/// <param name="Expiry">From this time on the key counts as absent; None if never.</param>
public sealed record AppliedEffect(EffectKind Kind, byte[] Key, byte[] Value, SystemTime Expiry);

public static class AppliedCopies
{
    public static AppliedCopy Copy(in AppliedBatch batch, StreamToken? token = null)
    {
        var effects = new List<AppliedEffect>(batch.Count);
        foreach (var effect in batch) effects.Add(new(effect.Kind, effect.Key.ToArray(), effect.Value.ToArray(), effect.Expiry));
        return new(batch.Kind, batch.Shard, batch.Position, batch.Time, batch.ReadNote(), effects, token);
    }

    /// <summary>Every batch from here on, until it is cancelled. Does not dispose the subscription.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="Core.Errors.AevumException">As <see cref="ISubscription.TryNext"/>.</exception>
    public static async IAsyncEnumerable<AppliedCopy> ReadAllAsync(
        this ISubscription subscription, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            await subscription.WaitAsync(cancellation);
            while (Next(subscription) is { } copy) yield return copy;
        }
    }

    static AppliedCopy? Next(ISubscription subscription) => subscription.TryNext(out var batch)
        ? Copy(batch, subscription.IsInSnapshot ? null : subscription.Token)
        : null;
}
