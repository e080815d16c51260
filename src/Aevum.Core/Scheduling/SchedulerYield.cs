using System.Runtime.CompilerServices;

namespace Aevum.Core.Scheduling;

/// <summary>What <see cref="IScheduler.Yield"/> gives: awaiting it lets other work run, or costs nothing where there is no need.</summary>
public readonly struct SchedulerYield(Action<Action>? post) : ICriticalNotifyCompletion
{
    public SchedulerYield GetAwaiter() => this;

    /// <summary>True (no suspension) where threads run in parallel anyway.</summary>
    public bool IsCompleted => post is null;

    public void GetResult() { }

    public void OnCompleted(Action continuation) => post!(continuation);

    public void UnsafeOnCompleted(Action continuation) => post!(continuation);
}
