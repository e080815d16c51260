// Passwords: what is kept of a password, and whether one fits. A password is first made into the 64 hexadecimal letters of its SHA-256, the form in which
// Redis keeps and takes passwords (#...); of those PBKDF2 makes what is kept, so that whoever tries passwords, or reads what is kept, pays for each try.
//
// One try costs Iterations rounds of HMAC-SHA-256, tens of milliseconds: never on a loop.
// RFC 8018, section 5.2; iterations and salt are kept with each password, so that later ones may cost more.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;

namespace Aevum.Server.Security;

static class Passwords
{
    /// <summary>What a try costs where nobody says otherwise.</summary>
    public const int Iterations = 100_000;

    const int SaltBytes = 16, HashBytes = 32;
    const string Prefix = "$pbkdf2-sha256$";

    /// <summary>What a password is called in Redis: its SHA-256.</summary>
    public static string Sha256Of(ReadOnlySpan<byte> password) => Convert.ToHexStringLower(SHA256.HashData(password));

    /// <summary>True for 64 small hexadecimal letters.</summary>
    public static bool IsSha256(string text) => text.Length == 64 && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    /// <param name="sha256">Of the password.</param>
    public static Credential Keep(string sha256, int iterations = Iterations)
    {
        var salt = new byte[SaltBytes];
        Secrets.Fill(salt);
        return new Credential(iterations, salt, Derive(sha256, salt, iterations));
    }

    /// <summary>True if a password is the one that is kept. Takes as long for a wrong one.</summary>
    public static bool Fits(string sha256, Credential kept) => CryptographicOperations.FixedTimeEquals(Derive(sha256, kept.Salt, kept.Iterations), kept.Hash);

    /// <summary>Takes as long as a try, where there is nothing to try: so that nobody learns by it which users there are.</summary>
    public static void Pretend(string sha256, int iterations) => Derive(sha256, new byte[SaltBytes], iterations);

    static byte[] Derive(string sha256, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.ASCII.GetBytes(sha256), salt, iterations, HashAlgorithmName.SHA256, HashBytes);

    /// <summary>As ACL LIST shows it, and ACL SETUSER takes it.</summary>
    public static string TextOf(Credential kept) => string.Create(CultureInfo.InvariantCulture,
        $"{Prefix}{kept.Iterations}${Convert.ToHexStringLower(kept.Salt)}${Convert.ToHexStringLower(kept.Hash)}");

    public static bool TryParse(string text, out Credential kept)
    {
        kept = null!;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var parts = text[Prefix.Length..].Split('$');
        if (parts.Length != 3 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < 1 or > 10_000_000)
            return false;
        if (!TryHex(parts[1], out var salt) || !TryHex(parts[2], out var hash) || hash.Length != HashBytes) return false;
        kept = new Credential(iterations, salt, hash);
        return true;
    }

    static bool TryHex(string text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 2 != 0 || text.Length > 2 * Credential.BytesMax || !text.All(char.IsAsciiHexDigit)) return false;
        bytes = Convert.FromHexString(text);
        return true;
    }
}
