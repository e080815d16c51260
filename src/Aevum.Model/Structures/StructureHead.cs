// StructureHead: the value of the row that is an object: what kind it is, and all of it, or where the rest is.
//
//   kind u8         bits 0..3: the kind; 4: moved; 5: fields may expire; 6: has an own expiry; 7: large
//   own expiry      i64, if bit 6: milliseconds since 1970, 0: never
//   fields until    u64, if bit 5: the system time at which the last field is gone; 0: some field stays
//   home            length u32 | bytes, if bit 4: the head's key behind which the elements lie
//   body            string       the bytes
//                   packed       the elements, as their kind packs them (PackedEntries)
//                   large        incarnation u64 | count u64 | what the kind adds                                little endian
//
// An object begins packed and becomes large once; it never goes back while it lives. A large one that is renamed leaves its elements where they are: the head
// under its new key says whose key they lie behind, its home; and a row there (StructureKey.OwnerFamily) says who has them now.
//
// The row's expiry is the object's, but for two cases, in which the object's own stands in the head: one that lies behind the last system time (the row
// then has none), and that of a hash whose fields all expire, the last of them before the hash itself would: the row goes with that field. So
// whether an object is there is always told by its row alone.

using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.Structures;

/// <summary>A head, as it stands in its row. Spans into the row's value.</summary>
public readonly ref struct StructureHead
{
    const byte LargeFlag = 0x80;
    const byte OwnExpiryFlag = 0x40;
    const byte FieldsExpireFlag = 0x20;
    const byte MovedFlag = 0x10;
    const byte KindMask = 0x0F;

    /// <summary>Most bytes before the body, beside the home's.</summary>
    public const int PrefixBytesMax = 1 + sizeof(long) + sizeof(ulong) + sizeof(uint);

    /// <summary>Bytes of a large body before what the kind adds.</summary>
    public const int LargeBytes = 2 * sizeof(ulong);

    public StructureKind Kind { get; private init; }

    /// <summary>True: the elements are rows of their own.</summary>
    public bool IsLarge { get; private init; }

    /// <summary>Of a large object: what its elements' keys carry.</summary>
    public ulong Incarnation { get; private init; }

    /// <summary>Of a large object: its elements, as of when the head was written.</summary>
    public long Count { get; private init; }

    /// <summary>Of a string its bytes; of a packed object its elements; of a large one what the kind adds.</summary>
    public ReadOnlySpan<byte> Rest { get; private init; }

    /// <summary>Of a large object that was renamed: the head's key behind which its elements lie; empty: its own.</summary>
    public ReadOnlySpan<byte> Home { get; private init; }

    /// <summary>All behind the flags, expiries and home.</summary>
    public ReadOnlySpan<byte> Body { get; private init; }

    /// <summary>True: the row's expiry is not the object's own.</summary>
    public bool HasOwnExpiry { get; private init; }

    /// <summary>True: of a hash, some fields have expiries.</summary>
    public bool FieldsExpire { get; private init; }

    /// <summary>When the last field goes; None: some field stays.</summary>
    public SystemTime FieldsUntil { get; private init; }

    SystemTime OwnExpiry { get; init; }

    /// <summary>The object's expiry.</summary>
    /// <param name="ofRow">That of its row.</param>
    public SystemTime ExpiryOf(SystemTime ofRow) => HasOwnExpiry ? OwnExpiry : ofRow;

    /// <exception cref="CorruptionException">The value is no head.</exception>
    public static StructureHead Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || (value[0] & KindMask) > (byte)StructureKind.Stream) throw new CorruptionException("a row is no head of a structure");
        var kind = (StructureKind)(value[0] & KindMask);
        // Mostly there is nothing but the kind before the body.
        if ((value[0] & ~KindMask) == 0) return new StructureHead { Kind = kind, Rest = value[1..], Body = value[1..] };
        return ReadFlagged(value, kind);
    }

    static StructureHead ReadFlagged(ReadOnlySpan<byte> value, StructureKind kind)
    {
        var flags = value[0];
        var at = PrefixBytesOf(flags);
        var isLarge = (flags & LargeFlag) != 0;
        ReadOnlySpan<byte> home = default;
        if ((flags & MovedFlag) != 0)
        {
            if (!isLarge || value.Length < at + sizeof(uint)) throw Malformed();
            var length = BinaryPrimitives.ReadUInt32LittleEndian(value[at..]);
            at += sizeof(uint);
            if (length == 0 || length > value.Length - at) throw Malformed();
            home = value.Slice(at, (int)length);
            at += home.Length;
        }
        var fieldsExpire = (flags & FieldsExpireFlag) != 0;
        if (value.Length < at + (isLarge ? LargeBytes : 0) || (isLarge && kind == StructureKind.String) || (fieldsExpire && kind != StructureKind.Hash))
            throw Malformed();
        var own = (flags & OwnExpiryFlag) != 0 ? BinaryPrimitives.ReadInt64LittleEndian(value[1..]) : 0;
        if (own < 0) throw new CorruptionException("the head of a structure has a malformed expiry");
        var body = value[at..];
        return new StructureHead
        {
            Kind = kind,
            IsLarge = isLarge,
            HasOwnExpiry = (flags & OwnExpiryFlag) != 0,
            OwnExpiry = own == 0 ? SystemTime.None : KeyExpiry.FromMilliseconds(own),
            FieldsExpire = fieldsExpire,
            FieldsUntil = fieldsExpire
                ? new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(value[(PrefixBytesOf(flags) - sizeof(ulong))..])) : SystemTime.None,
            Home = home,
            Incarnation = isLarge ? BinaryPrimitives.ReadUInt64LittleEndian(body) : 0,
            Count = isLarge ? BinaryPrimitives.ReadInt64LittleEndian(body[sizeof(ulong)..]) : 0,
            Rest = isLarge ? body[LargeBytes..] : body,
            Body = body,
        };
    }

    static CorruptionException Malformed() => new("the head of a structure is malformed");

    // Without the home.
    static int PrefixBytesOf(byte flags) =>
        1 + ((flags & OwnExpiryFlag) != 0 ? sizeof(long) : 0) + ((flags & FieldsExpireFlag) != 0 ? sizeof(ulong) : 0);

    /// <summary>The first byte of a string or packed object that has nothing else before its body.</summary>
    public static byte TagOf(StructureKind kind) => (byte)kind;

    /// <summary>Writes what comes before the body.</summary>
    /// <param name="target">At least <see cref="PrefixBytesMax"/> bytes, and those of the home.</param>
    /// <param name="expiry">The object's.</param>
    /// <param name="fieldsExpire">Of a hash: some fields have expiries.</param>
    /// <param name="fieldsUntil">When the last field goes; None: some field stays.</param>
    /// <param name="rowExpiry">What the row must have as its expiry.</param>
    /// <param name="home">Of a large object: the head's key behind which its elements lie; empty: its own.</param>
    /// <returns>Bytes written.</returns>
    public static int WritePrefix(
        Span<byte> target, StructureKind kind, bool isLarge, SystemTime expiry, bool fieldsExpire, SystemTime fieldsUntil, out SystemTime rowExpiry,
        ReadOnlySpan<byte> home = default)
    {
        rowExpiry = KeyExpiry.IsFar(expiry) ? SystemTime.None : expiry;
        if (fieldsExpire && fieldsUntil != SystemTime.None && (expiry == SystemTime.None || fieldsUntil < expiry)) rowExpiry = fieldsUntil;
        var hasOwn = rowExpiry != expiry;
        target[0] = (byte)((byte)kind | (isLarge ? LargeFlag : 0) | (hasOwn ? OwnExpiryFlag : 0) | (fieldsExpire ? FieldsExpireFlag : 0)
            | (home.IsEmpty ? 0 : MovedFlag));
        var at = 1;
        if (hasOwn)
        {
            BinaryPrimitives.WriteInt64LittleEndian(target[at..], KeyExpiry.ToMilliseconds(expiry));
            at += sizeof(long);
        }
        if (fieldsExpire)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target[at..], fieldsUntil.Value);
            at += sizeof(ulong);
        }
        if (home.IsEmpty) return at;
        BinaryPrimitives.WriteUInt32LittleEndian(target[at..], (uint)home.Length);
        home.CopyTo(target[(at + sizeof(uint))..]);
        return at + sizeof(uint) + home.Length;
    }

    /// <summary>Writes a large body, before what the kind adds.</summary>
    /// <param name="target">At least <see cref="LargeBytes"/> bytes.</param>
    public static void WriteLarge(Span<byte> target, ulong incarnation, long count)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, incarnation);
        BinaryPrimitives.WriteInt64LittleEndian(target[sizeof(ulong)..], count);
    }

    /// <summary>Gives a large head, as it stands in its row, another incarnation.</summary>
    public static void WriteIncarnation(Span<byte> head, ulong incarnation)
    {
        var at = PrefixBytesOf(head[0]);
        if ((head[0] & MovedFlag) != 0) at += sizeof(uint) + (int)BinaryPrimitives.ReadUInt32LittleEndian(head[at..]);
        BinaryPrimitives.WriteUInt64LittleEndian(head[at..], incarnation);
    }
}
