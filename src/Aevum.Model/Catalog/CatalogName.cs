using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

/// <summary>What a catalog object may be called: 1 to 255 bytes of UTF-8 without control characters. Compared code unit by code unit: case
/// counts, and so does the way an accent is composed.</summary>
public static class CatalogName
{
    /// <summary>Longest name, in bytes of its UTF-8.</summary>
    public const int BytesMax = 255;

    /// <summary>What keyspace 0 of a namespace, and namespace 1, are called.</summary>
    public const string OfDefault = "default";

    /// <summary>What namespace 0 is called.</summary>
    public const string OfSystem = "system";

    /// <param name="what">Begins the message: "the namespace's name".</param>
    /// <exception cref="AevumException">InvalidArgument: empty, a control character, half of a surrogate pair. LimitExceeded: too
    /// long.</exception>
    public static void Require(ReadOnlySpan<char> name, string what)
    {
        if (FindFault(name) is { } fault) Throw.Invalid($"{what} {fault}");
        var bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes > BytesMax) Throw.Limit($"{what}: its length in bytes", bytes, BytesMax);
    }

    internal static byte[] ToBytes(string name, string what)
    {
        Require(name, what);
        return Encoding.UTF8.GetBytes(name);
    }

    /// <summary>Reads a stored name, which must be one that <see cref="Require"/> lets pass.</summary>
    /// <exception cref="CorruptionException">It is not.</exception>
    internal static string Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > BytesMax || !Utf8.IsValid(utf8))
            throw new CorruptionException("a catalog row holds a name that is too long or is not UTF-8");
        var name = Encoding.UTF8.GetString(utf8);
        return FindFault(name) is { } fault ? throw new CorruptionException($"a catalog row holds a name that {fault}") : name;
    }

    static string? FindFault(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return "is empty";
        for (var rest = name; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var used) != OperationStatus.Done) return "holds half of a surrogate pair";
            if (Rune.IsControl(rune)) return $"holds the control character U+{rune.Value:X4}";
            rest = rest[used..];
        }
        return null;
    }
}
