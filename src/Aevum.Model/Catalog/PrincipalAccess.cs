// PrincipalAccess: how a principal shows who it is, and what it may do at each door. The one store of users of a database: rows of the catalog, with
// versions like any other.
//
//   credentials   passwords, as what a slow function makes of them (Credential): one of them is enough
//   rules         for each door by its name ("resp"), a text in that door's own words: what they mean only the door knows
//
// A principal without rules for a door is no user there.

using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

/// <summary>A password as it is kept: PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2) of the 64 small hexadecimal letters of its SHA-256.</summary>
/// <param name="Iterations">What it costs to try one.</param>
/// <param name="Salt">Drawn for this password.</param>
/// <param name="Hash">What comes of it.</param>
public sealed record Credential(int Iterations, byte[] Salt, byte[] Hash)
{
    /// <summary>Bytes of a salt, and of a hash, at most.</summary>
    public const int BytesMax = 64;

    public bool Equals(Credential? other) =>
        other is not null && Iterations == other.Iterations && Salt.AsSpan().SequenceEqual(other.Salt) && Hash.AsSpan().SequenceEqual(other.Hash);

    public override int GetHashCode() => HashCode.Combine(Iterations, Hash.Length > 0 ? Hash[0] : 0);
}

/// <summary>Equal if all parts are.</summary>
public sealed class PrincipalAccess : IEquatable<PrincipalAccess>
{
    readonly Credential[] _credentials;
    readonly SortedDictionary<string, string> _rules;

    /// <exception cref="AevumException">LimitExceeded, InvalidArgument: a door's name is none, or something is too long.</exception>
    public PrincipalAccess(IEnumerable<Credential> credentials, IEnumerable<KeyValuePair<string, string>> rules)
    {
        _credentials = [.. credentials];
        _rules = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (door, text) in rules) _rules.Add(door, text);
        foreach (var credential in _credentials)
            if (credential.Iterations < 1 || credential.Salt.Length > Credential.BytesMax || credential.Hash.Length is 0 or > Credential.BytesMax)
                Throw.Invalid("a credential has at least one iteration, and at most 64 bytes of salt and of hash");
    }

    public static PrincipalAccess None { get; } = new([], []);

    public IReadOnlyList<Credential> Credentials => _credentials;

    /// <summary>By door, in the order of their names.</summary>
    public IReadOnlyDictionary<string, string> Rules => _rules;

    /// <summary>The rules of a door; null: the principal is no user there.</summary>
    public string? RulesOf(string door) => _rules.GetValueOrDefault(door);

    public bool Equals(PrincipalAccess? other) => other is not null && _credentials.AsSpan().SequenceEqual(other._credentials)
        && _rules.SequenceEqual(other._rules);

    public override bool Equals(object? obj) => Equals(obj as PrincipalAccess);

    public override int GetHashCode() => HashCode.Combine(_credentials.Length, _rules.Count);

    // ------------------------------------------------------------------------------------------------ bytes

    const byte Pbkdf2Sha256 = 1;

    internal byte[] EncodeCredentials()
    {
        var bytes = new List<byte>();
        foreach (var credential in _credentials)
        {
            bytes.Add(Pbkdf2Sha256);
            Add(bytes, (ulong)credential.Iterations);
            Add(bytes, credential.Salt);
            Add(bytes, credential.Hash);
        }
        return [.. bytes];
    }

    internal byte[] EncodeRules()
    {
        var bytes = new List<byte>();
        foreach (var (door, text) in _rules)
        {
            Add(bytes, System.Text.Encoding.UTF8.GetBytes(door));
            Add(bytes, System.Text.Encoding.UTF8.GetBytes(text));
        }
        return [.. bytes];
    }

    /// <exception cref="CorruptionException">The bytes are no such fields.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a kind of credential of a later program.</exception>
    internal static PrincipalAccess Decode(ReadOnlySpan<byte> credentials, ReadOnlySpan<byte> rules)
    {
        var passwords = new List<Credential>();
        while (!credentials.IsEmpty)
        {
            if (credentials[0] != Pbkdf2Sha256) Throw.UnsupportedFormat("a principal's row", $"with a credential of kind {credentials[0]}", "kind 1");
            credentials = credentials[1..];
            var iterations = TakeNumber(ref credentials);
            var salt = TakeBytes(ref credentials);
            var hash = TakeBytes(ref credentials);
            if (iterations is 0 or > int.MaxValue || salt.Length > Credential.BytesMax || hash.Length is 0 or > Credential.BytesMax) throw Malformed();
            passwords.Add(new Credential((int)iterations, salt, hash));
        }
        var byDoor = new List<KeyValuePair<string, string>>();
        while (!rules.IsEmpty)
        {
            var door = TakeText(ref rules);
            if (byDoor.Count > 0 && string.CompareOrdinal(byDoor[^1].Key, door) >= 0) throw Malformed();   // one value, one encoding
            byDoor.Add(new(door, TakeText(ref rules)));
        }
        return new PrincipalAccess(passwords, byDoor);
    }

    static void Add(List<byte> bytes, ulong number)
    {
        Span<byte> room = stackalloc byte[10];
        bytes.AddRange(room[..Varint.Write(room, number)]);
    }

    static void Add(List<byte> bytes, byte[] content)
    {
        Add(bytes, (ulong)content.Length);
        bytes.AddRange(content);
    }

    static ulong TakeNumber(ref ReadOnlySpan<byte> bytes)
    {
        if (!Varint.TryRead(bytes, out ulong number, out var length) || Varint.Size(number) != length) throw Malformed();
        bytes = bytes[length..];
        return number;
    }

    static byte[] TakeBytes(ref ReadOnlySpan<byte> bytes)
    {
        var length = TakeNumber(ref bytes);
        if (length > (ulong)bytes.Length) throw Malformed();
        var content = bytes[..(int)length].ToArray();
        bytes = bytes[(int)length..];
        return content;
    }

    static string TakeText(ref ReadOnlySpan<byte> bytes)
    {
        var content = TakeBytes(ref bytes);
        try
        {
            return new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (ArgumentException)
        {
            throw Malformed();
        }
    }

    static CorruptionException Malformed() => new("a principal's row has malformed access");
}
