using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Bytes;

public sealed class KeyRangeTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("00", "01")]
    [InlineData("61", "62")]
    [InlineData("6162", "6163")]
    [InlineData("61FF", "62")]
    [InlineData("61FFFF", "62")]
    [InlineData("FE", "FF")]
    [InlineData("FF", null)]
    [InlineData("FFFF", null)]
    [InlineData("FFFE", "FFFF")]
    public void Prefix_end(string prefix, string? end) =>
        Assert.Equal(end, KeyRange.PrefixEnd(Convert.FromHexString(prefix)) is { } found ? Convert.ToHexString(found) : null);

    [Fact]
    public void A_key_lies_in_the_range_if_and_only_if_it_begins_with_the_prefix()
    {
        // Few different bytes, the greatest among them, so that keys near the end of a range are common.
        var random = new SeededRandom(1);
        byte[] letters = [0x00, 0x01, 0x7F, 0xFE, 0xFF];
        byte[] Make(int lengthMax)
        {
            var bytes = new byte[random.Next(lengthMax + 1)];
            foreach (ref var b in bytes.AsSpan()) b = letters[random.Next(letters.Length)];
            return bytes;
        }
        for (var round = 0; round < 50_000; round++)
        {
            var (prefix, key) = (Make(3), Make(5));
            var end = KeyRange.PrefixEnd(prefix);
            var inRange = key.AsSpan().SequenceCompareTo(prefix) >= 0 && (end is null || key.AsSpan().SequenceCompareTo(end) < 0);
            Assert.Equal(key.AsSpan().StartsWith(prefix), inRange);
        }
    }
}
