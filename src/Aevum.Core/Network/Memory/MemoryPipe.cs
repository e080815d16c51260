// MemoryPipe: one direction of a simulated connection. Bytes are written into a window, travel for a while, become visible in pieces, and
// are read.
//
//   read <= visible <= written <= read + window
//
// What is written becomes visible all at once or after a delay, and a read takes all that is visible or less, as the options and the seed
// say. The end travels behind the last byte. A reset does not travel: it breaks both directions at once.

using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

sealed class MemoryPipe(IScheduler scheduler, SeededRandom random, MemoryNetworkOptions options)
{
    readonly object _gate = new();
    byte[] _ring = [];
    long _written, _visible, _read;
    bool _ended, _broken;

    /// <summary>Called, outside of locks, when there is something new to read.</summary>
    public Action? OnReadable { get; set; }

    /// <summary>Called, outside of locks, when there is room again.</summary>
    public Action? OnWritable { get; set; }

    public bool IsBroken => Volatile.Read(ref _broken);

    /// <summary>A read would answer something.</summary>
    public bool IsReadable
    {
        get
        {
            lock (_gate) return _broken || _visible > _read || EndIsVisible;
        }
    }

    public bool HasRoom
    {
        get
        {
            lock (_gate) return Room >= options.Window / 4;
        }
    }

    /// <summary>The end has arrived, whether or not bytes wait in front of it.</summary>
    public bool IsEndVisible
    {
        get
        {
            lock (_gate) return EndIsVisible;
        }
    }

    long Room => options.Window - (_written - _read);

    bool EndIsVisible => _ended && _visible == _written;

    /// <returns>Bytes written; 0: no room; -1: broken.</returns>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count;
        lock (_gate)
        {
            if (_broken || _ended) return -1;
            // As TCP does: a window that opens byte by byte would be filled byte by byte.
            if (Room < Math.Min(bytes.Length, options.Window / 4)) return 0;
            count = (int)Math.Min(bytes.Length, Room);
            if (count == 0) return 0;
            if (_ring.Length == 0) _ring = new byte[options.Window];
            var start = (int)(_written % _ring.Length);
            var first = Math.Min(count, _ring.Length - start);
            bytes[..first].CopyTo(_ring.AsSpan(start));
            bytes[first..count].CopyTo(_ring);
            _written += count;
        }
        Travel(count, false);
        return count;
    }

    /// <summary>Nothing more will be written.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_ended) return;
        }
        Travel(0, true);
    }

    void Travel(int count, bool end)
    {
        // Ends wait for bytes by themselves (EndIsVisible), so the order in which travels end does not matter.
        if (end)
        {
            lock (_gate) _ended = true;
        }
        TimeSpan delay;
        lock (random) delay = options.DelayMax == TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromTicks(random.Next(options.DelayMax.Ticks + 1));
        if (delay == TimeSpan.Zero)
        {
            Arrive(count);
            return;
        }
        scheduler.Start("bytes on their way", WorkClass.Urgent, async token =>
        {
            await scheduler.Delay(delay, token);
            Arrive(count);
        });
    }

    void Arrive(int count)
    {
        lock (_gate) _visible += count;
        OnReadable?.Invoke();
    }

    /// <returns>Bytes read; 0: the end, or no room was given; -1: nothing now; -2: broken.</returns>
    public int Read(Span<byte> target)
    {
        int count;
        bool hasRoom;
        lock (_gate)
        {
            if (_broken) return -2;
            count = (int)Math.Min(target.Length, _visible - _read);
            // Who asks for no bytes asks whether there are any.
            if (count == 0) return EndIsVisible || _visible > _read ? 0 : -1;
            lock (random)
                if (options.SplitOneIn > 0 && random.OneIn(options.SplitOneIn)) count = 1 + random.Next(count);
            var start = (int)(_read % _ring.Length);
            var first = Math.Min(count, _ring.Length - start);
            _ring.AsSpan(start, first).CopyTo(target);
            _ring.AsSpan(0, count - first).CopyTo(target[first..]);
            _read += count;
            hasRoom = Room >= options.Window / 4;
        }
        if (hasRoom) OnWritable?.Invoke();
        return count;
    }

    public void Break()
    {
        lock (_gate) _broken = true;
        OnReadable?.Invoke();
        OnWritable?.Invoke();
    }
}
