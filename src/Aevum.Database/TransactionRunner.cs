using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum;

/// <summary>Tries a transaction again when others were faster, after pauses that grow and differ by chance.</summary>
static class TransactionRunner
{
    static readonly TimeSpan PauseMin = TimeSpan.FromMicroseconds(50);
    static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(20);

    public static T Run<T>(Session session, Func<Transaction, T> action, Isolation isolation, int attemptsMax)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (attemptsMax < 1) Throw.Invalid($"a transaction is tried at least once, not {attemptsMax} times");
        var order = 0UL;
        for (var attempt = 1; ; attempt++)
        {
            using var transaction = session.Begin(isolation);
            // Who tries again keeps its age, or it might give way for ever.
            if (order == 0) order = transaction.Order;
            else transaction.Order = order;
            try
            {
                var result = action(transaction);
                if (transaction.IsOpen) transaction.Commit();
                return result;
            }
            catch (AevumException again) when (attempt < attemptsMax && again.Code is ErrorCode.Conflict or ErrorCode.Deadlock)
            {
            }
            Pause(session.Database, attempt);
        }
    }

    public static async ValueTask<T> RunAsync<T>(
        Session session, Func<Transaction, ValueTask<T>> action, Isolation isolation, int attemptsMax, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (attemptsMax < 1) Throw.Invalid($"a transaction is tried at least once, not {attemptsMax} times");
        var order = 0UL;
        for (var attempt = 1; ; attempt++)
        {
            if (cancellation.IsCancellationRequested) throw new AevumException(ErrorCode.Cancelled, "the transaction was cancelled before it was committed");
            using var transaction = session.Begin(isolation);
            if (order == 0) order = transaction.Order;
            else transaction.Order = order;
            try
            {
                var result = await action(transaction);
                if (transaction.IsOpen) await transaction.CommitAsync(cancellation);
                return result;
            }
            catch (AevumException again) when (attempt < attemptsMax && again.Code is ErrorCode.Conflict or ErrorCode.Deadlock)
            {
            }
            if (PauseAfter(session.Database, attempt) is { } pause) await session.Database.Shards.PauseAsync(pause, cancellation);
        }
    }

    static void Pause(Database database, int attempt)
    {
        if (PauseAfter(database, attempt) is { } pause) database.Shards.Pause(pause);
    }

    static TimeSpan? PauseAfter(Database database, int attempt)
    {
        if (attempt < 3) return null;   // mostly the other one is through by now
        var longest = Math.Min(PauseMin.Ticks << Math.Min(attempt - 3, 20), PauseMax.Ticks);
        return TimeSpan.FromTicks(database.Shards.Chance.Next((int)longest) + 1);
    }
}
