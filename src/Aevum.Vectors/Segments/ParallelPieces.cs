// ParallelPieces: work that falls into numbered pieces, done by the caller and by whatever threads the scheduler has to spare. The caller never waits for a
// body that has not begun: pieces are taken one by one, so on a busy machine the caller does them all itself.

using Aevum.Core.Scheduling;

namespace Aevum.Vectors;

static class ParallelPieces
{
    /// <summary>Runs <paramref name="work"/> for each number below <paramref name="count"/>; returns when all are done.</summary>
    /// <param name="scheduler">Null: the caller alone.</param>
    /// <exception cref="Exception">What the first piece that failed threw.</exception>
    public static void Run(int count, Action<int> work, IScheduler? scheduler)
    {
        var state = new State(count, work);
        if (scheduler is not null && count > 1)
            for (var i = 1; i < Environment.ProcessorCount; i++) scheduler.Start("index segment", WorkClass.Urgent, state.Help);
        state.Take();
        state.Close();
    }

    sealed class State(int count, Action<int> work)
    {
        int _next;
        int _helpers;   // negative: closed
        Exception? _failure;

        public async Task Help(CancellationToken cancellation)
        {
            for (var seen = Volatile.Read(ref _helpers); ; seen = Volatile.Read(ref _helpers))
            {
                if (seen < 0) return;
                if (Interlocked.CompareExchange(ref _helpers, seen + 1, seen) == seen) break;
            }
            Take();
            Interlocked.Decrement(ref _helpers);
            await Task.CompletedTask;
        }

        public void Take()
        {
            try
            {
                for (int piece; (piece = Interlocked.Increment(ref _next) - 1) < count;) work(piece);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
                Volatile.Write(ref _next, count);
            }
        }

        public void Close()
        {
            var spin = new SpinWait();
            while (Interlocked.CompareExchange(ref _helpers, int.MinValue, 0) != 0) spin.SpinOnce();
            if (_failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
        }
    }
}
