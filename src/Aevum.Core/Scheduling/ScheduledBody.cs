// ScheduledBody: the life of a background body, the same under every scheduler.
//
//   started -> running -> ended      Run is called once, where bodies of its class run; every way out of the body ends in OnEnded
//
// An OperationCanceledException after Cancel is how a body obeys; anything else it throws is its failure.

namespace Aevum.Core.Scheduling;

#pragma warning disable CA1001 // a cancellation source without a timer or a wait handle holds nothing to dispose of
abstract class ScheduledBody(string name, Func<CancellationToken, Task> body) : BackgroundTask
{
    readonly CancellationTokenSource _cancellation = new();
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Exception? _failure;

    public override string Name => name;

    public override bool IsCompleted => _ended.Task.IsCompleted;

    public override Exception? Failure => IsCompleted ? _failure : null;

    public override Task WaitAsync() => _ended.Task;

    public override void Cancel()
    {
        // Callbacks of the token run here, on the caller's thread; continuations of awaits do not: they post to their context.
        _cancellation.Cancel();
        OnCancelled();
    }

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
        OnEnded();
    }

    /// <summary>Conditions may speak of the cancellation, so all that wait must look at theirs again.</summary>
    protected abstract void OnCancelled();

    protected abstract void OnEnded();
}
