// Loading and saving: what is in memory beside the store, as bytes; and how it follows from what happened since.
//
//   state   version u64 | next number u32 | postings u32 | shape, 8 bytes
//           for each posting: number u32, entries i32, centroid f32 x d
//           ids u64; for each: id u64, version << 24 | home u64
//   notes   1, shape (8 bytes): the first thing ever written.     2, id u64, version u64: deleted
//
// A shape: element type u8, metric u8, zero u16, dimension i32.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class PostingIndex
{
    const byte ShapeNote = 1, DeleteNote = 2;
    const int ShapeBytes = 8;
    const int StateHeader = 16 + ShapeBytes;
    const string Source = "the postings' state";

    void Load()
    {
        var replay = new Replay(this);
        _store.Load(replay);
        if (!replay.HasShape)
        {
            if (_postings.Count > 0 || _store.Postings.Count > 0) Throw.Corruption(Source, 0, "the shape of vectors before the first of them");
            _changes.Clear();
            var note = _changes.Note(1 + ShapeBytes);
            note[0] = ShapeNote;
            WriteShape(note[1..]);
            _store.Write(_changes);
        }
        if (!_store.Postings.ToHashSet().SetEquals(_postings.Keys)) Throw.Corruption(Source, 0, "a centroid for each posting");
        _versions.ForEach((id, version, home) =>
        {
            if (!_postings.TryGetValue(home, out var info)) Throw.Corruption(Source, 0, $"posting {home}, where id {id} is at home");
            info!.Live++;
        });
        for (var number = _nextNumber; number-- > 0;)
            if (!_postings.ContainsKey(number)) _freeNumbers.Push(number);
        foreach (var number in _postings.Keys.Order().ToArray()) Consider(number);
    }

    void WriteState(PostingAppend append)
    {
        var head = new byte[StateHeader];
        BinaryPrimitives.WriteUInt64LittleEndian(head, _version);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), _nextNumber);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), _postings.Count);
        WriteShape(head.AsSpan(16));
        append(head);
        var posting = new byte[8 + CentroidBytes];
        foreach (var (number, info) in _postings)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(posting, number);
            BinaryPrimitives.WriteInt32LittleEndian(posting.AsSpan(4), info.Entries);
            if (!_centroids.TryGet(number, MemoryMarshal.Cast<byte, float>(posting.AsSpan(8)))) Throw.Corruption(Source, 0, $"a centroid of posting {number}");
            append(posting);
        }
        var count = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(count, _versions.Count);
        append(count);
        // In pieces worth a call.
        var chunk = new byte[1 << 16];
        var used = 0;
        _versions.ForEach((id, version, home) =>
        {
            BinaryPrimitives.WriteUInt64LittleEndian(chunk.AsSpan(used), id);
            BinaryPrimitives.WriteUInt64LittleEndian(chunk.AsSpan(used + 8), (version << VersionMap.HomeBits) | home);
            if ((used += 16) < chunk.Length) return;
            append(chunk);
            used = 0;
        });
        append(chunk.AsSpan(0, used));
    }

    void NoteDelete(ulong id, ulong version)
    {
        var note = _changes.Note(17);
        note[0] = DeleteNote;
        BinaryPrimitives.WriteUInt64LittleEndian(note[1..], id);
        BinaryPrimitives.WriteUInt64LittleEndian(note[9..], version);
    }

    void WriteShape(Span<byte> target)
    {
        target[..ShapeBytes].Clear();
        (target[0], target[1]) = ((byte)Shape.Element, (byte)Shape.Metric);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], Shape.Dimension);
    }

    // Makes up what is in memory. Whatever the bytes are, nothing is believed that would lead outside of them.
    sealed class Replay(PostingIndex index) : IPostingReplay
    {
        public bool HasShape { get; private set; }

        public void State(ReadOnlySpan<byte> state)
        {
            var length = state.Length;
            Require(state.Length >= StateHeader, length, "the head of a state");
            index._version = BinaryPrimitives.ReadUInt64LittleEndian(state);
            index._nextNumber = BinaryPrimitives.ReadUInt32LittleEndian(state[8..]);
            var postings = BinaryPrimitives.ReadInt32LittleEndian(state[12..]);
            Require(index._version <= VersionMap.VersionMax && index._nextNumber <= VersionMap.HomeMax + 1 && postings >= 0, 0, "counts within their bounds");
            Shape(state[16..StateHeader]);
            state = state[StateHeader..];
            Require(state.Length / (8 + index.CentroidBytes) >= postings, length - state.Length, $"{postings} centroids");
            for (var i = 0; i < postings; i++, state = state[(8 + index.CentroidBytes)..])
            {
                var (number, entries) = (BinaryPrimitives.ReadUInt32LittleEndian(state), BinaryPrimitives.ReadInt32LittleEndian(state[4..]));
                Require(number < index._nextNumber && entries >= 0 && !index._postings.ContainsKey(number), length - state.Length, "a posting");
                Begin(number, entries, state.Slice(8, index.CentroidBytes));
            }
            Require(state.Length >= 8, length - state.Length, "the number of ids");
            var ids = BinaryPrimitives.ReadInt64LittleEndian(state);
            state = state[8..];
            Require(ids >= 0 && state.Length == ids * 16, length - state.Length, $"{ids} ids");
            index._versions.EnsureRoom(ids);
            for (; state.Length > 0; state = state[16..])
            {
                var (id, value) = (BinaryPrimitives.ReadUInt64LittleEndian(state), BinaryPrimitives.ReadUInt64LittleEndian(state[8..]));
                var (version, home) = (value >> VersionMap.HomeBits, (uint)value & VersionMap.HomeMax);
                Require(version is > 0 && version <= index._version && !index._versions.TryFind(id, out _, out _),
                    length - state.Length, "an id and its version");
                index._versions.Set(id, version, home);
            }
        }

        public void Put(uint posting, ReadOnlySpan<byte> bytes)
        {
            Require(posting <= VersionMap.HomeMax && bytes.Length >= index.CentroidBytes, 0, $"the number and the centroid of posting {posting}");
            index._nextNumber = Math.Max(index._nextNumber, posting + 1);
            Begin(posting, 0, bytes[..index.CentroidBytes]);
            Append(posting, bytes[index.CentroidBytes..]);
        }

        public void Append(uint posting, ReadOnlySpan<byte> bytes)
        {
            Require(index._postings.TryGetValue(posting, out var info) && bytes.Length % index.EntryBytes == 0, 0, $"entries of posting {posting}");
            info!.Entries += bytes.Length / index.EntryBytes;
            for (; bytes.Length > 0; bytes = bytes[index.EntryBytes..])
            {
                var (version, id) = (BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
                var isReplica = (version & ReplicaBit) != 0;
                version &= ~ReplicaBit;
                Require(version is > 0 and <= VersionMap.VersionMax, 0, $"a version of id {id}");
                index._version = Math.Max(index._version, version);
                // An entry that a split wrote anew has the version it had, and a new home.
                if (!isReplica && (!index._versions.TryFind(id, out var known, out _) || known <= version)) index._versions.Set(id, version, posting);
            }
        }

        public void Delete(uint posting)
        {
            Require(index._postings.Remove(posting), 0, $"posting {posting}, which is deleted");
            index._centroids.Delete(posting);
        }

        public void Note(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length == 1 + ShapeBytes && bytes[0] == ShapeNote)
            {
                Shape(bytes[1..]);
                return;
            }
            Require(bytes.Length == 17 && bytes[0] == DeleteNote, 0, "a note of a kind that is known");
            index._versions.Remove(BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]));
        }

        void Begin(uint posting, int entries, ReadOnlySpan<byte> centroid)
        {
            Require(HasShape, 0, "the shape of vectors before the first of them");
            foreach (var component in MemoryMarshal.Cast<byte, float>(centroid)) Require(float.IsFinite(component), 0, $"a centroid of posting {posting}");
            index._postings[posting] = new() { Entries = entries };
            index._centroids.Put(posting, MemoryMarshal.Cast<byte, float>(centroid));
        }

        void Shape(ReadOnlySpan<byte> bytes)
        {
            var own = new byte[ShapeBytes];
            index.WriteShape(own);
            if (!bytes.SequenceEqual(own)) Throw.Invalid($"the store holds vectors of another shape than {index.Shape}");
            HasShape = true;
        }

        static void Require(bool holds, long at, string expected)
        {
            if (!holds) Throw.Corruption(Source, at, expected);
        }
    }
}
