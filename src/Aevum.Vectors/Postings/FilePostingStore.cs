// FilePostingStore: postings in files of a directory, as a log: every Write appends one batch to the newest segment, and a posting is where its latest put and
// the appends since lie. Nothing is overwritten, so a crash leaves what was there.
//
//   lock                    held while the store is open
//   NNNNNNNN.postings       segments; the newest is written, the others are only read
//   checkpoint              where every posting lies and what Save was given, as of some batch
//
//   Load        the checkpoint, then each batch after it. A batch that is not whole ends the log, unless something behind it tells that it was
//               promised: then it is damage (Corruption)
//   an append   to a posting in many pieces writes it anew in one, so a read takes few reads; postings of old segments of which less than half is of use
//               are written anew by Save, and segments without use deleted
//
// Always true: the directory is changed only after the batch is in the file; a segment that was written by another process is never appended to.
// Bytes: docs/formats/postings.md. Not here: what postings mean (PostingIndex).

using System.Globalization;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Vectors.Postings;

/// <summary>How a store keeps its files.</summary>
/// <param name="SegmentBytesMax">A segment is begun anew above so many bytes.</param>
/// <param name="PiecesMax">A posting in so many pieces is written anew by its next append. More: fewer bytes written, more reads a search.</param>
public sealed record FilePostingOptions(long SegmentBytesMax = 256L << 20, int PiecesMax = 8);

public sealed unsafe partial class FilePostingStore : IPostingStore
{
    const string LockFile = "lock";
    const string CheckpointFile = "checkpoint";
    const string Extension = ".postings";

    readonly IFileSystem _files;
    readonly string _directory;
    readonly FilePostingOptions _options;
    readonly IDisposable _lock;
    readonly Lock _writing = new();
    readonly ReaderWriterLockSlim _state = new(LockRecursionPolicy.NoRecursion);
    readonly PostingDirectory _places = new();
    readonly PostingBytes _old = new(MemoryBudget.Unlimited());
    Segment[] _segments = [];
    IWritableFile? _newest;
    byte[] _buffer = new byte[1 << 16];
    ulong _number;      // of the last batch
    ulong _lastChange;  // of the last batch with anything in it
    ulong _durable;     // of the last batch that is on the disk
    ulong _marked;      // of the last batch that some later header tells to be
    bool _isLoaded;
    Exception? _failure;
    bool _closed;

    FilePostingStore(IFileSystem files, string directory, FilePostingOptions options, IDisposable held) =>
        (_files, _directory, _options, _lock) = (files, directory, options, held);

    public IReadOnlyCollection<uint> Postings
    {
        get
        {
            _state.EnterReadLock();
            try
            {
                return [.. _places.Postings];
            }
            finally
            {
                _state.ExitReadLock();
            }
        }
    }

    /// <summary>Opens a store, or begins one.</summary>
    /// <param name="directory">Of its own.</param>
    /// <exception cref="AevumException">Locked: it is open already. Corruption, UnsupportedFormat, InputOutput.</exception>
    public static FilePostingStore Open(IFileSystem files, string directory, FilePostingOptions? options = null)
    {
        options ??= new();
        if (options.SegmentBytesMax < 1) Throw.Invalid("a segment of no bytes");
        if (options.PiecesMax < 1) Throw.Invalid("a posting has at least one piece");
        files.CreateDirectoryDurably(directory);
        var held = files.Lock(FilePaths.Combine(directory, LockFile), "a store of postings");
        var store = new FilePostingStore(files, directory, options, held);
        try
        {
            store.OpenSegments();
            // A process that died while it made the directory may have left its name in memory only.
            if (store._segments.Length == 0) files.SyncDirectory(FilePaths.DirectoryOf(directory));
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public void Read(ReadOnlySpan<uint> postings, PostingBytes target)
    {
        _state.EnterReadLock();
        try
        {
            ThrowIfClosed();
            ReadHeld(postings, target);
        }
        finally
        {
            _state.ExitReadLock();
        }
    }

    public void Write(PostingChanges changes)
    {
        lock (_writing)
        {
            ThrowIfClosed();
            if (!_isLoaded) Throw.Invalid("a store of postings is loaded before it is written");
            WriteBatch(changes);
        }
    }

    public void Sync()
    {
        lock (_writing)
        {
            ThrowIfClosed();
            SyncNewest();
        }
    }

    public void Dispose()
    {
        lock (_writing)
        {
            _state.EnterWriteLock();
            try
            {
                if (_closed) return;
                _closed = true;
                foreach (var segment in _segments) segment.File.Dispose();
                _newest?.Dispose();
                _old.Dispose();
                _lock.Dispose();
            }
            finally
            {
                _state.ExitWriteLock();
            }
        }
    }

    // Segments are few and each is asked for its pieces in turn, so that the reads of one are on their way together.
    void ReadHeld(ReadOnlySpan<uint> postings, PostingBytes target)
    {
        const int Together = 64;
        Span<int> lengths = postings.Length <= 1024 ? stackalloc int[postings.Length] : new int[postings.Length];
        for (var i = 0; i < postings.Length; i++) lengths[i] = _places.Length(postings[i]);
        target.Reserve(lengths);
        Span<FileRead> reads = stackalloc FileRead[Together];
        Span<uint> checksums = stackalloc uint[Together];
        foreach (var segment in _segments)
        {
            var count = 0;
            for (var i = 0; i < postings.Length; i++)
            {
                if (_places.Pieces(postings[i]) is not { } pieces) continue;
                var at = target.Posting(i, out _);
                for (var p = 0; p < pieces.Count; at += pieces[p++].Length)
                {
                    if (pieces[p].Segment != segment.Number) continue;
                    reads[count] = new(pieces[p].Offset, at, pieces[p].Length);
                    checksums[count++] = pieces[p].Checksum;
                    if (count < Together) continue;
                    ReadPieces(segment, reads, checksums);
                    count = 0;
                }
            }
            if (count > 0) ReadPieces(segment, reads[..count], checksums);
        }
    }

    static void ReadPieces(Segment segment, ReadOnlySpan<FileRead> reads, ReadOnlySpan<uint> checksums)
    {
        if (!segment.File.ReadMany(reads)) Throw.Corruption(segment.File.Path, segment.File.Length, "all bytes of its postings");
        for (var i = 0; i < reads.Length; i++)
            if (Crc32C.Compute(reads[i].Target, reads[i].Length) != checksums[i])
                Throw.Corruption(segment.File.Path, reads[i].Offset, "the checksum of a posting's piece");
    }

    void WriteBatch(PostingChanges changes)
    {
        if (_failure is not null) Throw.Closed(_directory, _failure);
        if (_newest is null || _newest.Length >= _options.SegmentBytesMax) BeginSegment();
        var length = Encode(changes);
        var at = _newest!.Length;
        _newest.Append(_buffer.AsSpan(0, length));
        _lastChange = ++_number;
        // Nothing fails from here on.
        _state.EnterWriteLock();
        try
        {
            var offset = at + BatchHeader.Bytes;
            for (var i = 0; i < changes.Count; i++)
            {
                ChangeHeader.TryRead(_buffer.AsSpan((int)(offset - at)), _number, out var header);
                offset += ChangeHeader.Bytes;
                Apply(header, new(_segments[^1].Number, offset, header.Length, header.BodyChecksum));
                offset += header.Length;
            }
        }
        finally
        {
            _state.ExitWriteLock();
        }
    }

    /// <returns>False: an append to what is not there.</returns>
    bool Apply(in ChangeHeader header, PostingPiece piece)
    {
        switch (header.Kind)
        {
            case PostingChangeKind.Put:
            case PostingChangeKind.Move:
            case PostingChangeKind.Append when header.Fresh > 0:
                _places.Set(header.Posting, piece);
                return true;
            case PostingChangeKind.Append:
                return _places.Append(header.Posting, piece);
            case PostingChangeKind.Delete:
                return _places.Delete(header.Posting);
            default:
                return true;
        }
    }

    // The next batch, into the buffer.
    int Encode(PostingChanges changes)
    {
        var length = BatchHeader.Bytes;
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes.All[i];
            var body = changes.Bytes(change);
            var old = 0;
            if (change.Kind == PostingChangeKind.Append)
            {
                var before = LengthBefore(changes, i, out var isTouched);
                if (before < 0) throw Missing(change.Posting);
                if ((long)before + body.Length > int.MaxValue) Throw.Limit("the bytes of a posting", (long)before + body.Length, int.MaxValue);
                // One piece instead of many, unless an earlier change of this batch is about it, too.
                if (!isTouched && _places.Pieces(change.Posting)!.Count >= _options.PiecesMax) old = before;
            }
            if (change.Kind == PostingChangeKind.Delete && LengthBefore(changes, i, out _) < 0) throw Missing(change.Posting);
            var whole = old + body.Length;
            Grow(length + (long)ChangeHeader.Bytes + whole);
            var target = _buffer.AsSpan(length + ChangeHeader.Bytes, whole);
            if (old > 0)
            {
                ReadHeld([change.Posting], _old);   // no lock: only this thread changes places
                new ReadOnlySpan<byte>(_old.Posting(0, out _), old).CopyTo(target);
            }
            body.CopyTo(target[old..]);
            new ChangeHeader(change.Kind, change.Posting, whole, old, Crc32C.Compute(target)).Write(_buffer.AsSpan(length), _number + 1);
            length += ChangeHeader.Bytes + whole;
        }
        new BatchHeader(_number + 1, _durable, changes.Count, length - BatchHeader.Bytes).Write(_buffer);
        _marked = _durable;
        return length;

        AevumException Missing(uint posting) => new(ErrorCode.InvalidArgument, $"there is no posting {posting} in {_directory}");
    }

    // What a posting has before change `end` of a batch; -1: it is not there.
    int LengthBefore(PostingChanges changes, int end, out bool isTouched)
    {
        isTouched = false;
        var posting = changes.All[end].Posting;
        var length = _places.Length(posting);
        for (var i = 0; i < end; i++)
        {
            var change = changes.All[i];
            if (change.Posting != posting || change.Kind == PostingChangeKind.Note) continue;
            isTouched = true;
            length = change.Kind switch
            {
                PostingChangeKind.Put or PostingChangeKind.Move => change.Length,
                PostingChangeKind.Append => length + change.Length,
                PostingChangeKind.Delete => -1,
                _ => length,
            };
        }
        return length;
    }

    void Grow(long length)
    {
        if (length > Array.MaxLength) Throw.Limit("the bytes of changes made together", length, Array.MaxLength);
        if (length > _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(_buffer.Length * 2L, length)));
    }

    void BeginSegment()
    {
        // What a segment holds is on the disk before the next one begins: so Sync has one file to think of. Without a mark, which might be lost: the next
        // segment goes on where this one ends.
        SyncNewest(isMarked: false);
        var number = _segments.Length == 0 ? 1 : _segments[^1].Number + 1;
        var path = FilePaths.Combine(_directory, Name(number));
        var file = _files.Create(path);
        IReadableFile? reader = null;
        try
        {
            Span<byte> header = stackalloc byte[SegmentHeader.Bytes];
            new SegmentHeader(number, _number + 1).Write(header);
            file.Append(header);
            file.Sync();
            _files.SyncDirectory(_directory);
            reader = _files.OpenRead(path);
        }
        catch
        {
            // The name is taken again by the next attempt.
            reader?.Dispose();
            file.Dispose();
            throw;
        }
        _newest?.Dispose();
        _newest = file;
        _state.EnterWriteLock();
        try
        {
            _segments = [.. _segments, new(number, _number + 1, reader)];
        }
        finally
        {
            _state.ExitWriteLock();
        }
    }

    void SyncNewest(bool isMarked = true)
    {
        if (_failure is not null) Throw.Closed(_directory, _failure);
        if (_newest is null || _durable >= (isMarked ? _lastChange : _number)) return;
        try
        {
            _newest.Sync();
        }
        catch (AevumException e)
        {
            // Nobody knows what the disk has: this store ends here, and the next one looks.
            _failure = e;
            throw;
        }
        _durable = _number;
        if (!isMarked || _marked == _durable) return;
        try
        {
            // A batch of nothing, whose header tells what was promised. Not synced: if it is lost, damage before it looks like a torn tail, no worse.
            Span<byte> mark = stackalloc byte[BatchHeader.Bytes];
            new BatchHeader(_number + 1, _durable, 0, 0).Write(mark);
            _newest.Append(mark);
            _number++;
            _marked = _durable;
        }
        catch (AevumException)
        {
            // No room for it, then: the next batch says so.
        }
    }

    static string Name(uint number) => number.ToString("D8", CultureInfo.InvariantCulture) + Extension;

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed(_directory);
    }

    sealed record Segment(uint Number, ulong First, IReadableFile File);
}
