// IPostingStore: where postings are kept. A posting is a number and some bytes, which are put, appended to, read and deleted; what the bytes mean is
// PostingIndex's business. A store in files is in this folder (FilePostingStore); an engine may have another.
//
// Always true of a store:
//   (1) the changes of one Write happen all or not at all, also across a crash; what Write returned from survives the death of the process, and what Sync
//       returned from a power cut; after a power cut what is left is what some number of first Writes left;
//   (2) reads run beside each other and beside one writer, and see each Write whole or not;
//   (3) after opening, Load gives back the state of the last Save and then each change since, in order: enough to make up again whatever is
//       kept in memory beside the postings.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Postings;

public unsafe interface IPostingStore : IDisposable
{
    /// <summary>Numbers of all postings, in no order.</summary>
    IReadOnlyCollection<uint> Postings { get; }

    /// <summary>Tells what was saved and what happened since. Once, before anything else.</summary>
    void Load(IPostingReplay replay);

    /// <summary>Reads postings whole. One that is not there has a length of -1.</summary>
    /// <exception cref="AevumException">Corruption; InputOutput; Closed.</exception>
    void Read(ReadOnlySpan<uint> postings, PostingBytes target);

    /// <exception cref="AevumException">DiskFull, InputOutput: nothing changed; Closed.</exception>
    void Write(PostingChanges changes);

    /// <summary>Everything written so far survives a power cut.</summary>
    void Sync();

    /// <summary>Keeps a state beside all that was written so far, and may tidy up. Nothing is written meanwhile; reads go on.</summary>
    /// <param name="state">Writes the state, in as many pieces as it likes.</param>
    void Save(Action<PostingAppend> state);
}

/// <summary>Takes the next piece of something.</summary>
public delegate void PostingAppend(ReadOnlySpan<byte> bytes);

/// <summary>What happened, for who keeps something in memory beside the postings.</summary>
public unsafe interface IPostingReplay
{
    /// <summary>First, if ever a state was saved.</summary>
    void State(ReadOnlySpan<byte> state);

    void Put(uint posting, ReadOnlySpan<byte> bytes);

    void Append(uint posting, ReadOnlySpan<byte> bytes);

    void Delete(uint posting);

    /// <summary>What was noted with other changes.</summary>
    void Note(ReadOnlySpan<byte> bytes);
}

/// <summary>What a change does. The values are written into files.</summary>
public enum PostingChangeKind : byte
{
    /// <summary>The posting's bytes from now on.</summary>
    Put = 1,

    /// <summary>More bytes behind those that are there.</summary>
    Append = 2,

    Delete = 3,

    /// <summary>Nothing for the store; told again by Load.</summary>
    Note = 4,

    /// <summary>Only inside a store: bytes that moved, and are as they were.</summary>
    Move = 5,
}

/// <summary>Changes that belong together. Used again after <see cref="Clear"/>.</summary>
public sealed class PostingChanges
{
    readonly List<Change> _changes = [];
    byte[] _bytes = new byte[4096];
    int _length;

    internal IReadOnlyList<Change> All => _changes;

    public int Count => _changes.Count;

    public void Clear()
    {
        _changes.Clear();
        _length = 0;
    }

    /// <returns>The bytes to be filled before anything else is added.</returns>
    public Span<byte> Put(uint posting, int length) => Add(PostingChangeKind.Put, posting, length);

    /// <returns>The bytes to be filled before anything else is added.</returns>
    public Span<byte> Append(uint posting, int length) => Add(PostingChangeKind.Append, posting, length);

    public void Delete(uint posting) => Add(PostingChangeKind.Delete, posting, 0);

    /// <returns>The bytes to be filled before anything else is added.</returns>
    public Span<byte> Note(int length) => Add(PostingChangeKind.Note, 0, length);

    internal Span<byte> Move(uint posting, int length) => Add(PostingChangeKind.Move, posting, length);

    internal ReadOnlySpan<byte> Bytes(in Change change) => _bytes.AsSpan(change.Start, change.Length);

    Span<byte> Add(PostingChangeKind kind, uint posting, int length)
    {
        if (length > Array.MaxLength - _length) Throw.Limit("the bytes of changes made together", (long)_length + length, Array.MaxLength);
        if (_length + length > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(_bytes.Length * 2L, _length + (long)length)));
        _changes.Add(new(kind, posting, _length, length));
        _length += length;
        return _bytes.AsSpan(_length - length, length);
    }

    internal readonly record struct Change(PostingChangeKind Kind, uint Posting, int Start, int Length);
}

/// <summary>Postings that were read, in native memory that is used again for the next ones. One reader at a time.</summary>
public sealed unsafe class PostingBytes(MemoryBudget budget) : IDisposable
{
    NativeBlock? _block;
    long[] _starts = new long[64];
    int[] _lengths = new int[64];

    /// <summary>How many postings were asked for.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes of the <paramref name="index"/>th posting.</summary>
    /// <param name="length">-1: there is no such posting.</param>
    public byte* Posting(int index, out int length)
    {
        length = _lengths[index];
        return _block!.Pointer + _starts[index];
    }

    /// <summary>Makes room: for a store, before it reads.</summary>
    /// <param name="lengths">Of each posting; -1 where there is none.</param>
    public void Reserve(ReadOnlySpan<int> lengths)
    {
        if (lengths.Length > _starts.Length)
        {
            _starts = new long[lengths.Length * 2];
            _lengths = new int[lengths.Length * 2];
        }
        long end = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            (_starts[i], _lengths[i]) = (end, lengths[i]);
            end += (Math.Max(0, lengths[i]) + 63L) & -64;
        }
        Count = lengths.Length;
        if (_block is not null && _block.Bytes >= end) return;
        var larger = new NativeBlock(Math.Max(Math.Max(end, 4096), (_block?.Bytes ?? 0) * 3 / 2), budget);
        _block?.Dispose();
        _block = larger;
    }

    public void Dispose()
    {
        _block?.Dispose();
        _block = null;
    }
}
