// FaultPlan: what goes wrong on a FaultyFileSystem, and how often. May be changed while the file system is in use.
//
// Faults come in three ways: by probability (drawn from the file system's seed), by count (the n-th operation of a kind from now), and as
// an end (the machine or the process dies at the n-th changing operation, which lets a test cut a workload at every one of them in turn).
//
// Not here: what a fault does to the bytes (FaultyFileSystem and its handles).

using Aevum.Core.Errors;

namespace Aevum.Core.Files;

/// <summary>What becomes of unsynced bytes and names when the power goes.</summary>
public enum PowerCutMode
{
    /// <summary>Each page and each name by itself, from the seed.</summary>
    Random = 0,

    /// <summary>Only what was synced is left.</summary>
    LoseUnsynced = 1,

    /// <summary>Everything made it to the disk just in time.</summary>
    KeepAll = 2,
}

public sealed class FaultPlan
{
    readonly double[] _probabilities = new double[Enum.GetValues<FileOperation>().Length];
    readonly List<(FileOperation Operation, long At, ErrorCode Code)> _scheduled = [];
    readonly long[] _counts = new long[Enum.GetValues<FileOperation>().Length];

    /// <summary>Bytes that fit on the disk, in whole pages; null for no limit.</summary>
    public long? CapacityBytes { get; set; }

    /// <summary>Chance at each append or publish that the kernel writes some dirty pages of that file to the disk by itself.</summary>
    public double WriteBackProbability { get; set; } = 1.0 / 16;

    /// <summary>Chance for an unsynced page at a power cut to be torn: some of its sectors new, some old.</summary>
    public double TornPageProbability { get; set; } = 0.25;

    /// <summary>What the disk writes at once: 512, or 4096 for one whose pages never tear.</summary>
    public int SectorBytes { get; set; } = 512;

    /// <summary>Chance that a read returns one flipped bit, though the disk holds the right one.</summary>
    public double FlipOnReadProbability { get; set; }

    /// <summary>Chance at a read that a bit of what is read has flipped on the disk, for good.</summary>
    public double FlipAtRestProbability { get; set; }

    /// <summary>Whether regions are mapped. Counts for regions opened from now on.</summary>
    public bool RegionsAreMapped { get; set; } = true;

    /// <summary>Whether files can be mapped for reading. False makes every read pass the faults of
    /// <see cref="FileOperation.Read"/>.</summary>
    public bool FilesCanBeMapped { get; set; } = true;

    /// <summary>Which files random and scheduled faults (not capacity, not cuts) may strike; null for all.</summary>
    public Func<string, bool>? Strikes { get; set; }

    /// <summary>Told of every operation before it happens: for traces, and for tests that act at a certain moment.</summary>
    public Action<FileOperation, string>? Observer { get; set; }

    /// <summary>The machine loses power in or right after the changing operation with this number
    /// (<see cref="FaultyFileSystem.ChangeCount"/>).</summary>
    public long? PowerCutAt { get; set; }

    /// <summary>What that power cut leaves.</summary>
    public PowerCutMode PowerCutMode { get; set; }

    /// <summary>The process dies in or right after the changing operation with this number.</summary>
    public long? KillAt { get; set; }

    /// <summary>Each operation of the kind fails with this chance, as InputOutput.</summary>
    public void FailWithProbability(FileOperation operation, double probability) => _probabilities[(int)operation] = probability;

    /// <summary>The <paramref name="nth"/> operation of the kind from now on fails, once; 1 is the next.</summary>
    public void FailNth(FileOperation operation, long nth, ErrorCode code = ErrorCode.InputOutput)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nth, 1);
        lock (_scheduled) _scheduled.Add((operation, _counts[(int)operation] + nth, code));
    }

    /// <summary>No more faults; capacity and the shape of the disk stay.</summary>
    public void Heal()
    {
        Array.Clear(_probabilities);
        lock (_scheduled) _scheduled.Clear();
        FlipOnReadProbability = FlipAtRestProbability = 0;
        PowerCutAt = KillAt = null;
    }

    /// <summary>Operations of the kind so far that faults may strike.</summary>
    public long CountOf(FileOperation operation) => _counts[(int)operation];

    /// <summary>Counts the operation and draws its lot. Called under the disk's gate.</summary>
    internal bool Draw(FileOperation operation, string path, Scheduling.SeededRandom random, out ErrorCode code)
    {
        code = ErrorCode.InputOutput;
        if (Strikes is not null && !Strikes(path)) return false;
        var count = ++_counts[(int)operation];
        lock (_scheduled)
        {
            for (var i = 0; i < _scheduled.Count; i++)
            {
                if (_scheduled[i].Operation != operation || _scheduled[i].At != count) continue;
                code = _scheduled[i].Code;
                _scheduled.RemoveAt(i);
                return true;
            }
        }
        var probability = _probabilities[(int)operation];
        return probability > 0 && random.NextDouble() < probability;
    }
}
