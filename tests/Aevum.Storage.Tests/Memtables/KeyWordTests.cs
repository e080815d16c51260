using System.Buffers.Binary;
using Aevum.Core.Scheduling;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed unsafe class KeyWordTests
{
    // The obvious way: copy what is there into eight zeros.
    static long Slow(byte[] key, int at)
    {
        Span<byte> bytes = stackalloc byte[8];
        key.AsSpan(at, Math.Min(8, key.Length - at)).CopyTo(bytes);
        return (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) ^ KeyWord.Flip);
    }

    [Fact]
    public void A_word_is_eight_bytes_of_the_key_with_zeros_behind_its_end()
    {
        var random = new SeededRandom(1);
        for (var length = 0; length <= 40; length++)
        {
            var key = new byte[length];
            random.Fill(key);
            // Exactly as large as the key, between bytes that must not leak in.
            var memory = new byte[length + 32];
            memory.AsSpan().Fill(0xEE);
            key.CopyTo(memory, 16);
            fixed (byte* start = memory)
                for (var at = 0; at <= length; at++) Assert.Equal(Slow(key, at), KeyWord.Load(start + 16, length, at));
        }
    }

    [Fact]
    public void A_tail_is_the_eight_bytes_before_its_end()
    {
        var random = new SeededRandom(2);
        for (var length = 0; length <= 40; length++)
        {
            var key = new byte[length];
            random.Fill(key);
            fixed (byte* start = key)
            {
                for (var end = 0; end <= length; end++)
                {
                    var tail = key.AsSpan(Math.Max(0, end - 8)..end);
                    var bytes = new byte[8];
                    tail.CopyTo(bytes.AsSpan(8 - tail.Length));
                    Assert.Equal(BinaryPrimitives.ReadUInt64BigEndian(bytes), KeyWord.LoadTail(start, length, end));
                }
            }
        }
    }

    [Fact]
    public void Words_and_what_lies_behind_them_order_keys_as_their_bytes_do()
    {
        var random = new SeededRandom(3);
        for (var i = 0; i < 20_000; i++)
        {
            byte[] a = Few(random), b = Few(random);
            var shared = a.AsSpan().CommonPrefixLength(b);
            var at = random.Next(shared + 1);
            fixed (byte* x = a)
            fixed (byte* y = b)
            {
                var order = KeyWord.Load(x, a.Length, at).CompareTo(KeyWord.Load(y, b.Length, at));
                if (order == 0) order = KeyWord.CompareBehindEqualWords(x, a.Length, y, b.Length, at);
                Assert.Equal(Math.Sign(a.AsSpan().SequenceCompareTo(b)), Math.Sign(order));
                Assert.Equal(shared, KeyWord.SharedBytes(x, a.Length, y, b.Length));
            }
        }
    }

    // Keys of few different bytes, so that they share much, and lengths around a word's.
    static byte[] Few(SeededRandom random)
    {
        var key = new byte[random.Next(20)];
        for (var i = 0; i < key.Length; i++) key[i] = (byte)(random.Next(12) switch { 0 => 1, 1 => 255, _ => 0 });
        return key;
    }
}
