using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Tests.Bytes;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Batches;

public sealed class BatchReaderTests
{
    const string Header = "0100000000000000" + "01000000" + "00000000";   // time 1, one effect

    [Theory]
    [InlineData("")]
    [InlineData("0100000000000000" + "00000000" + "000000")]      // a header cut short
    [InlineData("0100000000000000" + "00000000" + "01000000")]    // flags
    [InlineData("0100000000000000" + "FFFFFFFF" + "00000000")]    // a negative count
    [InlineData("0100000000000000" + "FFFFFF7F" + "00000000")]    // effects that are not there
    [InlineData("0100000000000000" + "00000000" + "0000000000")]  // more bytes than effects
    [InlineData(Header)]
    [InlineData(Header + "04" + "0161" + "0162")]                 // unknown kinds
    [InlineData(Header + "07" + "0161" + "0162")]
    [InlineData(Header + "11" + "0161" + "0162")]                 // unknown bits of the tag
    [InlineData(Header + "81" + "0161" + "0162")]
    [InlineData(Header + "01")]                                   // no key
    [InlineData(Header + "01" + "80")]                            // half a length
    [InlineData(Header + "01" + "02" + "61")]                     // half a key
    [InlineData(Header + "01" + "FFFFFFFF0F" + "61")]             // a key of 4 GiB
    [InlineData(Header + "01" + "FFFFFFFF1F" + "61")]             // a length of more than 32 bits
    [InlineData(Header + "09" + "0161" + "00000000000000")]       // half an expiry
    [InlineData(Header + "01" + "0161")]                          // no value
    [InlineData(Header + "01" + "0161" + "0262")]                 // half a value
    [InlineData(Header + "01" + "0161" + "0162" + "00")]          // a byte too many
    public void What_is_no_batch_is_corruption(string hex) => Assert.Equal(
        ErrorCode.Corruption, Assert.Throws<CorruptionException>(() => ReadAll(Convert.FromHexString(hex))).Code);

    static int ReadAll(ReadOnlySpan<byte> bytes)
    {
        var reader = new BatchReader(bytes);
        var read = 0;
        var consumed = reader.Consumed;
        while (reader.TryRead(out var effect))
        {
            // Every effect takes bytes, and shows none but the batch's own.
            Assert.True(reader.Consumed > consumed);
            consumed = reader.Consumed;
            Assert.True(effect.Key.Length + effect.Value.Length < bytes.Length);
            Assert.True(effect.Key.IsEmpty || bytes.Overlaps(effect.Key));
            Assert.True(effect.Value.IsEmpty || bytes.Overlaps(effect.Value));
            Assert.True(effect.Kind <= EffectKind.DeleteRange);
            read++;
        }
        Assert.Equal(reader.Count, read);
        Assert.Equal(bytes.Length, reader.Consumed);
        Assert.False(reader.TryRead(out _));   // the end stays the end
        return read;
    }

    [Fact]
    public void Every_batch_cut_short_is_corruption()
    {
        var batch = new WriteBatch { SystemTime = new SystemTime(77) };
        batch.Put("city"u8, "Bern"u8, new SystemTime(99));
        batch.Merge("n"u8, new byte[200]);
        batch.Delete("old"u8);
        batch.DeleteRange("x"u8, "y"u8);
        var whole = batch.Encoded.ToArray();
        Assert.Equal(4, ReadAll(whole));
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<CorruptionException>(() => ReadAll(whole.AsSpan(0, length)));
    }

    [Theory, Seeds(3)]
    public void Any_bytes_are_read_whole_or_are_corruption(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var memory = new GuardedMemory(4096);   // an unreadable page follows: reading on would end the process
        var seeds = Enumerable.Range(0, 20).Select(_ => Make(random)).ToArray();
        int read = 0, refused = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = random.OneIn(10) ? new byte[random.Next(60)] : Mutate(seeds[random.Next(seeds.Length)], random);
            if (random.OneIn(20)) random.Fill(bytes);
            try
            {
                ReadAll(memory.CopyAtEnd(bytes));
                read++;
            }
            catch (CorruptionException)
            {
                refused++;
            }
        }
        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused: the fuzz sees one side only");
    }

    static byte[] Make(SeededRandom random)
    {
        var batch = new WriteBatch { SystemTime = new SystemTime(random.NextUInt64() >> 1) };
        for (var n = random.Next(6); n > 0; n--)
        {
            byte[] key = new byte[random.Next(8)], value = new byte[random.OneIn(4) ? random.Next(300) : random.Next(8)];
            random.Fill(key);
            random.Fill(value);
            switch (random.Next(4))
            {
                case 0: batch.Put(key, value, random.OneIn(2) ? new SystemTime(5) : default); break;
                case 1: batch.Merge(key, value); break;
                case 2: batch.Delete(key); break;
                default: batch.DeleteRange(key, value); break;
            }
        }
        return batch.Encoded.ToArray();
    }

    static byte[] Mutate(byte[] bytes, SeededRandom random)
    {
        var mutated = bytes.ToList();
        for (var changes = random.Next(1, 4); changes > 0 && mutated.Count > 0; changes--)
        {
            var at = random.OneIn(3) ? random.Next(mutated.Count) : Math.Min(mutated.Count - 1, WriteBatch.HeaderBytes + random.Next(20));
            switch (random.Next(6))
            {
                case 0: mutated.RemoveAt(at); break;
                case 1: mutated.Insert(at, (byte)random.Next(256)); break;
                case 2: mutated[at] = (byte)random.Next(256); break;
                case 3: mutated.RemoveRange(at, mutated.Count - at); break;
                default: mutated[at] ^= (byte)(1 << random.Next(8)); break;
            }
        }
        return [.. mutated];
    }
}
