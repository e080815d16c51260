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
}
