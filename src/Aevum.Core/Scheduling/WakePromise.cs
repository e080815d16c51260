namespace Aevum.Core.Scheduling;

/// <summary>A promise that a timer (false), a signal (true) or a cancellation may complete; the first one counts.</summary>
sealed class WakePromise
{
    // Asynchronously: so that whoever completes it (a timer, a caller that raises) never runs a body. Bodies have a context to post to.
    readonly TaskCompletionSource<bool> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    CancellationTokenRegistration _registration;

    public Task<bool> Task => _promise.Task;

    public bool IsCompleted => _promise.Task.IsCompleted;

    public void Complete(bool result)
    {
        if (_promise.TrySetResult(result)) _registration.Unregister();
    }

    public void Cancel()
    {
        if (_promise.TrySetCanceled()) _registration.Unregister();
    }

    public void CancelWith(CancellationToken cancellation)
    {
        _registration = cancellation.UnsafeRegister(static (state, token) => ((WakePromise)state!)._promise.TrySetCanceled(token), this);
        if (IsCompleted) _registration.Unregister();
    }
}
