// Saving and loading: the checkpoint, what happened after it, and what is of no use any more.

using System.Buffers.Binary;
using System.Globalization;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class FilePostingStore
{
    // Of a segment less than half of which is of use, what is of use is moved.
    const double UseMin = 0.5;
    const int MoveBytes = 4 << 20;

    public void Save(Action<PostingAppend> state)
    {
        lock (_writing)
        {
            ThrowIfClosed();
            if (!_isLoaded) Throw.Invalid("a store of postings is loaded before it is saved");
            SyncNewest();
            MoveFromWaste();
            SyncNewest();
            WriteCheckpoint(state);
            DropSegments();
        }
    }

    public void Load(IPostingReplay replay)
    {
        lock (_writing)
        {
            ThrowIfClosed();
            if (_isLoaded) Throw.Invalid("a store of postings is loaded once");
            ReadCheckpoint(replay);
            ReplaySegments(replay);
            // What a process left that died may be in the page cache only; nobody else will bring it to the disk.
            if (Array.FindLast(_segments, s => s.First > 0) is { } last)
            {
                using var region = _files.OpenRegion(last.File.Path);
                region.Sync();
            }
            _durable = _lastChange = _number;
            _isLoaded = true;
        }
    }

    void OpenSegments()
    {
        var numbers = new List<uint>();
        foreach (var name in _files.ListFiles(_directory))
            if (name.EndsWith(Extension, StringComparison.Ordinal)
                && uint.TryParse(name.AsSpan(0, name.Length - Extension.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number > 0) numbers.Add(number);
        numbers.Sort();
        var header = new byte[SegmentHeader.Bytes];
        foreach (var number in numbers)
        {
            var file = _files.OpenRead(FilePaths.Combine(_directory, Name(number)));
            var isWhole = false;
            var found = default(SegmentHeader);
            try
            {
                isWhole = file.Read(0, header) == header.Length && SegmentHeader.TryRead(header, out found, out var version)
                    && version == SegmentHeader.Version;
                if (!isWhole && SegmentHeader.TryRead(header, out _, out version) && version != SegmentHeader.Version)
                    Throw.UnsupportedFormat(file.Path, $"postings {version}", $"{SegmentHeader.Version}");
                if (isWhole && found.Number != number) Throw.Corruption(file.Path, 8, $"segment {number}");
                if (!isWhole) RequireUnpromised(file, 0, 0);
            }
            catch
            {
                file.Dispose();
                throw;
            }
            // One without a header is what a crash left of its beginning: nothing was written behind it.
            _segments = [.. _segments, new(number, isWhole ? found.First : 0, file)];
        }
    }

    void ReadCheckpoint(IPostingReplay replay)
    {
        var path = FilePaths.Combine(_directory, CheckpointFile);
        if (!_files.FileExists(path)) return;
        using var file = _files.OpenRead(path);
        var length = file.Length;
        Span<byte> bytes = stackalloc byte[CheckpointHeader.Bytes];
        if (length < bytes.Length || file.Read(length - bytes.Length, bytes) < bytes.Length
            || !CheckpointHeader.TryRead(bytes, out var header, out var version))
        {
            Throw.Corruption(path, Math.Max(0, length - bytes.Length), "the end of a checkpoint");
            return;
        }
        if (version != SegmentHeader.Version) Throw.UnsupportedFormat(path, $"postings {version}", $"{SegmentHeader.Version}");
        if (header.DirectoryBytes > length || header.StateBytes > int.MaxValue || header.DirectoryBytes + header.StateBytes + bytes.Length != length)
            Throw.Corruption(path, length - bytes.Length, "the length of the checkpoint");
        using var content = new NativeBlock(length, MemoryBudget.Unlimited());
        var whole = new Span<byte>(content.Pointer, checked((int)(length - bytes.Length)));
        if (file.Read(0, whole) < whole.Length) Throw.Corruption(path, 0, "the whole of the checkpoint");
        var directory = whole[..(int)header.DirectoryBytes];
        var state = whole[(int)header.DirectoryBytes..];
        if (Crc32C.Compute(directory) != header.DirectoryChecksum) Throw.Corruption(path, 0, "the checksum of the directory");
        if (Crc32C.Compute(state) != header.StateChecksum) Throw.Corruption(path, directory.Length, "the checksum of the state");
        if (!_places.TryRead(directory, header.Postings, IsThere)) Throw.Corruption(path, 0, "a directory of postings in segments that are there");
        _number = _durable = header.Batch;
        replay.State(state);
    }

    bool IsThere(PostingPiece piece) =>
        Array.Find(_segments, s => s.Number == piece.Segment) is { } segment && piece.Offset <= segment.File.Length - piece.Length;

    void ReplaySegments(IPostingReplay replay)
    {
        for (var i = 0; i < _segments.Length; i++)
        {
            var segment = _segments[i];
            if (segment.First == 0) continue;
            // All of it is known to the checkpoint.
            var next = Array.Find(_segments[(i + 1)..], s => s.First > 0);
            if (next is not null && next.First <= _number + 1 && next.First > segment.First) continue;
            if (segment.First > _number + 1) Throw.Corruption(segment.File.Path, 16, $"batch {_number + 1}, which no segment before has");
            ReplaySegment(segment, replay, next?.First);
        }
    }

    void ReplaySegment(Segment segment, IPostingReplay replay, ulong? nextFirst)
    {
        var file = segment.File;
        var length = file.Length;
        var head = new byte[BatchHeader.Bytes];
        long at = SegmentHeader.Bytes;
        for (var expected = segment.First; at < length; expected++)
        {
            // The next segment begins with this one: what is here was given up by whoever wrote that.
            if (nextFirst == expected) return;
            if (file.Read(at, head) < head.Length || !BatchHeader.TryRead(head, out var header) || header.Number != expected
                || header.Length > length - at - BatchHeader.Bytes || !TryReadBatch(file, at, header))
            {
                RequireUnpromised(file, at, expected);
                if (nextFirst > expected) Throw.Corruption(file.Path, at, $"batch {expected}");
                return;
            }
            _durable = Math.Max(_durable, header.Durable);
            if (header.Number > _number) ReplayBatch(segment, at, header, replay);
            at += BatchHeader.Bytes + header.Length;
        }
        if (nextFirst is { } first && first > _number + 1) Throw.Corruption(file.Path, length, $"batch {_number + 1}");
    }

    // Into the buffer, every change checked.
    bool TryReadBatch(IReadableFile file, long at, in BatchHeader header)
    {
        Grow(header.Length);
        var bytes = _buffer.AsSpan(0, header.Length);
        if (file.Read(at + BatchHeader.Bytes, bytes) < bytes.Length) return false;
        for (var i = 0; i < header.Changes; i++)
        {
            if (!ChangeHeader.TryRead(bytes, header.Number, out var change) || change.Length > bytes.Length - ChangeHeader.Bytes) return false;
            if (Crc32C.Compute(bytes.Slice(ChangeHeader.Bytes, change.Length)) != change.BodyChecksum) return false;
            bytes = bytes[(ChangeHeader.Bytes + change.Length)..];
        }
        return bytes.Length == 0;
    }

    void ReplayBatch(Segment segment, long at, in BatchHeader header, IPostingReplay replay)
    {
        var start = 0;
        for (var i = 0; i < header.Changes; i++)
        {
            ChangeHeader.TryRead(_buffer.AsSpan(start), header.Number, out var change);
            start += ChangeHeader.Bytes;
            if (!Apply(change, new(segment.Number, at + BatchHeader.Bytes + start, change.Length, change.BodyChecksum)))
                Throw.Corruption(segment.File.Path, at + BatchHeader.Bytes + start, $"posting {change.Posting}, which is changed here");
            var body = _buffer.AsSpan(start, change.Length);
            switch (change.Kind)
            {
                case PostingChangeKind.Put:
                    replay.Put(change.Posting, body);
                    break;
                case PostingChangeKind.Append:
                    replay.Append(change.Posting, body[change.Fresh..]);
                    break;
                case PostingChangeKind.Delete:
                    replay.Delete(change.Posting);
                    break;
                case PostingChangeKind.Note:
                    replay.Note(body);
                    break;
            }
            start += change.Length;
        }
        _number = header.Number;
    }

    // What does not read as a batch is the end of the log, unless a header behind it says that the batch had reached the disk: then it is damage. A segment's
    // own header reached the disk before anything was written behind it (expected 0).
    static void RequireUnpromised(IReadableFile file, long at, ulong expected)
    {
        const int Chunk = 1 << 20;
        var bytes = new byte[Chunk + BatchHeader.Bytes];
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, BatchHeader.Magic);
        for (var from = at; from < file.Length; from += Chunk)
        {
            var here = bytes.AsSpan(0, file.Read(from, bytes));
            for (int found, start = 0; (found = here[start..].IndexOf(magic)) >= 0; start += found + 1)
                if (BatchHeader.TryRead(here[(start + found)..], out var header)
                    && (expected == 0 || (header.Durable >= expected && header.Number > expected)))
                    Throw.Corruption(file.Path, at, expected == 0 ? "the header of a segment" : $"batch {expected}, which had reached the disk");
        }
    }

    void MoveFromWaste()
    {
        var waste = new HashSet<uint>();
        foreach (var segment in _segments)
            if (segment != _segments[^1] && _places.Live(segment.Number) is > 0 and var live && live < UseMin * segment.File.Length) waste.Add(segment.Number);
        if (waste.Count == 0) return;
        var changes = new PostingChanges();
        var bytes = 0L;
        foreach (var posting in _places.Postings.Where(p => _places.Pieces(p)!.Exists(piece => waste.Contains(piece.Segment))).ToArray())
        {
            ReadHeld([posting], _old);
            var from = _old.Posting(0, out var length);
            new ReadOnlySpan<byte>(from, length).CopyTo(changes.Move(posting, length));
            if ((bytes += length) < MoveBytes) continue;
            WriteBatch(changes);
            changes.Clear();
            bytes = 0;
        }
        if (changes.Count > 0) WriteBatch(changes);
    }

    void WriteCheckpoint(Action<PostingAppend> state)
    {
        var path = FilePaths.Combine(_directory, CheckpointFile);
        var part = path + ".part";
        try
        {
            using (var file = _files.Create(part))
            {
                var directory = _places.ToBytes();
                file.Append(directory);
                uint checksum = 0;
                state(bytes =>
                {
                    checksum = Crc32C.Extend(checksum, bytes);
                    file.Append(bytes);
                });
                var stateBytes = file.Length - directory.Length;
                if (stateBytes > int.MaxValue) Throw.Limit("the bytes of a state", stateBytes, int.MaxValue);
                Span<byte> header = stackalloc byte[CheckpointHeader.Bytes];
                new CheckpointHeader(_number, _places.Postings.Count, directory.Length, stateBytes, Crc32C.Compute(directory), checksum).Write(header);
                file.Append(header);
                file.Sync();
            }
            _files.Rename(part, path);
        }
        catch
        {
            try
            {
                _files.Delete(part);
            }
            catch (AevumException)
            {
                // What failed before is what the caller wants to know.
            }
            throw;
        }
        _files.SyncDirectory(_directory);
    }

    void DropSegments()
    {
        var dropped = _segments.Where(s => s.Number != _segments[^1].Number && _places.Live(s.Number) == 0).ToArray();
        if (dropped.Length == 0) return;
        _state.EnterWriteLock();
        try
        {
            _segments = [.. _segments.Except(dropped)];
        }
        finally
        {
            _state.ExitWriteLock();
        }
        foreach (var segment in dropped)
        {
            // Nobody reads it: whoever did held the lock.
            segment.File.Dispose();
            _files.Delete(FilePaths.Combine(_directory, Name(segment.Number)));
        }
    }
}
