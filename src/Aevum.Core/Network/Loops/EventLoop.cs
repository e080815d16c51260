// EventLoop: the turn, the same on every system. What waits for readiness, and how, is told by those who inherit.
//
//   sleep            until a connection is ready, something was posted, or a timer is due (those who inherit)
//   BeginTurn        what was posted, timers that are due, channels that were resumed
//   ready channels   are handed what came in (those who inherit)
//   EndTurn          TurnEnding; then each channel that has something to say sends it; then handlers are told of ends
//
// What is posted during a turn runs in the next one, which then begins without sleep. So a turn ends, whoever posts.
//
// A loop owns what its connections share, so that an idle one has no buffer at all: the read buffer, the chunks of output, the room that
// leads nowhere. The read buffer has headroom in front of it: what a connection has kept of its last request is copied there, and the
// handler sees both in one piece.
//
// Nothing here uses Linq or anything else of an assembly that may not be loaded yet: a process without descriptors cannot load one.
//
// Always true: everything but Post is called on the loop; a Post wakes the loop at most once between two sleeps; no handler is called while
// another call to it has not returned.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Core.Network;

abstract unsafe class EventLoop : ILoop
{
    /// <summary>Bytes in front of the read buffer; who keeps more than that receives into memory of its own.</summary>
    public const int Headroom = 64 << 10;

    /// <summary>Bytes that are received at a time at most.</summary>
    public const int ReceiveMax = 192 << 10;

    /// <summary>Connections that are closed and wait for the other side to end its direction; above it they are not waited for.</summary>
    public const int LingeringMax = 1024;

    readonly NetworkOptions _options;
    readonly TimeProvider _time;
    readonly object _gate = new();
    readonly HashSet<StreamChannel> _channels = [];
    readonly HashSet<LoopListener> _listeners = [];
    readonly Queue<StreamChannel> _dirty = new();
    readonly Queue<StreamChannel> _ended = new();
    List<StreamChannel> _woken = [];
    List<StreamChannel> _waking = [];
    List<Action> _posted = [];
    List<Action> _running = [];
    byte* _readBuffer;
    byte[] _nowhere = [];
    byte[]? _plain;
    NativeMemoryView? _view;
    bool _asleep;
    bool _stopping;
    bool _stopped;

    protected EventLoop(LoopNetwork network, TimeProvider time, NetworkOptions options)
    {
        _options = options;
        _time = time;
        Network = network;
        Timers = new LoopTimers(time);
    }

    public event Action? TurnEnding;

    public abstract bool IsCurrent { get; }

    public LoopNetwork Network { get; }

    public ChunkPool Chunks { get; } = new();

    public LoopTimers Timers { get; }

    /// <summary>Connections that are closed and wait for the other side.</summary>
    public int Lingering { get; set; }

    public int Channels => _channels.Count;

    protected bool IsAsleep => Volatile.Read(ref _asleep);

    protected bool IsStopping => Volatile.Read(ref _stopping);

    /// <summary>Where received bytes go; <see cref="Headroom"/> bytes in front of it are free. <see cref="ReceiveMax"/> long.</summary>
    public byte* ReadBuffer
    {
        get
        {
            if (_readBuffer is null) _readBuffer = (byte*)NativeMemory.AlignedAlloc(Headroom + ReceiveMax, 4096);
            return _readBuffer + Headroom;
        }
    }

    /// <summary>Where deciphered bytes go: two records of TLS.</summary>
    public byte[] PlainBuffer => _plain ??= GC.AllocateUninitializedArray<byte>(32 << 10);

    /// <summary>Native memory as a Memory, for those who take nothing else. One at a time.</summary>
    public NativeMemoryView View => _view ??= new NativeMemoryView();

    /// <summary>Room for what is sent on a connection that has ended.</summary>
    public Span<byte> Nowhere(int bytes)
    {
        if (_nowhere.Length < bytes) _nowhere = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, 4096));
        return _nowhere;
    }

    public void Post(Action action) => TryPost(action);

    /// <returns>False if the loop has stopped; else the action will run, be it the last thing that the loop does.</returns>
    public bool TryPost(Action action)
    {
        lock (_gate)
        {
            if (_stopped) return false;
            _posted.Add(action);
            if (!_asleep) return true;
            _asleep = false;
            WakeLocked(_gate);
            return true;
        }
    }

    public IDisposable After(TimeSpan time, Action action) => Timers.Add(time, action);

    /// <summary>Ends the loop, soon. Any thread.</summary>
    public void Stop()
    {
        Volatile.Write(ref _stopping, true);
        Post(static () => { });
    }

    /// <summary>Waits until it has ended.</summary>
    public abstract void Join();

    public void Add(StreamChannel channel) => _channels.Add(channel);

    public void Remove(StreamChannel channel) => _channels.Remove(channel);

    public void Add(LoopListener listener) => _listeners.Add(listener);

    public void Remove(LoopListener listener) => _listeners.Remove(listener);

    /// <summary>The channel is flushed at the end of the turn.</summary>
    public void QueueFlush(StreamChannel channel) => _dirty.Enqueue(channel);

    /// <summary>The channel is woken at the beginning of the next turn.</summary>
    public void QueueWake(StreamChannel channel) => _woken.Add(channel);

    /// <summary>The channel's handler is told of the end at the end of the turn.</summary>
    public void QueueEnded(StreamChannel channel) => _ended.Enqueue(channel);

    /// <summary>What somebody else's code threw.</summary>
    /// <returns>False if nobody is there to be told.</returns>
    public bool Report(Exception failure)
    {
        if (_options.OnFailure is not { } told) return false;
        told(failure);
        return true;
    }

    /// <summary>The loop sleeps: end it. Called under the gate, on any thread.</summary>
    protected abstract void WakeLocked(object gate);

    /// <summary>Frees what belongs to the system.</summary>
    protected abstract void Release();

    /// <summary>How long the loop may sleep, and that it will: from now on a Post wakes it. Zero: not at all. Infinite: as long as it
    /// likes.</summary>
    protected TimeSpan BeginSleep()
    {
        if (_woken.Count > 0) return TimeSpan.Zero;
        var next = Timers.UntilNext();
        if (next == TimeSpan.Zero) return TimeSpan.Zero;
        lock (_gate)
        {
            if (_posted.Count > 0) return TimeSpan.Zero;
            _asleep = true;
        }
        return next ?? Timeout.InfiniteTimeSpan;
    }

    protected void EndSleep()
    {
        // Without the gate when nobody can have seen the loop asleep: a stale true is corrected under the gate.
        if (!Volatile.Read(ref _asleep)) return;
        lock (_gate) _asleep = false;
    }

    /// <summary>For those who sleep on the gate itself.</summary>
    protected void SleepOnGate(TimeSpan time)
    {
        lock (_gate)
            if (_asleep) Monitor.Wait(_gate, time == Timeout.InfiniteTimeSpan ? time : RoundUp(time));
    }

    /// <summary>Systems wait whole milliseconds; a sleep that ends early would be followed by many short ones.</summary>
    protected static TimeSpan RoundUp(TimeSpan time) =>
        TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 0, 3600_000.0));

    /// <summary>Whether there is something to do without anything coming in.</summary>
    protected bool HasWork
    {
        get
        {
            if (_woken.Count > 0) return true;
            lock (_gate) return _posted.Count > 0;
        }
    }

    protected void BeginTurn()
    {
        lock (_gate) (_posted, _running) = (_running, _posted);
        foreach (var action in _running) Run(action);
        _running.Clear();
        if (_running.Capacity > 4096) _running.Capacity = 0;
        if (Timers.Count > 0)
        {
            var now = _time.GetTimestamp();
            while (Timers.TakeDue(now) is { } action) Run(action);
        }
        (_woken, _waking) = (_waking, _woken);
        foreach (var channel in _waking) channel.OnWoken();
        _waking.Clear();
    }

    protected void EndTurn()
    {
        if (TurnEnding is { } ending) Run(ending);
        while (true)
        {
            // Who is told of an end may have something to say to others.
            if (_dirty.TryDequeue(out var channel)) channel.Flush();
            else if (_ended.TryDequeue(out channel)) channel.TellClosed();
            else return;
        }
    }

    /// <summary>The last thing a loop does.</summary>
    protected void End()
    {
        List<Action> last;
        lock (_gate)
        {
            _stopped = true;
            last = [.. _posted];
            _posted.Clear();
        }
        foreach (var action in last) Run(action);
        foreach (var listener in new List<LoopListener>(_listeners)) listener.CloseOnce();
        foreach (var channel in new List<StreamChannel>(_channels)) channel.EndWithLoop();
        EndTurn();
        Timers.Clear();
        Chunks.Dispose();
        NativeMemory.AlignedFree(_readBuffer);
        _readBuffer = null;
        Release();
    }

    void Run(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (Report(failure))
        {
            // Told; the loop goes on for the other connections.
        }
    }

    protected void RequireCurrent()
    {
        if (!IsCurrent) Throw.Invalid("what belongs to a loop is called on it; others come in through Post");
    }
}
