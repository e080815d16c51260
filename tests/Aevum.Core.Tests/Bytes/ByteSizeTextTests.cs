using System.Globalization;
using System.Numerics;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bytes;

public sealed class ByteSizeTextTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("4096B", 4096)]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("64 mib", 64L << 20)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("500KB", 500_000)]
    [InlineData("2TB", 2_000_000_000_000)]
    [InlineData("0.3", 0)]
    [InlineData("0", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_number_and_its_unit(string text, long bytes)
    {
        Assert.True(ByteSizeText.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e9")]
    [InlineData(".5MiB")]
    [InlineData("5.MiB")]
    [InlineData("1.5.1KB")]
    [InlineData("1,000")]
    [InlineData("64K")]
    [InlineData("64 furlongs")]
    [InlineData("9223372036854775808")]
    [InlineData("8388608TiB")]
    [InlineData("99999999999999999999999999999999TiB")]
    public void Anything_else_is_none(string text) => Assert.False(ByteSizeText.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1023, "1023")]
    [InlineData(1024, "1KiB")]
    [InlineData(1536, "1536")]
    [InlineData(64 << 20, "64MiB")]
    [InlineData(3L << 40, "3TiB")]
    public void It_is_written_in_the_largest_unit_that_fits(long bytes, string text) => Assert.Equal(text, ByteSizeText.Format(bytes));

    [Theory, Seeds(4)]
    public void What_is_read_is_the_number_times_its_unit(ulong seed)
    {
        var random = new SeededRandom(seed);
        (string Name, int Base, int Power)[] units = [("KiB", 1024, 1), ("MiB", 1024, 2), ("GiB", 1024, 3), ("TiB", 1024, 4), ("KB", 1000, 1), ("TB", 1000, 4)];
        for (var i = 0; i < 1000; i++)
        {
            var (name, unit, power) = units[random.Next(units.Length)];
            var whole = (long)(random.NextUInt64() >> random.Next(64));
            if (whole < 0) continue;
            var tenths = random.Next(10);
            var exact = (new BigInteger(whole) * 10 + tenths) * BigInteger.Pow(unit, power) / 10;
            var fits = new BigInteger(whole) + (tenths > 0 ? 1 : 0) <= long.MaxValue / BigInteger.Pow(unit, power);
            Assert.Equal(fits, ByteSizeText.TryParse(string.Create(CultureInfo.InvariantCulture, $"{whole}.{tenths}{name}"), out var read));
            Assert.Equal(fits ? exact : 0, read);
            Assert.True(ByteSizeText.TryParse(ByteSizeText.Format(read), out var again));
            Assert.Equal(read, again);
        }
    }
}
