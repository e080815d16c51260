// What is done with many bits at once, against loops over single ones.

using System.Numerics;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Bitmaps;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class BitKernelsTests
{
    [Theory, Seeds(10)]
    public void Bits_are_counted_and_found(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 60; round++)
        {
            var bytes = Bytes(random, random.OneIn(5) ? 3000 : 90);
            var all = BitsOf(bytes);
            Assert.Equal(all.Count(b => b), BitKernels.Count(bytes));
            for (var i = 0; i < 20 && all.Length > 0; i++)
            {
                var start = random.Next(all.Length);
                var end = start + random.Next(all.Length - start + 1);
                var part = all[start..end];
                Assert.Equal(part.Count(b => b), BitKernels.CountRange(bytes, start, end));
                foreach (var isSet in (bool[])[true, false])
                {
                    var place = Array.IndexOf(part, isSet);
                    Assert.Equal(place < 0 ? -1 : start + place, BitKernels.Find(bytes, start, end, isSet));
                }
            }
        }
    }

    [Theory, Seeds(10)]
    public void Strings_are_combined_bit_by_bit(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 60; round++)
        {
            var result = Bytes(random, 300);
            var source = Bytes(random, 300)[..];
            if (source.Length > result.Length) source = source[..result.Length];
            var padded = new byte[result.Length];
            source.CopyTo(padded, 0);
            foreach (var (operation, one) in new (BitOperation, Func<byte, byte, int>)[]
                { (BitOperation.And, (a, b) => a & b), (BitOperation.Or, (a, b) => a | b), (BitOperation.Xor, (a, b) => a ^ b) })
            {
                var combined = result.ToArray();
                BitKernels.Combine(operation, combined, source);
                Assert.Equal(result.Zip(padded, (a, b) => (byte)one(a, b)), combined);
            }
            var inverted = result.ToArray();
            BitKernels.Invert(inverted);
            Assert.Equal(result.Select(b => (byte)~b), inverted);
        }
    }

    [Theory, Seeds(10)]
    public void Fields_are_read_and_written(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 500; round++)
        {
            var bytes = Bytes(random, 30);
            var width = 1 + random.Next(64);
            var offset = random.Next(300);
            var wanted = 0UL;
            var bits = BitsOf(bytes);
            for (var i = 0; i < width; i++) wanted = (wanted << 1) | (offset + i < bits.Length && bits[offset + i] ? 1UL : 0);
            Assert.Equal(wanted, BitKernels.Field(bytes, offset, width));
            if (offset + width > bits.Length) continue;
            var value = random.NextUInt64();
            for (var i = 0; i < width; i++) bits[offset + i] = (value >> (width - 1 - i) & 1) == 1;
            BitKernels.SetField(bytes, offset, width, value);
            Assert.Equal(bits, BitsOf(bytes));
        }
    }

    [Theory, Seeds(5)]
    public void Numbers_are_brought_into_their_width(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 2000; round++)
        {
            var isSigned = random.OneIn(2);
            var type = new FieldType(isSigned, 1 + random.Next(isSigned ? 64 : 63));
            var span = BigInteger.One << type.Width;
            var (min, max) = isSigned ? (-(span / 2), (span / 2) - 1) : (BigInteger.Zero, span - 1);
            var number = (BigInteger)(long)(random.NextUInt64() >> random.Next(64)) + (random.OneIn(2) ? max : min);
            var fits = number >= min && number <= max;
            var wrapped = ((number % span) + span) % span;
            if (wrapped > max) wrapped -= span;
            Assert.Equal(fits, type.TryFit((Int128)number, FieldOverflow.Fail, out _));
            Assert.True(type.TryFit((Int128)number, FieldOverflow.Wrap, out var got));
            Assert.Equal(wrapped, got);
            Assert.True(type.TryFit((Int128)number, FieldOverflow.Saturate, out got));
            Assert.Equal(BigInteger.Clamp(number, min, max), got);
        }
    }

    static byte[] Bytes(SeededRandom random, int lengthMax)
    {
        var bytes = new byte[random.Next(lengthMax + 1)];
        // All of one bit for long stretches, or anything.
        var kind = random.Next(3);
        for (var i = 0; i < bytes.Length; i++) bytes[i] = kind == 2 || random.OneIn(40) ? (byte)random.Next(256) : kind == 0 ? (byte)0 : (byte)0xff;
        return bytes;
    }

    static bool[] BitsOf(byte[] bytes) => [.. bytes.SelectMany(b => Enumerable.Range(0, 8).Select(i => (b >> (7 - i) & 1) == 1))];
}
