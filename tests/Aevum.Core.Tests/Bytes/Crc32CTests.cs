using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Bytes;

public sealed unsafe class Crc32CTests
{
    static byte[] RandomBytes(int length, ulong seed = 1)
    {
        var bytes = new byte[length];
        new SeededRandom(seed).Fill(bytes);
        return bytes;
    }

    static uint ByTables(uint crc, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) return Crc32CTables.Extend(crc, start, bytes.Length);
    }

    // The definition, bit by bit: the oracle of the oracle.
    static uint ByBits(ReadOnlySpan<byte> bytes)
    {
        var state = uint.MaxValue;
        foreach (var b in bytes)
        {
            state ^= b;
            for (var bit = 0; bit < 8; bit++) state = (state & 1) != 0 ? (state >> 1) ^ 0x82F63B78 : state >> 1;
        }
        return ~state;
    }

    // RFC 3720, appendix B.4 (there the CRC is listed byte by byte, least significant first), and the usual check value.
    public static TheoryData<string, uint> Published => new()
    {
        { Convert.ToHexString(new byte[32]), 0x8A9136AA },
        { Convert.ToHexString(Enumerable.Repeat((byte)0xFF, 32).ToArray()), 0x62A8AB43 },
        { Convert.ToHexString(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()), 0x46DD794E },
        { Convert.ToHexString(Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray()), 0x113FDB5C },
        { "01C00000000000000000000000000000" + "14000000000004000000001400000018" + "2800000000000000" + "0200000000000000", 0xD9963A56 },
        { Convert.ToHexString(Encoding.ASCII.GetBytes("123456789")), 0xE3069283 },
        { "", 0 },
    };

    [Theory, MemberData(nameof(Published))]
    public void Agrees_with_published_vectors(string hex, uint expected)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(expected, Crc32C.Compute(bytes));
        Assert.Equal(expected, ByTables(0, bytes));
        Assert.Equal(expected, ByBits(bytes));
    }

    [Fact]
    public void Agrees_with_the_tables_at_every_length_and_offset()
    {
        var bytes = RandomBytes(1100 + 8);
        for (var length = 0; length <= 1100; length++)
        {
            for (var offset = 0; offset < 8; offset++)
            {
                var part = bytes.AsSpan(offset, length);
                Assert.Equal(ByTables(0x1234567, part), Crc32C.Extend(0x1234567, part));
            }
        }
    }

    [Fact]
    public void Tables_agree_with_the_definition()
    {
        var bytes = RandomBytes(300, seed: 2);
        for (var length = 0; length <= bytes.Length; length++)
            Assert.Equal(ByBits(bytes.AsSpan(0, length)), ByTables(0, bytes.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(3071), InlineData(3072), InlineData(3073), InlineData(4096)]
    [InlineData(6144 + 119), InlineData(6144 + 120), InlineData(1 << 20)]
    public void Agrees_with_the_tables_over_several_rounds_of_lanes(int length)
    {
        var bytes = RandomBytes(length + 5, seed: 3);
        Assert.Equal(ByTables(0, bytes.AsSpan(5)), Crc32C.Compute(bytes.AsSpan(5)));
    }

    [Fact]
    public void Extending_is_computing_over_the_whole()
    {
        var bytes = RandomBytes(700, seed: 4);
        var whole = Crc32C.Compute(bytes);
        for (var cut = 0; cut <= bytes.Length; cut++)
            Assert.Equal(whole, Crc32C.Extend(Crc32C.Compute(bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        fixed (byte* start = bytes) Assert.Equal(whole, Crc32C.Compute(start, bytes.Length));
    }

    [Fact]
    public void Combining_is_computing_over_both()
    {
        var bytes = RandomBytes(5000, seed: 5);
        var random = new SeededRandom(6);
        for (var round = 0; round < 1000; round++)
        {
            var length = random.Next(bytes.Length + 1);
            var cut = random.Next(length + 1);
            var (a, b) = (Crc32C.Compute(bytes.AsSpan(0, cut)), Crc32C.Compute(bytes.AsSpan(cut, length - cut)));
            Assert.Equal(Crc32C.Compute(bytes.AsSpan(0, length)), Crc32C.Combine(a, b, length - cut));
        }
    }

    [Fact]
    public void Combining_over_lengths_that_no_test_can_allocate_is_associative()
    {
        // (A ++ B) ++ C == A ++ (B ++ C), with B and C of 2^40 and 2^61 bytes.
        const long LengthB = (1L << 40) + 17, LengthC = (1L << 61) + 3;
        uint a = 0x11223344, b = 0x55667788, c = 0x99AABBCC;
        Assert.Equal(
            Crc32C.Combine(Crc32C.Combine(a, b, LengthB), c, LengthC),
            Crc32C.Combine(a, Crc32C.Combine(b, c, LengthC), LengthB + LengthC));
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc32C.Combine(a, b, -1));
    }

    [Fact]
    public void Carryless_multiplication_in_software_agrees_with_multiplication_modulo_the_polynomial()
    {
        // Step(0, product) multiplies by x^33 and reduces; so does Multiply by x^33.
        var random = new SeededRandom(7);
        var x33 = 0x80000000u;
        for (var i = 0; i < 33; i++) x33 = Crc32CPowers.Multiply(x33, 0x40000000);
        for (var round = 0; round < 200; round++)
        {
            var (left, right) = ((uint)random.NextUInt64(), (uint)random.NextUInt64());
            var product = Crc32CPowers.CarrylessMultiply(left, right);
            var reduced = ~ByTables(uint.MaxValue, BitConverter.GetBytes(product));   // from a register of zero, without the last inversion
            Assert.Equal(Crc32CPowers.Multiply(Crc32CPowers.Multiply(left, right), x33), reduced);
        }
    }

    [Fact]
    public void Masking_can_be_undone_and_hides_the_residue()
    {
        var random = new SeededRandom(8);
        var plain = new HashSet<uint>();
        var masked = new HashSet<uint>();
        var bytes = new byte[24];
        for (var round = 0; round < 100; round++)
        {
            random.Fill(bytes.AsSpan(0, 20));
            var crc = Crc32C.Compute(bytes.AsSpan(0, 20));
            Assert.Equal(crc, Crc32C.Unmask(Crc32C.Mask(crc)));
            BitConverter.TryWriteBytes(bytes.AsSpan(20), crc);
            plain.Add(Crc32C.Compute(bytes));
            BitConverter.TryWriteBytes(bytes.AsSpan(20), Crc32C.Mask(crc));
            masked.Add(Crc32C.Compute(bytes));
        }
        Assert.Single(plain);   // the trap: an outer CRC over bytes and their own CRC sees nothing
        Assert.Equal(100, masked.Count);
    }

    [Fact]
    public void Every_flipped_bit_changes_the_crc()
    {
        var bytes = RandomBytes(512, seed: 9);
        var crc = Crc32C.Compute(bytes);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(crc, Crc32C.Compute(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
