// RespCollections: vector collections as commands see them: objects of the namespace, under their names, whatever database a client has selected.
//
// A name is looked up in the catalog of now, or in that of the moment a client reads as of. Bytes that are no name are the name of nothing.

using System.Text;
using System.Text.Unicode;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp;

sealed class RespCollections(Session session)
{
    public Session Session => session;

    Database Database => session.Database;

    /// <summary>Null: there is no collection of that name.</summary>
    public KeyspaceEntry? Find(ReadOnlySpan<byte> name, SystemTime? moment = null)
    {
        if (name.IsEmpty || name.Length > CatalogName.BytesMax) return null;
        Span<char> chars = stackalloc char[name.Length];
        if (Utf8.ToUtf16(name, chars, out _, out var length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done) return null;
        var entry = CatalogAt(moment).FindKeyspace(session.Default.Id.Namespace, chars[..length]);
        return entry?.Kind == KeyspaceKind.Vectors ? entry : null;
    }

    /// <summary>True if who writes a row should wait until the index of its collection has caught up.</summary>
    public bool IsBehind(ReadOnlySpan<byte> row, out KeyspaceId collection) =>
        KeyspaceId.TryRead(row, out collection) && Database.IsIndexBehind(collection);

    /// <summary>Why nothing can be written to a collection; null: it can.</summary>
    public AevumException? RefusalOf(KeyspaceId collection) => Database.IndexRefusal(collection);

    /// <summary>All of them, in the order in which they were made.</summary>
    public IEnumerable<KeyspaceEntry> All(SystemTime? moment) =>
        CatalogAt(moment).KeyspacesOf(session.Default.Id.Namespace).Where(k => k.Kind == KeyspaceKind.Vectors);

    CatalogSnapshot CatalogAt(SystemTime? moment) => moment is { } at ? Database.CatalogAt(at) : Database.Catalog;

    /// <summary>A collection to read from.</summary>
    public Collection Open(KeyspaceEntry entry, SystemTime? moment) => new(moment is { } at ? session.AsOf(at) : session, entry.Id);

    /// <summary>As text: what is no UTF-8 is refused by the catalog.</summary>
    public static string NameOf(ReadOnlySpan<byte> name) => Encoding.Latin1.GetString(name) is var latin && Utf8.IsValid(name)
        ? Encoding.UTF8.GetString(name) : latin + "\0";
}
