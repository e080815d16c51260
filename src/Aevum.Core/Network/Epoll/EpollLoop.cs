// EpollLoop: waits in epoll_wait. A connection that was not read to its end, or has more to send, is come back to in the next turn, before
// which the loop does not sleep; so one connection's flood costs the others one piece at a time.
//
// What epoll hands back is a slot and its generation, never a descriptor: events of one epoll_wait may speak of a connection that was
// closed since, and whose descriptor belongs to another by now. A slot's generation grows when it is freed; an event of an old one is
// nobody's.
//
// Other threads wake the loop by an eventfd, written at most once between two sleeps. In a pause (Coalescing) it is not asleep: what is posted then waits
// until the pause is over.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

/// <summary>Something that epoll speaks of.</summary>
interface IReady
{
    void OnReady(uint events);
}

sealed unsafe class EpollLoop : EventLoop
{
    const int EventsMax = 256;

    /// <summary>The slot that stands for the eventfd.</summary>
    const ulong WakeData = ulong.MaxValue;

    readonly int _epoll, _wake;
    readonly byte* _events;
    readonly DedicatedThread _thread;
    readonly Stack<int> _freeSlots = new();
    Coalescing? _coalescing;
    Slot[] _slots = new Slot[64];
    int _slotCount;
    List<EpollChannel> _unfinished = [];
    List<EpollChannel> _resumed = [];

    public EpollLoop(LoopNetwork network, TimeProvider time, NetworkOptions options, string name) : base(network, time, options)
    {
        _epoll = SocketCalls.CreateEpoll();
        var error = SocketCalls.Error;
        _wake = _epoll < 0 ? -1 : SocketCalls.CreateWake();
        if (_wake < 0)
        {
            if (_epoll >= 0)
            {
                error = SocketCalls.Error;
                SocketCalls.Close(_epoll);
            }
            throw new AevumException(ErrorCode.InputOutput, $"a loop of the network cannot be made: {SocketCalls.Describe(error)}");
        }
        SocketCalls.Register(_epoll, _wake, SocketCalls.In, WakeData);
        if (options.CoalesceMax > TimeSpan.Zero) _coalescing = new Coalescing(time, options.CoalesceMax);
        _events = (byte*)NativeMemory.Alloc((nuint)(EventsMax * SocketCalls.EventBytes));
        _thread = new DedicatedThread(name, Run);
    }

    public override bool IsCurrent => _thread.IsCurrent;

    /// <summary>Has an owner told of a descriptor's events. On the loop.</summary>
    /// <returns>What names them from now on; null if the system refuses.</returns>
    public ulong? Register(IReady owner, int descriptor, uint events)
    {
        if (!_freeSlots.TryPop(out var slot))
        {
            slot = _slotCount++;
            if (slot == _slots.Length) Array.Resize(ref _slots, 2 * slot);
        }
        var generation = _slots[slot].Generation;
        var data = ((ulong)generation << 32) | (uint)slot;
        if (!SocketCalls.Register(_epoll, descriptor, events, data))
        {
            _freeSlots.Push(slot);
            return null;
        }
        _slots[slot].Owner = owner;
        return data;
    }

    public void Change(int descriptor, uint events, ulong data) => SocketCalls.Change(_epoll, descriptor, events, data);

    /// <summary>Before the descriptor is closed.</summary>
    public void Unregister(int descriptor, ulong data)
    {
        // Closing would do it, too, unless another process had inherited the descriptor.
        SocketCalls.Unregister(_epoll, descriptor);
        var slot = (int)(uint)data;
        _slots[slot] = new Slot { Generation = _slots[slot].Generation + 1 };
        _freeSlots.Push(slot);
    }

    /// <summary>The channel goes on in the next turn.</summary>
    public void ComeBackTo(EpollChannel channel) => _unfinished.Add(channel);

    public override void Join() => _thread.Join();

    protected override void WakeLocked(object gate) => SocketCalls.Wake(_wake);

    protected override void Release()
    {
        SocketCalls.Close(_wake);
        SocketCalls.Close(_epoll);
        NativeMemory.Free(_events);
    }

    void Run()
    {
        if (_coalescing is not null && !SocketCalls.MakePausesExact()) _coalescing = null;
        var count = 0;
        while (!IsStopping)
        {
            if (_coalescing?.Next(count) is { Ticks: > 0 } pause && _unfinished.Count == 0 && !HasWork) SocketCalls.Pause(pause);
            var sleep = _unfinished.Count > 0 ? TimeSpan.Zero : BeginSleep();
            var milliseconds = sleep == Timeout.InfiniteTimeSpan ? -1 : (int)RoundUp(sleep).TotalMilliseconds;
            count = SocketCalls.Wait(_epoll, _events, EventsMax, milliseconds);
            EndSleep();
            BeginTurn();
            (_unfinished, _resumed) = (_resumed, _unfinished);
            foreach (var channel in _resumed) channel.ComeBack();
            _resumed.Clear();
            for (var i = 0; i < count; i++) Dispatch(SocketCalls.Events(_events, i), SocketCalls.Data(_events, i));
            EndTurn();
        }
        End();
    }

    void Dispatch(uint events, ulong data)
    {
        if (data == WakeData)
        {
            SocketCalls.ClearWake(_wake);
            return;
        }
        ref var slot = ref _slots[(int)(uint)data];
        if (slot.Generation != (uint)(data >> 32)) return;
        _coalescing?.Count(ref slot.HeardIn);
        slot.Owner?.OnReady(events);
    }

    // What an event's data names: who is told of it, if it is of the generation that the data say.
    struct Slot
    {
        public IReady? Owner;
        public uint Generation, HeardIn;
    }
}
