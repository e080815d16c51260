using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Hashes;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>The name of a value that belongs to an element: "weight_*", "object_*->field", or "#", the element itself.</summary>
sealed class SortPattern
{
    readonly byte[] _before = [];
    readonly byte[] _behind = [];

    public SortPattern(ReadOnlySpan<byte> pattern)
    {
        IsElement = pattern.SequenceEqual("#"u8);
        var star = pattern.IndexOf((byte)'*');
        if (IsElement || star < 0) return;
        NamesKeys = true;
        _before = pattern[..star].ToArray();
        var behind = pattern[(star + 1)..];
        var arrow = behind.IndexOf("->"u8);
        if (arrow >= 0 && arrow + 2 < behind.Length)
        {
            Field = behind[(arrow + 2)..].ToArray();
            behind = behind[..arrow];
        }
        _behind = behind.ToArray();
    }

    public bool IsElement { get; }

    /// <summary>False: there is no star, and no value belongs to any element.</summary>
    public bool NamesKeys { get; }

    /// <summary>Null: the value is a string.</summary>
    public byte[]? Field { get; }

    public byte[] KeyFor(byte[] element) => [.. _before, .. element, .. _behind];
}

/// <summary>Looks the values of elements up.</summary>
sealed class SortValues(DataCall call)
{
    // One for all elements: they are many.
    readonly HashRows _hash = new();

    /// <returns>Null: there is none.</returns>
    public byte[]? Find(SortPattern pattern, byte[] element)
    {
        if (pattern.IsElement) return element;
        if (!pattern.NamesKeys) return null;
        var key = pattern.KeyFor(element);
        if (!call.TryReadHead(key, out var head, out _)) return null;
        if (pattern.Field is null) return head.Kind == StructureKind.String ? head.Rest.ToArray() : null;
        return head.Kind == StructureKind.Hash && _hash.TryOpen(call, key) && _hash.TryGet(pattern.Field, out var value) ? value.ToArray() : null;
    }
}
