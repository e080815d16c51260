// StorageRun, trouble: what goes wrong, for how long, and which exceptions it explains.
//
//   a full disk      a few pages are left: writes are refused with DiskFull, reads go on; afterwards everything works again by itself
//   errors           one kind of file operation fails, once or now and then; afterwards the tree works again, or its log has stopped (Closed)
//                    and an open finds everything acknowledged
//   flipped bits     of a file of a closed tree: the open or a read says Corruption, or nothing is wrong; with the bit as it was before, all is
//                    there, for what says Corruption has changed nothing
//   death            at once, or in the middle of the n-th change of the disk from now

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Simulation.Storage;

enum Fault
{
    None,
    DiskFull,
    Errors,
    Flipped,
}

sealed partial class StorageRun
{
    // What the store asks of a file system.
    static readonly FileOperation[] Operations = [.. Enum.GetValues<FileOperation>()
        .Where(o => o is not (FileOperation.Link or FileOperation.DeleteDirectory))];

    Fault _fault;
    int _faultUntil;
    bool _logMayHaveFailed;     // an error struck: a sync in the background may have stopped the log

    bool Has(Trouble trouble) => (_configuration.Trouble & trouble) != 0;

    bool IsDead => _files.Successor is not null;

    bool IsExpected(AevumException e) => IsDead || e.Code switch
    {
        ErrorCode.DiskFull => _fault == Fault.DiskFull,
        ErrorCode.InputOutput => _fault == Fault.Errors,
        ErrorCode.Closed => _fault == Fault.Errors && OwnLog,
        ErrorCode.Corruption or ErrorCode.UnsupportedFormat => _fault == Fault.Flipped,
        _ => false,
    };

    // A full disk is no reason to refuse a read, and a log that has stopped is none either.
    bool IsExpectedOfReads(AevumException e) => IsDead || (e.Code is not (ErrorCode.DiskFull or ErrorCode.Closed) && IsExpected(e));

    void MaybeTrouble()
    {
        if (_fault != Fault.None)
        {
            if (_step >= _faultUntil) EndTrouble();
            return;
        }
        if (_configuration.Trouble == Trouble.None || !_random.OneIn(20)) return;
        var trouble = (Trouble)(1 << _random.Next(5));
        _scheduler.RunUntilIdle();
        if (!Has(trouble) || IsDead) return;
        switch (trouble)
        {
            case Trouble.Kill when _random.OneIn(2):
                _files.KillProcess();
                Recover("killed");
                break;
            case Trouble.Kill:
                _plan.KillAt = _files.ChangeCount + _random.Next(1, 60);
                break;
            case Trouble.PowerCut when _random.OneIn(2):
                NoteDurable();
                _files.PowerCut((PowerCutMode)_random.Next(3));
                Recover("power cut");
                break;
            case Trouble.PowerCut:
                _plan.PowerCutAt = _files.ChangeCount + _random.Next(1, 60);
                _plan.PowerCutMode = (PowerCutMode)_random.Next(3);
                break;
            case Trouble.DiskFull:
                BeginDiskFull();
                break;
            case Trouble.Errors:
                BeginErrors();
                break;
            case Trouble.BitFlips:
                FlipABit();
                break;
        }
    }

    void BeginDiskFull()
    {
        _plan.CapacityBytes = _files.UsedBytes + (_random.Next(20) * 4096L);
        _fault = Fault.DiskFull;
        _faultUntil = _step + _random.Next(3, 25);
        Note("the disk is full");
        Count("full disks");
    }

    void BeginErrors()
    {
        // Half of the time one of those that writing depends on.
        var operation = _random.Next(8) switch
        {
            0 or 1 => FileOperation.Sync,
            2 => FileOperation.Append,
            3 => FileOperation.Publish,
            _ => Operations[_random.Next(Operations.Length)],
        };
        if (_random.OneIn(2)) _plan.FailNth(operation, _random.Next(1, 5));
        else _plan.FailWithProbability(operation, _random.OneIn(2) ? 1 : 0.2);
        _fault = Fault.Errors;
        _faultUntil = _step + _random.Next(3, 25);
        _logMayHaveFailed = true;
        Note($"{operation} fails");
        Count("errors begun");
    }

    void Heal()
    {
        Note("healed");
        _plan.CapacityBytes = null;
        _plan.Heal();
        _fault = Fault.None;
    }

    // What failed has a pause to try again; then everything must work, or say that the log has stopped.
    void EndTrouble()
    {
        if (_fault is Fault.None or Fault.Flipped) return;
        var was = _fault;
        Heal();
        _scheduler.RunFor(TimeSpan.FromSeconds(1));
        if (was == Fault.Errors && OwnLog)
        {
            _fault = Fault.Errors;
            WriteSingle();
            _fault = Fault.None;
            if (_logFailed)
            {
                Count("logs stopped");
                Reopen();
            }
        }
        _logMayHaveFailed = false;
        WriteBatch();
        Flush();
        CheckEverything();
    }

    // ---------------------------------------------------------------------------------------- flipped bits

    void FlipABit()
    {
        Note("close for a flip");
        _plan.KillAt = _plan.PowerCutAt = null;
        var killed = _random.OneIn(2);
        if (killed)
        {
            _files.KillProcess();
            NoteDurable();
            Close();
            TakeOver(_files.Successor!);
        }
        else
        {
            Close();
        }
        var paths = FilesUnder(Directory).ToArray();
        var path = paths[_random.Next(paths.Length)];
        var before = Read(path);
        if (before.Length > 0)
        {
            // Headers, indexes and tails deserve more than their share.
            var offset = _random.Next(3) switch
            {
                0 => _random.Next(Math.Min(before.Length, 100)),
                1 => before.Length - 1 - _random.Next(Math.Min(before.Length, 100)),
                _ => _random.Next(before.Length) };
            var bit = _random.Next(8);
            _files.FlipBit(path, offset, bit);
            Note($"flipped bit {bit} at {offset} of {path}");
            Count("bits flipped");
            UseFlipped(path, killed);
            if (_files.FileExists(path) && IsFlippedAt(before, Read(path), offset)) _files.FlipBit(path, offset, bit);
        }
        Open();
    }

    void UseFlipped(string path, bool killed)
    {
        _fault = Fault.Flipped;
        var required = _required;
        try
        {
            OpenOnce();
            var found = (int)(OwnLog ? Tree.AppliedPosition : Tree.FlushedPosition);
            Note($"opened with a flipped bit: {found} batches of {_model.Count}");
            // After a kill the last record cannot be told from an append that was cut short; an orderly close leaves a mark behind it.
            // A tree whose log is its owner's may forget its last flush: it says so by its position, and the owner applies the rest again.
            var least = (killed && path.Contains("/log/", StringComparison.Ordinal)) || !OwnLog ? 0 : required;
            Require(found >= least && found <= _model.Count, $"with a flipped bit in {path} {found} batches were found, {required} were required");
            _required = Math.Min(_required, found);
            CheckNow(_model.Prefix(found));
            Count("flips survived");
        }
        catch (AevumException e) when (IsExpected(e))
        {
            Note($"refused: {e.Message}");
            Count("flips found");
        }
        _tree?.Dispose();
        _tree = null;
        CloseEnvironment();
        _fault = Fault.None;
    }

    IEnumerable<string> FilesUnder(string directory) =>
        _files.ListFiles(directory).Select(name => FilePaths.Combine(directory, name))
            .Concat(_files.ListDirectories(directory).SelectMany(name => FilesUnder(FilePaths.Combine(directory, name))));

    byte[] Read(string path)
    {
        using var file = _files.OpenRead(path);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes;
    }

    static bool IsFlippedAt(byte[] before, byte[] after, int offset) =>
        before.Length == after.Length && before.AsSpan(0, offset).SequenceEqual(after.AsSpan(0, offset)) && before[offset] != after[offset] &&
        before.AsSpan(offset + 1).SequenceEqual(after.AsSpan(offset + 1));
}
