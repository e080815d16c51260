// Tally: what the child tells of its progress, in a mapped file beside the store. A store into it is in the page cache at once, so it
// survives SIGKILL; nothing is buffered.
//
//   0          phase: 0 starting, 1 opening, 2 writing
//   8          ticks of the child's own clock (a thread that counts every 5 ms while the child gets to run at all)
//   64 + 64 w  of writer w: batches submitted | acknowledged | seen by a reader (each a count from 1, over all lives of the store)
//   4096 ...   ring of samples: for each of the last 512 ticks the acknowledged count of every writer

using System.IO.MemoryMappedFiles;

namespace Aevum.Crash;

enum Phase : long
{
    Starting = 0,
    Opening = 1,
    Writing = 2,
}

sealed class Tally : IDisposable
{
    const int FileBytes = 64 << 10;
    const int RingStart = 4096;
    const int RingLength = 512;

    readonly MemoryMappedFile _file;
    readonly MemoryMappedViewAccessor _view;

    public Tally(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, FileBytes);
        _view = _file.CreateViewAccessor(0, FileBytes);
    }

    public Phase Phase
    {
        get => (Phase)_view.ReadInt64(0);
        set => _view.Write(0, (long)value);
    }

    public long Ticks => _view.ReadInt64(8);

    public long Submitted(int writer) => _view.ReadInt64(Place(writer));

    public long Acknowledged(int writer) => _view.ReadInt64(Place(writer) + 8);

    public long Seen(int writer) => _view.ReadInt64(Place(writer) + 16);

    public void Submit(int writer, long number) => _view.Write(Place(writer), number);

    public void Acknowledge(int writer, long number) => _view.Write(Place(writer) + 8, number);

    public void See(int writer, long number)
    {
        if (number > Seen(writer)) _view.Write(Place(writer) + 16, number);
    }

    /// <summary>Counts one tick, and keeps what was acknowledged before it.</summary>
    public void Tick()
    {
        var tick = Ticks + 1;
        for (var writer = 0; writer < Workload.Writers; writer++) _view.Write(Sample(tick, writer), Acknowledged(writer));
        _view.Write(8, tick);
    }

    /// <summary>How many ticks before the end a batch was acknowledged, at most: the newest sample that does not hold it yet.</summary>
    public long TicksSince(int writer, long number)
    {
        var now = Ticks;
        var tick = now;
        while (tick > 0 && tick > now - RingLength && _view.ReadInt64(Sample(tick, writer)) >= number) tick--;
        return now - tick;
    }

    static int Place(int writer) => 64 + 64 * writer;

    static int Sample(long tick, int writer) => RingStart + (int)(tick % RingLength) * Workload.Writers * sizeof(long) + writer * sizeof(long);

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
