// FaultyDisk: what outlives a process: contents, names, space, and the lots that faults are drawn by. One gate over everything.
//
// Processes come and go: each has a FaultyFileSystem of its own, and only the last one is alive. When the machine or the process dies, the
// living one and all its handles are closed for ever, so that whatever is left running of it can no longer touch the disk.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Files;

/// <summary>What was drawn for one operation.</summary>
enum Fate
{
    Proceed,

    /// <summary>It fails, perhaps after a part of it was done.</summary>
    Fail,

    /// <summary>It is done, wholly or in part, and then the machine or the process dies.</summary>
    Die,
}

sealed class FaultyDisk
{
    readonly SeededRandom _random;
    int _boot = 1;

    public FaultyDisk(ulong seed, FaultPlan plan)
    {
        _random = new SeededRandom(seed);
        Plan = plan;
        Names.Released = content => Used -= content.Allocated;
    }

    public Lock Gate { get; } = new();

    public FaultPlan Plan { get; }

    public FaultyNames Names { get; } = new();

    public SeededRandom Random => _random;

    public long Used { get; set; }

    public long ChangeCount { get; private set; }

    public FaultyFileSystem? Living { get; set; }

    public string BootId => $"boot-{_boot}";

    /// <summary>Bytes that may still be allocated, in whole pages.</summary>
    public long Free => Plan.CapacityBytes is { } capacity
        ? Math.Max(0, (capacity - Used) / FaultyContent.PageBytes * FaultyContent.PageBytes)
        : long.MaxValue / 2;

    /// <summary>Draws the fate of an operation that only looks. Fails at once, unless the caller wants to fail in the middle.</summary>
    public Fate BeginLook(FaultyFileSystem process, FileOperation operation, string path, out ErrorCode code)
    {
        if (process != Living) throw FileErrors.Closed(path);
        Plan.Observer?.Invoke(operation, path);
        // The observer may have ended the process.
        if (process != Living) throw FileErrors.Closed(path);
        return Plan.Draw(operation, path, _random, out code) ? Fate.Fail : Fate.Proceed;
    }

    /// <summary>Draws the fate of an operation that changes something. May not return: the end may come before the operation.</summary>
    public Fate BeginChange(FaultyFileSystem process, FileOperation operation, string path, out ErrorCode code)
    {
        var fate = BeginLook(process, operation, path, out code);
        ChangeCount++;
        if (Plan.PowerCutAt != ChangeCount && Plan.KillAt != ChangeCount) return fate;
        if (_random.OneIn(2)) return Fate.Die;
        Die();
        throw FileErrors.Closed(path);
    }

    /// <summary>For operations that are done at once or not at all: throws if the lot says so, before anything is done.</summary>
    public Fate BeginWholeChange(FaultyFileSystem process, FileOperation operation, string path)
    {
        var fate = BeginChange(process, operation, path, out var code);
        if (fate == Fate.Fail) throw Failed(path, operation, code);
        return fate;
    }

    /// <summary>After the operation was done: the end, if that was its fate.</summary>
    public void End(Fate fate, string path)
    {
        if (fate != Fate.Die) return;
        Die();
        throw FileErrors.Closed(path);
    }

    public static AevumException Failed(string path, FileOperation operation, ErrorCode code) => code switch
    {
        ErrorCode.DiskFull => FileErrors.DiskFull(path, $"injected into {operation}"),
        _ => new AevumException(code, $"{path}: a fault was injected into {operation}"),
    };

    void Die()
    {
        if (Plan.PowerCutAt == ChangeCount) CutPower(Plan.PowerCutMode);
        else KillProcess();
    }

    public void CutPower(PowerCutMode mode)
    {
        Living = null;
        _boot++;
        var contents = Names.CutPower(mode, _random);
        foreach (var content in contents) content.CutPower(mode, Plan, _random);
        Account(contents);
    }

    public void KillProcess()
    {
        Living = null;
        var contents = Names.Reset();
        foreach (var content in contents) content.KillProcess();
        Account(contents);
    }

    void Account(IReadOnlyList<FaultyContent> contents)
    {
        Used = 0;
        foreach (var content in contents)
        {
            content.LockedBy = null;
            content.SharedLocks = 0;
            Used += content.Allocated;
        }
    }

    /// <summary>Lengthens a content to at most <paramref name="end"/>, as far as space goes.</summary>
    /// <returns>How far it may be written.</returns>
    public long Reserve(FaultyContent content, long end)
    {
        var more = FaultyContent.RoundUp(end) - content.Allocated;
        if (more <= 0) return end;
        return more <= Free ? end : content.Allocated + Free;
    }

    /// <summary>A name or a directory needs a block too, on a disk that is full to the brim.</summary>
    public void RequirePage(string path)
    {
        if (Free < FaultyContent.PageBytes) throw FileErrors.DiskFull(path, "not even for a name");
    }
}
