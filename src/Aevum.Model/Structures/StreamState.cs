// StreamState: what the head of a stream knows of it, beside how many entries it has.
//
//   last id 16 | first id 16 | deleted id 16 | added u64 | nodes u32 | groups u32 | group number u32 | last node: first id 16, node 36
//
// A group's *entries read* and its *lag* are estimates that Redis makes of such numbers alone: they hold as long as nothing was taken out of the middle
// (a tombstone) in front of the group. The two questions, HasTombstones and EntriesUpTo, are those of Redis 7.0.
//
// Bytes: docs/formats/structures.md.

using System.Buffers.Binary;
using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

/// <summary>What the head of a stream says, behind its count.</summary>
public record struct StreamState
{
    public const int Bytes = (3 * StreamId.Bytes) + sizeof(ulong) + (3 * sizeof(uint)) + StreamId.Bytes + StreamNode.Bytes;

    /// <summary>What <see cref="EntriesUpTo"/> answers when nobody knows.</summary>
    public const long Unknown = -1;

    /// <summary>The greatest id so far: new ones are greater.</summary>
    public StreamId Last { get; set; }

    /// <summary>The first entry that is there; 0-0: there is none.</summary>
    public StreamId First { get; set; }

    /// <summary>The greatest id that was deleted one by one.</summary>
    public StreamId MaxDeleted { get; set; }

    /// <summary>Entries added ever.</summary>
    public ulong Added { get; set; }

    public uint Nodes { get; set; }

    public uint Groups { get; set; }

    /// <summary>Of the group made last.</summary>
    public uint GroupNumber { get; set; }

    /// <summary>The node that grows, if there are nodes.</summary>
    public StreamNode Tail { get; set; }

    /// <summary>True if an entry at or behind an id may have been deleted.</summary>
    /// <param name="count">Entries there are.</param>
    public readonly bool HasTombstones(long count, StreamId from) =>
        count != 0 && MaxDeleted != StreamId.Zero && First <= MaxDeleted && from <= MaxDeleted;

    /// <summary>How many entries were ever added up to an id; <see cref="Unknown"/> where these numbers do not tell.</summary>
    /// <param name="count">Entries there are.</param>
    public readonly long EntriesUpTo(long count, StreamId id)
    {
        if (Added == 0) return 0;
        if ((count == 0 && id <= Last) || id == Last) return (long)Added;
        if (id > Last) return Unknown;
        if (MaxDeleted != StreamId.Zero && MaxDeleted >= First) return Unknown;
        if (id > First) return Unknown;
        return (long)Added - count + (id == First ? 1 : 0);
    }

    /// <param name="target">At least <see cref="Bytes"/>.</param>
    public readonly void Write(Span<byte> target)
    {
        Last.Write(target);
        First.Write(target[16..]);
        MaxDeleted.Write(target[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], Added);
        BinaryPrimitives.WriteUInt32LittleEndian(target[56..], Nodes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Groups);
        BinaryPrimitives.WriteUInt32LittleEndian(target[64..], GroupNumber);
        Tail.First.Write(target[68..]);
        Tail.Write(target[84..]);
    }

    /// <exception cref="CorruptionException">The value is no head of a stream.</exception>
    public static StreamState Read(ReadOnlySpan<byte> value)
    {
        if (value.Length != Bytes) throw new CorruptionException("the head of a stream is malformed");
        return new StreamState
        {
            Last = StreamId.Read(value),
            First = StreamId.Read(value[16..]),
            MaxDeleted = StreamId.Read(value[32..]),
            Added = BinaryPrimitives.ReadUInt64LittleEndian(value[48..]),
            Nodes = BinaryPrimitives.ReadUInt32LittleEndian(value[56..]),
            Groups = BinaryPrimitives.ReadUInt32LittleEndian(value[60..]),
            GroupNumber = BinaryPrimitives.ReadUInt32LittleEndian(value[64..]),
            Tail = StreamNode.Read(StreamId.Read(value[68..]), value[84..]),
        };
    }
}
