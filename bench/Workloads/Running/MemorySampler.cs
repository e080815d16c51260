// MemorySampler: the greatest anonymous resident memory a child has had, looked at from outside ten times a second, so that looking
// costs the child nothing.

using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Running;

sealed class MemorySampler : IDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly Thread _thread;
    long _bytesMax;

    public MemorySampler(int processId)
    {
        _thread = new Thread(() =>
        {
            do _bytesMax = Math.Max(_bytesMax, ProcessCounters.AnonymousBytes(processId));
            while (!_stop.Token.WaitHandle.WaitOne(100));
        }) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Ends the sampling.</summary>
    public long StopAndGetBytesMax()
    {
        _stop.Cancel();
        _thread.Join();
        return _bytesMax;
    }

    public void Dispose()
    {
        if (!_stop.IsCancellationRequested) StopAndGetBytesMax();
        _stop.Dispose();
    }
}
