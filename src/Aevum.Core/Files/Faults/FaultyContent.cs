// FaultyContent: one file as the page cache has it, and as the disk has it.
//
//   Current      what every process sees: appended, published, or stored into a mapped region
//   the disk     pages that were written to it (a missing one is zeros), and the length it knows
//   dirty        pages of Current that the disk may not have yet
//
// A page reaches the disk by Sync, by the kernel's own write-back at any moment (WriteBack), or not at all. At a power cut each dirty page
// is as it was on the disk, as in the cache, or torn between the two by sectors; the length is any between the two lengths, whatever the
// pages: so a file may come back longer than its data (zeros) or shorter.
//
// Stores into a mapped region are seen only when published. What was stored and not published is found at the end by comparison; a
// sync does not cover it, which is what the contract allows and a sloppy caller needs to be shown.

using Aevum.Core.Scheduling;

namespace Aevum.Core.Files;

sealed class FaultyContent
{
    public const int PageBytes = 4096;

    readonly Dictionary<int, byte[]> _disk = [];
    readonly PageSet _dirty = new();
    long _diskLength;

    public FaultyContent(MemoryContent current) => Current = current;

    public MemoryContent Current { get; private set; }

    public string? LockedBy { get; set; }

    public int SharedLocks { get; set; }

    /// <summary>Names in the present tree and open handles: space is used while there is one.</summary>
    public int References { get; set; }

    /// <summary>Set once a mapped region was opened on it: then stores may have happened that nobody told of.</summary>
    public bool WasMappedForWriting { get; set; }

    /// <summary>Bytes of disk space it takes, in whole pages.</summary>
    public long Allocated => RoundUp(Current.Length);

    /// <summary>Pages that are not known to be on the disk.</summary>
    public int DirtyPages => _dirty.Count;

    public static long RoundUp(long bytes) => (bytes + PageBytes - 1) / PageBytes * PageBytes;

    public void MarkDirty(long start, long end)
    {
        for (var page = start / PageBytes; page * PageBytes < end; page++) _dirty.Add((int)page);
    }

    /// <summary>A sync that succeeds, of the pages that [start, end) touches.</summary>
    public void Sync(long start = 0, long end = long.MaxValue)
    {
        for (var i = _dirty.Count - 1; i >= 0; i--)
        {
            var page = _dirty[i];
            if (page < start / PageBytes || (long)page * PageBytes >= end) continue;
            WritePage(page);
            _dirty.Remove(page);    // the last one takes its place: it was looked at already
        }
        _diskLength = Current.Length;
    }

    /// <summary>A sync that fails: some pages were written, all are called clean, so no later sync will write the others.</summary>
    public void FailSync(SeededRandom random)
    {
        foreach (var page in _dirty.ToSortedArray())
            if (random.OneIn(2)) WritePage(page);
        _dirty.Clear();
        if (random.OneIn(2)) _diskLength = Current.Length;
    }

    /// <summary>What the kernel does by itself: one dirty page, or now and then all of them, in no order that anybody may rely
    /// on.</summary>
    public void WriteBack(SeededRandom random)
    {
        if (_dirty.Count == 0) return;
        if (random.OneIn(4))
        {
            Sync();
            return;
        }
        var page = _dirty[random.Next(_dirty.Count)];
        WritePage(page);
        _dirty.Remove(page);
        _diskLength = Math.Max(_diskLength, Math.Min(Current.Length, (page + 1L) * PageBytes));
    }

    /// <summary>The power goes: Current becomes what a reader finds after the restart.</summary>
    public void CutPower(PowerCutMode mode, FaultPlan plan, SeededRandom random)
    {
        FindUnpublishedStores();
        var length = Current.Length;
        if (mode == PowerCutMode.KeepAll)
        {
            Sync();
        }
        else if (mode == PowerCutMode.Random)
        {
            foreach (var page in _dirty.ToSortedArray())
            {
                if (random.NextDouble() < plan.TornPageProbability) TearPage(page, plan.SectorBytes, random);
                else if (random.OneIn(2)) WritePage(page);
            }
            _diskLength = random.Next(3) switch
            {
                0 => _diskLength,
                1 => length,
                _ => _diskLength >= length ? length : Math.Min(length, RoundUp(_diskLength + random.Next(length - _diskLength))),
            };
        }
        _dirty.Clear();
        WasMappedForWriting = false;
        Current = ReadDisk();
        // What lies beyond the length is gone for good and must not come back when the file grows again.
        foreach (var page in _disk.Keys.Where(page => (long)page * PageBytes >= _diskLength).ToArray()) _disk.Remove(page);
        var tail = (int)(_diskLength % PageBytes);
        if (tail > 0 && _disk.TryGetValue((int)(_diskLength / PageBytes), out var last)) last.AsSpan(tail).Clear();
    }

    /// <summary>The process dies: the cache stays, in an array of its own that stale spans of the dead process do not reach.</summary>
    public void KillProcess()
    {
        FindUnpublishedStores();
        WasMappedForWriting = false;
        var copy = new MemoryContent("", Current.Length);
        copy.Write("", 0, Current.Bytes.AsSpan(0, (int)Current.Length));
        Current = copy;
    }

    /// <summary>In the cache and on the disk alike.</summary>
    public void FlipBit(long offset, int bit)
    {
        Current.Bytes[offset] ^= (byte)(1 << bit);
        Page((int)(offset / PageBytes))[offset % PageBytes] ^= (byte)(1 << bit);
    }

    void FindUnpublishedStores()
    {
        if (!WasMappedForWriting) return;
        var length = Current.Length;
        for (var page = 0; (long)page * PageBytes < length; page++)
        {
            var cached = CachedPage(page);
            var same = _disk.TryGetValue(page, out var written)
                ? cached.SequenceEqual(written.AsSpan(0, cached.Length))
                : cached.IndexOfAnyExcept((byte)0) < 0;
            if (!same) _dirty.Add(page);
        }
    }

    Span<byte> CachedPage(int page)
    {
        var start = (long)page * PageBytes;
        return Current.Bytes.AsSpan((int)start, (int)Math.Clamp(Current.Length - start, 0, PageBytes));
    }

    byte[] Page(int page)
    {
        if (!_disk.TryGetValue(page, out var bytes)) _disk.Add(page, bytes = new byte[PageBytes]);
        return bytes;
    }

    void WritePage(int page) => CachedPage(page).CopyTo(Page(page));

    void TearPage(int page, int sectorBytes, SeededRandom random)
    {
        var cached = CachedPage(page);
        var written = Page(page).AsSpan();
        for (var start = 0; start < cached.Length; start += sectorBytes)
        {
            var count = Math.Min(sectorBytes, cached.Length - start);
            if (random.OneIn(2)) cached.Slice(start, count).CopyTo(written[start..]);
        }
    }

    MemoryContent ReadDisk()
    {
        var content = new MemoryContent("", _diskLength);
        foreach (var (page, bytes) in _disk)
        {
            var start = (long)page * PageBytes;
            if (start >= _diskLength) continue;
            bytes.AsSpan(0, (int)Math.Min(PageBytes, _diskLength - start)).CopyTo(content.Bytes.AsSpan((int)start));
        }
        return content;
    }
}
