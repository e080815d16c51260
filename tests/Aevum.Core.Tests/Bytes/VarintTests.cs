using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Bytes;

public sealed unsafe class VarintTests
{
    [Theory]
    [InlineData(0UL, "00")]
    [InlineData(1UL, "01")]
    [InlineData(127UL, "7F")]
    [InlineData(128UL, "8001")]
    [InlineData(300UL, "AC02")]
    [InlineData(624_485UL, "E58E26")]               // the example of the DWARF standard (LEB128)
    [InlineData(uint.MaxValue, "FFFFFFFF0F")]
    [InlineData(1UL << 32, "8080808010")]
    [InlineData(ulong.MaxValue, "FFFFFFFFFFFFFFFFFF01")]
    public void Writes_leb128(ulong value, string hex)
    {
        var target = new byte[Varint.MaxBytes64];
        Assert.Equal(hex, Convert.ToHexString(target, 0, Varint.Write(target, value)));
    }

    [Fact]
    public void What_was_written_is_read_at_every_width()
    {
        var target = new byte[Varint.MaxBytes64 + 1];
        foreach (var value in Values())
        {
            var written = Varint.Write(target, value);
            Assert.Equal(written, Varint.Size(value));
            Assert.True(Varint.TryRead(target, out ulong read, out var consumed));
            Assert.Equal((value, written), (read, consumed));
            Assert.Equal(value <= uint.MaxValue, Varint.TryRead(target, out uint narrow, out consumed));
            Assert.Equal(value <= uint.MaxValue ? ((uint)value, written) : (0u, 0), (narrow, consumed));
            for (var length = 0; length < written; length++)
            {
                Assert.False(Varint.TryRead(target.AsSpan(0, length), out read, out consumed));
                Assert.Equal((0UL, 0), (read, consumed));
            }
            if (value > uint.MaxValue) continue;
            Assert.Equal(written, Varint.Write(target, (uint)value));
            fixed (byte* start = target)
            {
                var at = start;
                Assert.Equal((uint)value, Varint.ReadTrusted(ref at));
                Assert.Equal(written, at - start);
            }
        }
    }

    static IEnumerable<ulong> Values()
    {
        var random = new SeededRandom(1);
        for (var bit = 0; bit < 64; bit++)
        {
            foreach (var near in new[] { -1L, 0, 1 }) yield return (1UL << bit) + (ulong)near;
            for (var i = 0; i < 10; i++) yield return random.NextUInt64() >> bit;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("80")]
    [InlineData("FFFFFFFFFFFFFFFFFF02")]            // bit 64
    [InlineData("FFFFFFFFFFFFFFFFFF80")]
    [InlineData("8080808080808080808000")]          // an eleventh byte
    public void Refuses_what_is_cut_short_or_too_wide(string hex)
    {
        Assert.False(Varint.TryRead(Convert.FromHexString(hex), out ulong value, out var consumed));
        Assert.Equal((0UL, 0), (value, consumed));
    }

    [Fact]
    public void A_longer_form_than_needed_is_read()
    {
        // LEB128 allows it (linkers pad with it); whoever needs one form only compares with Size.
        Assert.True(Varint.TryRead([0x81, 0x80, 0x00], out ulong value, out var consumed));
        Assert.Equal((1UL, 3), (value, consumed));
    }

    [Fact]
    public void Any_bytes_are_read_as_the_definition_says()
    {
        var random = new SeededRandom(2);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(13)];
            random.Fill(bytes);
            for (var i = 0; i < bytes.Length; i++)
                if (!random.OneIn(4)) bytes[i] |= 0x80;

            var end = Array.FindIndex(bytes, b => b < 0x80);
            var sum = new System.Numerics.BigInteger(0);
            for (var i = 0; i <= end; i++) sum += new System.Numerics.BigInteger(bytes[i] & 0x7F) << (7 * i);
            var valid = end >= 0 && end < Varint.MaxBytes64 && sum <= ulong.MaxValue;

            Assert.Equal(valid, Varint.TryRead(bytes, out ulong value, out var consumed));
            Assert.Equal(valid ? ((ulong)sum, end + 1) : (0UL, 0), (value, consumed));
        }
    }
}
