// CatalogValues: the values of the catalog's rows (Fields says how fields are written; CatalogKey what their keys are).
//
//   namespace              2 name
//   principal              2 name | 4 credentials | 6 rules (PrincipalAccess), each only if there are any
//   keyspace               2 name | 4 kind, a number | 6 options (KeyspaceOptionsCodec)
//   by name                2 id, a number                   no optional fields: an unknown one is refused, odd or even, because such a row
//   counter                2 next id, a number              is made anew and not rewritten; what it had more would be lost
//
// The name stands in the object's own row, too: whoever has the id needs no second row to say what it is called. Of ids the key has the
// only copy.

using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

static class CatalogValues
{
    public const byte LayoutVersion = 1;
    const uint NameTag = 2, KindTag = 4, OptionsTag = 6, CredentialsTag = 4, RulesTag = 6, NumberTag = 2;

    public static byte[] Encode(NamespaceEntry entry) => new FieldWriter().AddText(NameTag, entry.Name).ToArray(LayoutVersion, entry.Unknown);

    public static byte[] Encode(PrincipalEntry entry)
    {
        var writer = new FieldWriter().AddText(NameTag, entry.Name);
        if (entry.Access.Credentials.Count > 0) writer.Add(CredentialsTag, entry.Access.EncodeCredentials());
        if (entry.Access.Rules.Count > 0) writer.Add(RulesTag, entry.Access.EncodeRules());
        return writer.ToArray(LayoutVersion, entry.Unknown);
    }

    public static byte[] Encode(KeyspaceEntry entry) => new FieldWriter().AddText(NameTag, entry.Name).AddNumber(KindTag, (ulong)entry.Kind)
        .Add(OptionsTag, KeyspaceOptionsCodec.Encode(entry.Options)).ToArray(LayoutVersion, entry.Unknown);

    /// <summary>Of a row by name, or a counter.</summary>
    public static byte[] EncodeNumber(uint number) => new FieldWriter().AddNumber(NumberTag, number).ToArray(LayoutVersion, UnknownFields.None);

    /// <exception cref="CorruptionException">The bytes are no such value; as in all that follow.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a later program's, with what must not be passed over.</exception>
    public static NamespaceEntry DecodeNamespace(uint id, ReadOnlySpan<byte> value, SystemTime version)
    {
        var (name, unknown) = DecodeNamed(value, "a namespace's row");
        return new NamespaceEntry(id, name) { Version = version, Unknown = unknown };
    }

    public static PrincipalEntry DecodePrincipal(uint id, ReadOnlySpan<byte> value, SystemTime version)
    {
        var reader = new FieldReader(value, LayoutVersion, "a principal's row");
        string? name = null;
        ReadOnlySpan<byte> credentials = default, rules = default;
        while (reader.TryRead(out var tag, out var content))
        {
            switch (tag)
            {
                case NameTag: name = CatalogName.Read(content); break;
                case CredentialsTag:
                    reader.Require(!content.IsEmpty, "credential where there should be some");
                    credentials = content;
                    break;
                case RulesTag:
                    reader.Require(!content.IsEmpty, "rules where there should be some");
                    rules = content;
                    break;
                default: reader.Keep(tag, content); break;
            }
        }
        reader.Require(name is not null, "name");
        return new PrincipalEntry(id, name!) { Version = version, Access = PrincipalAccess.Decode(credentials, rules), Unknown = reader.Unknown };
    }

    public static KeyspaceEntry DecodeKeyspace(KeyspaceId id, ReadOnlySpan<byte> value, SystemTime version)
    {
        const string What = "a keyspace's row";
        var reader = new FieldReader(value, LayoutVersion, What);
        string? name = null;
        KeyspaceKind? kind = null;
        KeyspaceOptions? options = null;
        while (reader.TryRead(out var tag, out var content))
        {
            switch (tag)
            {
                case NameTag: name = CatalogName.Read(content); break;
                case KindTag:
                    var number = reader.NumberOf(content);
                    if (number > (ulong)KeyspaceKind.Vectors) Throw.UnsupportedFormat(What, $"of kind {number}", "kinds 0 to 2");
                    kind = (KeyspaceKind)number;
                    break;
                case OptionsTag: options = KeyspaceOptionsCodec.Decode(content); break;
                default: reader.Keep(tag, content); break;
            }
        }
        reader.Require(name is not null, "name");
        reader.Require(kind is not null, "kind");
        reader.Require(options is not null, "options");
        if ((kind == KeyspaceKind.Vectors) != (options!.Collection is not null))
            throw new CorruptionException($"{What}: a vector collection, and nothing else, says what its vectors are");
        return new KeyspaceEntry(id, name!, kind!.Value, options!) { Version = version, Unknown = reader.Unknown };
    }

    /// <summary>Of a row by name, or a counter.</summary>
    /// <param name="max">The greatest number it may hold.</param>
    public static uint DecodeNumber(ReadOnlySpan<byte> value, uint max)
    {
        var reader = new FieldReader(value, LayoutVersion, "a catalog row with a number");
        uint? number = null;
        while (reader.TryRead(out var tag, out var content))
        {
            if (tag != NumberTag) reader.Refuse(tag);
            number = (uint)reader.NumberOf(content, max);
        }
        reader.Require(number is not null, "number");
        return number!.Value;
    }

    static (string Name, UnknownFields Unknown) DecodeNamed(ReadOnlySpan<byte> value, string what)
    {
        var reader = new FieldReader(value, LayoutVersion, what);
        string? name = null;
        while (reader.TryRead(out var tag, out var content))
        {
            if (tag == NameTag) name = CatalogName.Read(content);
            else reader.Keep(tag, content);
        }
        reader.Require(name is not null, "name");
        return (name!, reader.Unknown);
    }
}
