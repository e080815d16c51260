using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>What every kind of index segment must refuse: bits changed anywhere, files cut short or grown.</summary>
static class SegmentDamage
{
    /// <param name="codeOf">Opens and uses a file; null: nothing was wrong.</param>
    /// <param name="places">Bytes to change beside those of header, end and chance.</param>
    public static void AssertRefused(byte[] whole, Func<byte[], ErrorCode?> codeOf, string what, IEnumerable<int>? places = null)
    {
        var random = new SeededRandom(1);
        var offsets = Enumerable.Range(0, 860).Where(i => i < 192 || i % 5 == 0).Concat(places ?? [])
            .Concat(Enumerable.Range(1, 24).Select(i => whole.Length - i)).Concat(Enumerable.Range(0, 120).Select(_ => random.Next(whole.Length)));
        foreach (var offset in offsets)
        {
            var damaged = (byte[])whole.Clone();
            damaged[offset] ^= (byte)(1 << random.Next(8));
            Assert.True(codeOf(damaged) is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"{what} at {offset}");
        }
        foreach (var length in Enumerable.Range(0, 60).Select(_ => random.Next(whole.Length)).Append(0).Append(whole.Length - 1))
            Assert.Equal(ErrorCode.Corruption, codeOf(whole[..length]));
        Assert.Equal(ErrorCode.Corruption, codeOf([.. whole, 0]));
        Assert.Null(codeOf(whole));
    }

    /// <summary>Uses files that were changed by chance and have good checksums: any answer will do but harm.</summary>
    public static void UseForged(byte[] whole, Func<byte[], ErrorCode?> codeOf, SeededRandom random)
    {
        for (var round = 0; round < 12; round++)
        {
            var forged = (byte[])whole.Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.OneIn(3) ? random.Next(8, 900) : random.Next(forged.Length);
                if (random.OneIn(2)) forged[at] = (byte)random.Next(256);
                else BinaryPrimitives.WriteUInt32LittleEndian(forged.AsSpan(Math.Min(at & -4, forged.Length - 4)), (uint)random.Next(400));
            }
            SegmentFileTests.Forge(forged);
            codeOf(forged);
        }
    }
}
