// RedisLoad: clients that ask a server for as much as it answers, for a time or a number of requests, and what they count meanwhile.
//
// Every client has one burst under way at a time (a closed loop, as redis-benchmark has it): a server that stops answering is asked nothing more,
// so its worst moments are seen by as many requests as there are clients, not by as many as would have come.
//
// A server that goes away is an error that is counted, not the end: clients try to come back once a second, as those of an application would.

using Aevum.Cli.Connecting;
using Aevum.Core.Errors;

namespace Aevum.Cli.Benching;

/// <summary>What a load is.</summary>
/// <param name="Pipeline">Requests of one burst.</param>
/// <param name="Keys">Keys of each kind.</param>
/// <param name="Size">Bytes of a value.</param>
/// <param name="Time">How long; null: until the requests have been sent.</param>
/// <param name="Requests">How many; null: until the time is over.</param>
sealed record LoadOptions(
    ConnectOptions Server, int Clients, int Pipeline, long Keys, int Size, LoadMix Mix, TimeSpan? Time, long? Requests, string Prefix, ulong Seed)
{
    public LoadDraw NewDraw(ulong seed) => new(System.Text.Encoding.UTF8.GetBytes(Prefix), Keys, Size, seed);
}

sealed class RedisLoad : IDisposable
{
    static readonly TimeSpan s_lastReplies = TimeSpan.FromSeconds(2);

    readonly LoadClient[] _clients;
    readonly ThreadLocal<LoadCounters> _counters;
    readonly ManualResetEventSlim _allEnded = new();
    long _requestsLeft;
    int _ended;
    long _broken;
    volatile bool _isOver;

    public RedisLoad(LoadOptions options, TimeProvider time)
    {
        (Options, Time) = (options, time);
        _requestsLeft = options.Requests ?? long.MaxValue;
        _counters = new ThreadLocal<LoadCounters>(() => new LoadCounters(options.Mix.Parts.Count), trackAllValues: true);
        _clients = [.. Enumerable.Range(0, options.Clients).Select(i => new LoadClient(this, options.Seed + (ulong)i))];
    }

    public LoadOptions Options { get; }

    public TimeProvider Time { get; }

    public ErrorTally Errors { get; } = new();

    /// <summary>Connections that broke.</summary>
    public long Broken => Volatile.Read(ref _broken);

    /// <summary>Connections that stand.</summary>
    public int Connected => _clients.Count(c => !c.IsBroken);

    /// <summary>What the calling thread counts in.</summary>
    public LoadCounters Counters => _counters.Value!;

    public bool IsOver => _isOver;

    public void CountBroken() => Interlocked.Increment(ref _broken);

    public void CountEnded()
    {
        if (Interlocked.Increment(ref _ended) == _clients.Length) _allEnded.Set();
    }

    /// <summary>Claims requests.</summary>
    /// <returns>0: there are none left to send.</returns>
    public int TakeRequests(int atMost)
    {
        if (_isOver) return 0;
        if (Options.Requests is null) return atMost;
        var left = Interlocked.Add(ref _requestsLeft, -atMost);
        return (int)Math.Clamp(left + atMost, 0, atMost);
    }

    /// <summary>Connects all clients.</summary>
    /// <exception cref="AevumException">InputOutput: the server does not take them all. InvalidArgument: it does not let them in.</exception>
    public void Connect()
    {
        foreach (var client in _clients) client.Open();
    }

    /// <summary>Runs the load, and looks at it in intervals. Blocks.</summary>
    /// <param name="look">Told what was counted since the look before, and how long ago that was.</param>
    /// <returns>What was counted in all, and how long it took.</returns>
    public (LoadSum Sum, TimeSpan Took) Run(TimeSpan interval, Action<LoadSum, TimeSpan> look, CancellationToken cancellation)
    {
        var before = new LoadSum(Options.Mix.Parts.Count);
        var (began, last) = (Time.GetTimestamp(), Time.GetTimestamp());
        foreach (var client in _clients) client.Begin();
        while (true)
        {
            var left = Options.Time is { } time ? time - Time.GetElapsedTime(began) : TimeSpan.MaxValue;
            if (left <= TimeSpan.Zero || cancellation.IsCancellationRequested) break;
            var due = interval - (Time.GetElapsedTime(last) is var gone && gone < interval ? gone : interval);
            var ended = WaitHandle.WaitAny([_allEnded.WaitHandle, cancellation.WaitHandle], due < left ? due : left) != WaitHandle.WaitTimeout;
            if (ended) break;
            if (Time.GetElapsedTime(last) < interval) continue;
            Look();
            ComeBack();
        }
        _isOver = true;
        var took = Time.GetElapsedTime(began);
        if (Time.GetElapsedTime(last) > interval / 2) Look();
        var ends = Time.GetTimestamp();
        foreach (var client in _clients)
        {
            var wait = s_lastReplies - Time.GetElapsedTime(ends);
            client.End(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        }
        return (Sum(), took);

        void Look()
        {
            var now = Sum();
            var since = Time.GetElapsedTime(last);
            last = Time.GetTimestamp();
            look(now.Since(before), since);
            before = now;
        }
    }

    // Who has lost his connection tries to get another; where the first gets none the others do not try now.
    void ComeBack()
    {
        foreach (var client in _clients)
        {
            if (!client.IsBroken) continue;
            try
            {
                client.Open();
            }
            catch (AevumException)
            {
                return;
            }
            client.Begin();
        }
    }

    LoadSum Sum()
    {
        var sum = new LoadSum(Options.Mix.Parts.Count);
        foreach (var counters in _counters.Values) sum.Add(counters);
        return sum;
    }

    public void Dispose()
    {
        _counters.Dispose();
        _allEnded.Dispose();
    }
}
