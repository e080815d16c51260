// ByteSizeText: sizes in bytes as people write them, on the command line and in a configuration alike.
//
//   64MiB, 1.5GiB      KiB MiB GiB TiB: powers of 1,024
//   500MB              KB MB GB TB: powers of 1,000
//   4096, 4096B        bytes
//
// Not here: sizes in the settings of Redis' protocol (5k, 5kb), whose units mean other numbers, as Redis has them (Server/Resp/Settings).

using System.Globalization;

namespace Aevum.Core.Bytes;

public static class ByteSizeText
{
    /// <summary>For messages: what is taken.</summary>
    public const string Forms = "4096, 500KB, 64MiB, 1.5GiB";

    // The longer unit first, for KiB ends in B; those in which sizes are written come first of all.
    static readonly (string Name, long Bytes)[] Units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1), ("", 1),
    ];

    const int UnitsWritten = 4;

    /// <summary>A fraction of a byte is cut off. The unit may stand behind a blank, in letters of either size.</summary>
    /// <returns>False if it is no size, or above <see cref="long.MaxValue"/>.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        foreach (var (name, unit) in Units)
            if (text.EndsWith(name, StringComparison.OrdinalIgnoreCase)) return ScaledNumber.TryParse(text[..^name.Length].TrimEnd(' '), unit, out bytes);
        return false;
    }

    /// <summary>In the largest power of 1,024 of which it is a whole number, or as bytes.</summary>
    public static string Format(long bytes)
    {
        foreach (var (name, unit) in Units.AsSpan(0, UnitsWritten))
            if (bytes != 0 && bytes % unit == 0) return string.Create(CultureInfo.InvariantCulture, $"{bytes / unit}{name}");
        return bytes.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>Numbers that stand before a unit.</summary>
static class ScaledNumber
{
    /// <summary>Reads digits, with a fraction or without, and multiplies them by the unit; what is left of a whole number is cut off.</summary>
    /// <returns>False if it is no such number, or the product above <see cref="long.MaxValue"/>.</returns>
    public static bool TryParse(ReadOnlySpan<char> digits, long unit, out long scaled)
    {
        scaled = 0;
        if (digits.IsEmpty || !char.IsAsciiDigit(digits[0]) || !char.IsAsciiDigit(digits[^1])) return false;
        if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > long.MaxValue / unit) return false;
        scaled = (long)(number * unit);
        return true;
    }
}
