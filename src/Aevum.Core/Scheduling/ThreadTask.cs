namespace Aevum.Core.Scheduling;

#pragma warning disable CA1001 // a cancellation source without a timer or a wait handle holds nothing to dispose of
/// <summary>A body of a <see cref="ThreadScheduler"/>.</summary>
sealed class ThreadTask(ThreadScheduler scheduler, string name, Func<CancellationToken, Task> body) : BackgroundTask
{
    readonly CancellationTokenSource _cancellation = new();
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override string Name => name;

    public override bool IsCompleted => _ended.Task.IsCompleted;

    public override Exception? Failure => IsCompleted ? _failure : null;

    Exception? _failure;

    public override void Cancel()
    {
        // Callbacks of the token run here, on the caller's thread; continuations of awaits do not: they post to their class.
        _cancellation.Cancel();
        scheduler.RaiseAll();
    }

    public override void Wait() => _ended.Task.Wait();

    public override Task WaitAsync() => _ended.Task;

    /// <summary>Called once, on a thread of the task's class.</summary>
    public async void Run()
    {
        // Not even this method's own end may throw: an exception of an async void method would be posted and end the process.
        try
        {
            await body(_cancellation.Token);
        }
        catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
        {
            // It was asked to end, and did.
        }
#pragma warning disable CA1031 // whatever a body throws is its failure, to be looked at by its owner
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _failure = failure;
        }
        _ended.SetResult();
        scheduler.Ended(this);
    }
}
