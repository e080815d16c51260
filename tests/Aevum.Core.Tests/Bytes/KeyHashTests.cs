using System.Numerics;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bytes;

public sealed unsafe class KeyHashTests
{
    // The buffer of xxHash's own sanity check.
    static byte[] SanityBuffer(int length)
    {
        var bytes = new byte[length];
        ulong state = 2654435761;
        foreach (ref var b in bytes.AsSpan())
        {
            b = (byte)(state >> 56);
            state *= 11400714785074694797;
        }
        return bytes;
    }

    // XXH3_64bits with seed 0 as xxHash 0.8 publishes it (its sanity check).
    [Theory]
    [InlineData(0, 0x2D06800538D394C2), InlineData(1, 0xC44BDFF4074EECDB), InlineData(6, 0x27B56A84CD2D7325)]
    [InlineData(12, 0xA713DAF0DFBB77E7), InlineData(24, 0xA3FE70BF9D3510EB), InlineData(48, 0x397DA259ECBA1F11)]
    [InlineData(80, 0xBCDEFBBB2C47C90A), InlineData(195, 0xCD94217EE362EC3A), InlineData(403, 0xCDEB804D65C6DEA4)]
    [InlineData(512, 0x617E49599013CB6B), InlineData(2048, 0xDD59E2C3A5F038E0), InlineData(2240, 0x6E73A90539CF2948)]
    [InlineData(2367, 0xCB37AEB9E5D361ED)]
    public void Agrees_with_published_vectors(int length, ulong expected) => Assert.Equal(expected, KeyHash.Compute(SanityBuffer(length)));

    [Fact]
    public void Agrees_with_the_reference_at_every_length_below_2400()
    {
        // The sum over all lengths as the reference implementation gives it: one number that any wrong length changes.
        var bytes = SanityBuffer(2400);
        ulong sum = 0;
        for (var length = 0; length < 2400; length++) sum = (sum * 31) + KeyHash.Compute(bytes.AsSpan(0, length));
        Assert.Equal(0xE2FB07770C4F478F, sum);
    }

    [FactThatNeeds(Library = NativePeer.XxHash)]
    public void Agrees_with_the_installed_library_on_random_bytes()
    {
        var peer = (delegate* unmanaged<byte*, nuint, ulong>)NativePeer.Function(NativePeer.XxHash, "XXH3_64bits");
        var bytes = new byte[5000];
        var random = new SeededRandom(1);
        random.Fill(bytes);
        fixed (byte* start = bytes)
        {
            for (var round = 0; round < 5000; round++)
            {
                var length = random.OneIn(3) ? random.Next(4000) : random.Next(260);
                var offset = random.Next(bytes.Length - length);
                Assert.Equal(peer(start + offset, (nuint)length), KeyHash.Compute(start + offset, length));
            }
        }
    }

    [Fact]
    public void A_flipped_bit_of_the_key_flips_about_half_of_the_hash()
    {
        var random = new SeededRandom(2);
        foreach (var length in new[] { 1, 4, 8, 12, 16, 20, 40, 64, 128, 200, 300 })
        {
            long flipped = 0, trials = 0;
            for (var round = 0; round < 50; round++)
            {
                var key = new byte[length];
                random.Fill(key);
                var hash = KeyHash.Compute(key);
                for (var bit = 0; bit < length * 8; bit++, trials++)
                {
                    key[bit / 8] ^= (byte)(1 << (bit % 8));
                    flipped += BitOperations.PopCount(hash ^ KeyHash.Compute(key));
                    key[bit / 8] ^= (byte)(1 << (bit % 8));
                }
            }
            Assert.InRange((double)flipped / trials, 30, 34);
        }
    }

    [Fact]
    public void Dense_keys_spread_evenly_over_the_low_bits()
    {
        // Keys as a counter makes them, into 1024 cells of 64 on average: a bad hash leaves cells empty or crowded.
        var cells = new int[1024];
        var key = new byte[20];
        for (var i = 0; i < 1024 * 64; i++)
        {
            System.Text.Encoding.ASCII.GetBytes($"user:profile:{i:D7}", key);
            cells[KeyHash.Compute(key) % 1024]++;
        }
        Assert.InRange(cells.Min(), 28, 64);    // 64 +- 4.5 standard deviations of 8
        Assert.InRange(cells.Max(), 64, 100);
    }
}
