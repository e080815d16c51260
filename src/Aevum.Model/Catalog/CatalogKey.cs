// CatalogKey: which row of the catalog a key names. All rows lie in SystemKeyspaces.Catalog; behind its eight bytes:
//
//   01 | counter u8 | [namespace u32]      the next id to give: of namespaces (1), of keyspaces of a namespace (2), of principals (3)
//   10 | namespace u32                     a namespace            11 | name                    its id, by its name
//   20 | namespace u32 | keyspace u32      a keyspace             21 | namespace u32 | name    its id, by its name
//   30 | principal u32                     a principal            31 | name                    its id, by its name
//
// Numbers are big endian; a name is its UTF-8 up to the end of the key. So rows of one kind lie together, keyspaces by namespace, and a key
// says by itself what it is.
//
// Always true: what is read and written again gives the same bytes. A kind that is not known is UnsupportedFormat: a program that passed
// over objects of a later one would, for example, take a namespace for empty that is not. Ids end below 2^32 - 1, so that each keyspace's
// range has an end.
//
// To add a kind of object: two values of CatalogRowKind (stored: never used twice), a counter, a line in docs/formats/catalog.md.

using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

/// <summary>The first byte of a catalog row's own key. Stored.</summary>
public enum CatalogRowKind : byte
{
    Counter = 0x01,
    Namespace = 0x10,
    NamespaceName = 0x11,
    Keyspace = 0x20,
    KeyspaceName = 0x21,
    Principal = 0x30,
    PrincipalName = 0x31,
}

/// <summary>Which ids a counter gives. Stored.</summary>
public enum CatalogCounter : byte
{
    None = 0,
    Namespaces = 1,

    /// <summary>Of one namespace.</summary>
    Keyspaces = 2,
    Principals = 3,
}

/// <summary>A key of the catalog's keyspace, taken apart.</summary>
public readonly record struct CatalogKey
{
    /// <summary>Ids lie below this; a counter that stands here has none left.</summary>
    public const uint IdEnd = uint.MaxValue;

    public CatalogRowKind Kind { get; private init; }

    /// <summary>Of a <see cref="CatalogRowKind.Counter"/>.</summary>
    public CatalogCounter Counter { get; private init; }

    /// <summary>The namespace that a keyspace, its name or a counter of keyspaces belongs to; else 0.</summary>
    public uint Parent { get; private init; }

    /// <summary>Of an object's row; of the others 0.</summary>
    public uint Id { get; private init; }

    /// <summary>Of a row by name; else null.</summary>
    public string? Name { get; private init; }

    public static CatalogKey OfCounter(CatalogCounter counter, uint parent = 0) =>
        new() { Kind = CatalogRowKind.Counter, Counter = counter, Parent = parent };

    public static CatalogKey OfNamespace(uint id) => new() { Kind = CatalogRowKind.Namespace, Id = id };

    public static CatalogKey OfNamespaceName(string name) => new() { Kind = CatalogRowKind.NamespaceName, Name = name };

    public static CatalogKey OfKeyspace(KeyspaceId id) => new() { Kind = CatalogRowKind.Keyspace, Parent = id.Namespace, Id = id.Keyspace };

    public static CatalogKey OfKeyspaceName(uint parent, string name) =>
        new() { Kind = CatalogRowKind.KeyspaceName, Parent = parent, Name = name };

    public static CatalogKey OfPrincipal(uint id) => new() { Kind = CatalogRowKind.Principal, Id = id };

    public static CatalogKey OfPrincipalName(string name) => new() { Kind = CatalogRowKind.PrincipalName, Name = name };

    /// <summary>True if a whole key lies in the catalog's keyspace.</summary>
    public static bool IsOfCatalog(ReadOnlySpan<byte> key) => KeyspaceId.TryRead(key, out var id) && id == SystemKeyspaces.Catalog;

    /// <summary>The whole key, its keyspace included.</summary>
    /// <exception cref="AevumException">InvalidArgument, LimitExceeded: the name is none (<see cref="CatalogName"/>).</exception>
    public byte[] ToBytes()
    {
        var key = new OrderedKeyWriter(32).AddUInt64(SystemKeyspaces.Catalog.Value).AddByte((byte)Kind);
        if (Kind == CatalogRowKind.Counter) key.AddByte((byte)Counter);
        if (HasParent(Kind, Counter)) key.AddUInt32(Parent);
        if (HasId(Kind)) key.AddUInt32(Id);
        if (HasName(Kind)) key.AddRaw(CatalogName.ToBytes(Name ?? "", "a name in the catalog"));
        return key.Key.ToArray();
    }

    /// <summary>Takes a whole key apart. Any bytes may be given.</summary>
    /// <exception cref="CorruptionException">It is no key of the catalog.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a kind of row that this program does not know.</exception>
    public static CatalogKey Read(ReadOnlySpan<byte> bytes)
    {
        if (!IsOfCatalog(bytes)) throw new CorruptionException("a row that is not the catalog's was given as one of its rows");
        var reader = new OrderedKeyReader(KeyLayout.UserKeyOf(bytes));
        if (!reader.TryReadByte(out var kindByte)) throw Malformed();
        var kind = (CatalogRowKind)kindByte;
        if (!IsKnown(kind)) Throw.UnsupportedFormat("a catalog row", $"of kind {kindByte:x2}", "counters, namespaces, keyspaces and principals");
        byte counter = 0;
        if (kind == CatalogRowKind.Counter)
        {
            if (!reader.TryReadByte(out counter) || counter == 0) throw Malformed();
            if (counter > (byte)CatalogCounter.Principals) Throw.UnsupportedFormat("a catalog row", $"of counter {counter}", "counters 1 to 3");
        }
        uint parent = 0, id = 0;
        if (HasParent(kind, (CatalogCounter)counter) && (!reader.TryReadUInt32(out parent) || parent >= IdEnd)) throw Malformed();
        if (HasId(kind) && (!reader.TryReadUInt32(out id) || id >= IdEnd)) throw Malformed();
        var name = HasName(kind) ? CatalogName.Read(reader.Rest) : null;
        if (name is null && !reader.IsAtEnd) throw Malformed();
        return new CatalogKey { Kind = kind, Counter = (CatalogCounter)counter, Parent = parent, Id = id, Name = name };
    }

    static bool IsKnown(CatalogRowKind kind) => kind == CatalogRowKind.Counter || HasId(kind) || HasName(kind);

    static bool HasParent(CatalogRowKind kind, CatalogCounter counter) =>
        kind is CatalogRowKind.Keyspace or CatalogRowKind.KeyspaceName || counter == CatalogCounter.Keyspaces;

    static bool HasId(CatalogRowKind kind) => kind is CatalogRowKind.Namespace or CatalogRowKind.Keyspace or CatalogRowKind.Principal;

    static bool HasName(CatalogRowKind kind) => kind is CatalogRowKind.NamespaceName or CatalogRowKind.KeyspaceName or CatalogRowKind.PrincipalName;

    static CorruptionException Malformed() => new("a catalog row has a malformed key");
}
