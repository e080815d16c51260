// Fields: how every value of the catalog is written, so that later programs can add to it.
//
//   value     layout version u8 | field*
//   field     tag varint | length varint | content          tags from 1, ascending, none twice
//   even tag  whoever does not know it must not read the value: UnsupportedFormat
//   odd tag   whoever does not know it passes over it, and writes it again when it writes the value again
//
// Always true: one value, one encoding. Varints are of least length, tags ascend, a number fills its field; so what was read and is written
// again gives the same bytes, unknown fields included. No checksum here: the log's record and the table's block have theirs, and between
// them and this code the bytes are only copied. Room for one is there: an odd tag.

using System.Buffers;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

/// <summary>Optional fields of a later program, kept as they were found. Equal if their bytes are.</summary>
sealed class UnknownFields : IEquatable<UnknownFields>
{
    public static UnknownFields None { get; } = new([]);

    readonly (uint Tag, byte[] Content)[] _fields;

    UnknownFields((uint, byte[])[] fields) => _fields = fields;

    public ReadOnlySpan<(uint Tag, byte[] Content)> Items => _fields;

    public static UnknownFields Of(List<(uint, byte[])>? fields) => fields is null ? None : new([.. fields]);

    public bool Equals(UnknownFields? other)
    {
        if (other is null || other._fields.Length != _fields.Length) return false;
        for (var i = 0; i < _fields.Length; i++)
            if (_fields[i].Tag != other._fields[i].Tag || !_fields[i].Content.AsSpan().SequenceEqual(other._fields[i].Content)) return false;
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as UnknownFields);

    public override int GetHashCode() => _fields.Length == 0 ? 0 : HashCode.Combine(_fields.Length, _fields[0].Tag, _fields[0].Content.Length);
}

/// <summary>Collects fields and writes them in the order of their tags.</summary>
sealed class FieldWriter
{
    readonly List<(uint Tag, byte[] Content)> _fields = [];

    public FieldWriter Add(uint tag, byte[] content)
    {
        _fields.Add((tag, content));
        return this;
    }

    public FieldWriter AddNumber(uint tag, ulong value) => Add(tag, Number(value));

    public FieldWriter AddText(uint tag, string value) => Add(tag, Encoding.UTF8.GetBytes(value));

    public static byte[] Number(ulong value)
    {
        Span<byte> target = stackalloc byte[Varint.MaxBytes64];
        return target[..Varint.Write(target, value)].ToArray();
    }

    public byte[] ToArray(byte layoutVersion, UnknownFields unknown)
    {
        foreach (var field in unknown.Items) _fields.Add(field);
        _fields.Sort((left, right) => left.Tag.CompareTo(right.Tag));
        var target = new ArrayBufferWriter<byte>();
        target.Write([layoutVersion]);
        foreach (var (tag, content) in _fields)
        {
            target.Advance(Varint.Write(target.GetSpan(Varint.MaxBytes32), tag));
            target.Advance(Varint.Write(target.GetSpan(Varint.MaxBytes32), (uint)content.Length));
            target.Write(content);
        }
        return target.WrittenSpan.ToArray();
    }
}

/// <summary>Walks the fields of a value. Any bytes may be given.</summary>
ref struct FieldReader
{
    readonly string _what;
    ReadOnlySpan<byte> _rest;
    uint _lastTag;
    List<(uint, byte[])>? _unknown;

    /// <param name="what">Begins messages: "a keyspace's row".</param>
    /// <exception cref="CorruptionException">There is no version.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a later layout version.</exception>
    public FieldReader(ReadOnlySpan<byte> value, byte layoutVersion, string what)
    {
        _what = what;
        if (value.IsEmpty || value[0] == 0) throw new CorruptionException($"{what} has no layout version");
        if (value[0] != layoutVersion) Throw.UnsupportedFormat(what, $"{value[0]}", $"{layoutVersion}");
        _rest = value[1..];
    }

    public readonly UnknownFields Unknown => UnknownFields.Of(_unknown);

    /// <returns>False at the end.</returns>
    public bool TryRead(out uint tag, out ReadOnlySpan<byte> content)
    {
        tag = 0;
        content = default;
        if (_rest.IsEmpty) return false;
        tag = ReadVarint();
        if (tag <= _lastTag) throw new CorruptionException($"{_what} has field {tag} behind field {_lastTag}");
        _lastTag = tag;
        var length = ReadVarint();
        if (length > (uint)_rest.Length) throw new CorruptionException($"{_what} ends inside field {tag}");
        content = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return true;
    }

    /// <summary>What to do with a field whose tag is not known.</summary>
    /// <exception cref="AevumException">UnsupportedFormat: it must be known.</exception>
    public void Keep(uint tag, ReadOnlySpan<byte> content)
    {
        if (tag % 2 == 0) Refuse(tag);
        (_unknown ??= []).Add((tag, content.ToArray()));
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public readonly void Refuse(uint tag) => Throw.UnsupportedFormat(_what, $"with field {tag}", "values without it");

    /// <summary>A number that fills its field.</summary>
    public readonly ulong NumberOf(ReadOnlySpan<byte> content, ulong max = ulong.MaxValue)
    {
        if (!TryReadVarint(content, out var value, out var used) || used != content.Length || value > max)
            throw new CorruptionException($"{_what} holds a malformed or impossible number");
        return value;
    }

    /// <exception cref="CorruptionException">The field that <paramref name="name"/> describes was not there.</exception>
    public readonly void Require(bool found, string name)
    {
        if (!found) throw new CorruptionException($"{_what} has no {name}");
    }

    uint ReadVarint()
    {
        if (!TryReadVarint(_rest, out var value, out var used) || value > uint.MaxValue)
            throw new CorruptionException($"{_what} ends inside a field's head");
        _rest = _rest[used..];
        return (uint)value;
    }

    // Of least length: a longer form of the same number would be a second encoding of one value.
    internal static bool TryReadVarint(ReadOnlySpan<byte> source, out ulong value, out int used) =>
        Varint.TryRead(source, out value, out used) && used == Varint.Size(value);
}
