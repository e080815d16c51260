using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bytes;

public sealed unsafe class Lz4Tests
{
    /// <summary>Sources that lead through different parts of the codec.</summary>
    static readonly string[] AllShapes = ["zeros", "random", "two letters", "period", "words", "rows", "late copy", "half random"];

    public static TheoryData<string> Shapes => new(AllShapes);

    static byte[] Make(string shape, int length, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        var bytes = new byte[length];
        switch (shape)
        {
            case "zeros": break;
            case "random": random.Fill(bytes); break;
            case "two letters": foreach (ref var b in bytes.AsSpan()) b = (byte)('a' + random.Next(2)); break;
            case "period":
                var period = 1 + (int)(seed % 40);
                for (var i = 0; i < length; i++) bytes[i] = (byte)((i % period) * 7);
                break;
            case "words":
                string[] words = ["the ", "log ", "of ", "a ", "database ", "holds ", "every ", "batch ", "in order ", "and ", "nothing. "];
                Fill(bytes, () => words[random.Next(words.Length)]);
                break;
            case "rows":
                var n = 0;
                Fill(bytes, () => $"user:{n++:D8}{{\"age\":{random.Next(100)},\"score\":{random.Next(1000)}}}");
                break;
            case "late copy":   // matches at and beyond the greatest offset
                random.Fill(bytes);
                for (var i = 0; i + 65_700 <= length; i += 3000) bytes.AsSpan(i, 100).CopyTo(bytes.AsSpan(i + 65_490 + random.Next(100)));
                break;
            case "half random":
                for (var i = 0; i < length; i += 64)
                    if (random.OneIn(2)) random.Fill(bytes.AsSpan(i, Math.Min(64, length - i)));
                break;
            default: throw new ArgumentException(shape);
        }
        return bytes;
    }

    static void Fill(byte[] bytes, Func<string> next)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var part = Encoding.ASCII.GetBytes(next());
            var count = Math.Min(part.Length, bytes.Length - at);
            part.AsSpan(0, count).CopyTo(bytes.AsSpan(at));
            at += count;
        }
    }

    static byte[] Compress(ReadOnlySpan<byte> source, int acceleration = 1)
    {
        var target = new byte[Lz4.MaxCompressedLength(source.Length)];
        var length = Lz4.Compress(source, target, acceleration);
        Assert.InRange(length, 1, target.Length);
        return target[..length];
    }

    static void CheckRoundTrip(byte[] source, int acceleration = 1)
    {
        var block = Compress(source, acceleration);
        var target = new byte[source.Length];
        Assert.True(Lz4.TryDecompress(block, target, out var written));
        Assert.Equal(source.Length, written);
        Assert.True(target.AsSpan().SequenceEqual(source));

        var sequences = new List<NaiveLz4.Sequence>();
        Assert.True(NaiveLz4.Decompress(block, source.Length, sequences).AsSpan().SequenceEqual(source));
        CheckEndOfBlock(sequences, source.Length);
    }

    // What other decoders take for granted: the last five bytes are literals, no match starts within the last twelve.
    static void CheckEndOfBlock(List<NaiveLz4.Sequence> sequences, int length)
    {
        Assert.Equal(0, sequences[^1].MatchLength);
        if (sequences.Count > 1) Assert.True(sequences[^1].Literals >= 5);
        foreach (var sequence in sequences.SkipLast(1))
        {
            Assert.True(sequence.MatchStart <= length - 12, $"a match starts at {sequence.MatchStart} of {length}");
            Assert.InRange(sequence.Offset, 1, 65535);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Round_trips_at_every_short_length(string shape)
    {
        for (var length = 0; length <= 400; length++) CheckRoundTrip(Make(shape, length, (ulong)length));
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Round_trips_at_long_lengths(string shape)
    {
        foreach (var length in new[] { 4096, 10_000, 65_535, 65_536, 65_537, 65_548, 200_000, 1 << 20 })
            CheckRoundTrip(Make(shape, length, 7));
    }

    [Theory, InlineData(2), InlineData(10), InlineData(1000), InlineData(int.MaxValue)]
    public void Round_trips_at_any_acceleration(int acceleration)
    {
        foreach (var shape in AllShapes) CheckRoundTrip(Make(shape, 70_000), acceleration);
    }

    [Fact]
    public void Matches_of_every_distance_and_length_round_trip()
    {
        // A random head, then a copy from each distance, of each length, then a tail that differs: the decoder's ways to copy, one by one.
        var random = new SeededRandom(3);
        for (var distance = 1; distance <= 40; distance++)
        {
            for (var length = 4; length <= 80; length++)
            {
                var source = new byte[distance + length + 40];
                random.Fill(source);
                for (var i = 0; i < length; i++) source[distance + i] = source[i];
                CheckRoundTrip(source);
            }
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Compressible_shapes_shrink(string shape)
    {
        var length = Compress(Make(shape, 65_536, 5)).Length;
        if (shape is "random" or "late copy") Assert.InRange(length, 65_536, Lz4.MaxCompressedLength(65_536));
        else Assert.True(length < 65_536 * 0.7, $"{length}");
    }

    [Fact]
    public void Reaches_back_65535_bytes_and_no_further()
    {
        // A short head, a copy of it at each distance around the limit, and between them zeros, which one match takes: the table still
        // knows the head when the copy comes.
        for (var distance = 65_530; distance <= 65_540; distance++)
        {
            var source = new byte[distance + 100];
            Make("random", 60, 9).CopyTo(source, 0);
            source.AsSpan(0, 60).CopyTo(source.AsSpan(distance));
            var sequences = new List<NaiveLz4.Sequence>();
            Assert.NotNull(NaiveLz4.Decompress(Compress(source), source.Length, sequences));
            Assert.Equal(distance <= 65_535, sequences.Exists(s => s.Offset == distance && s.MatchLength >= 50));
            CheckRoundTrip(source);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void A_target_of_the_exact_size_suffices_and_one_byte_less_does_not(string shape)
    {
        using var memory = new GuardedMemory(80_000);
        foreach (var length in new[] { 0, 1, 12, 13, 14, 20, 100, 255, 270, 271, 1000, 4096, 65_537 })
        {
            var source = Make(shape, length, 11);
            var exact = Compress(source).Length;
            Assert.Equal(exact, Lz4.Compress(source, memory.AtEnd(exact)));
            Assert.True(NaiveLz4.Decompress(memory.AtEnd(exact), length).AsSpan().SequenceEqual(source));
            for (var less = exact - 1; less >= 0; less -= Math.Max(1, exact / 20))
                Assert.Equal(0, Lz4.Compress(source, memory.AtEnd(less)));
        }
    }

    [Fact]
    public void Nothing_outside_of_the_spans_is_touched()
    {
        // Source and target end right before an unreadable page, then start right after one.
        using var from = new GuardedMemory(5000);
        using var to = new GuardedMemory(6000);
        using var back = new GuardedMemory(5000);
        var random = new SeededRandom(13);
        foreach (var shape in AllShapes)
        {
            for (var round = 0; round < 150; round++)
            {
                var length = random.OneIn(2) ? random.Next(100) : random.Next(5000);
                var source = from.CopyAtEnd(Make(shape, length, (ulong)round));
                var block = to.AtEnd(Compress(source).Length);
                Assert.Equal(block.Length, Lz4.Compress(source, block));
                Assert.True(Lz4.TryDecompress(block, back.AtEnd(length), out var written));
                Assert.Equal(length, written);
                Assert.True(back.AtEnd(length).SequenceEqual(source));

                source.CopyTo(from.AtStart(length));
                Assert.Equal(block.Length, Lz4.Compress(from.AtStart(length), to.AtStart(6000)));
                Assert.True(Lz4.TryDecompress(to.AtStart(block.Length), back.AtStart(5000), out written));
                Assert.Equal(length, written);
            }
        }
    }

    [Fact]
    public void A_target_that_is_too_short_is_refused()
    {
        using var memory = new GuardedMemory(3000);
        foreach (var shape in AllShapes)
        {
            var block = Compress(Make(shape, 3000));
            for (var length = 0; length < 3000; length += 37)
            {
                Assert.False(Lz4.TryDecompress(block, memory.AtEnd(length), out var written));
                Assert.Equal(0, written);
            }
        }
    }

    [Theory]
    [InlineData("00", "")]                               // an empty block
    [InlineData("1041", "41")]                           // literals alone
    [InlineData("1F4101000050" + "4242424242", "4141414141414141414141414141414141414141" + "4242424242")]   // a match into itself
    [InlineData("F00041424344" + "45464748494A4B4C4D4E4F", "4142434445464748494A4B4C4D4E4F")]
    public void Decodes_blocks_written_by_hand(string block, string expected)
    {
        var target = new byte[64];
        Assert.True(Lz4.TryDecompress(Convert.FromHexString(block), target, out var written));
        Assert.Equal(expected, Convert.ToHexString(target, 0, written));
    }

    [Theory]
    [InlineData("")]                 // no token
    [InlineData("10")]               // a literal is missing
    [InlineData("104101")]           // half an offset
    [InlineData("10410100")]         // a match may not be the end
    [InlineData("1041000010" + "42")]   // offset zero
    [InlineData("1041020010" + "42")]   // offset before the start
    [InlineData("F0")]               // a length is missing
    [InlineData("F0FFFFFF")]         // a length does not end
    [InlineData("F0FF00")]           // more literals than bytes
    [InlineData("1F410100")]         // a match length is missing
    [InlineData("1F410100FFFF")]     // a match length does not end
    [InlineData("1F410100FFFFFFFFFF00" + "1042")]   // more than the target holds
    public void Refuses_what_is_no_block(string block)
    {
        Assert.False(Lz4.TryDecompress(Convert.FromHexString(block), new byte[64], out var written));
        Assert.Equal(0, written);
        Assert.Null(NaiveLz4.Decompress(Convert.FromHexString(block), 64));
    }

    [Theory, Seeds(4)]
    public void Any_mutated_block_gives_what_the_oracle_gives_and_touches_nothing_outside(ulong seed)
    {
        var random = new SeededRandom(seed);
        var blocks = Enumerable.Range(0, 64)
            .Select(i => Compress(Make(AllShapes[i % AllShapes.Length], random.Next(600), (ulong)i))).ToArray();
        using var from = new GuardedMemory(4096);
        using var to = new GuardedMemory(4096);
        int accepted = 0, refused = 0;
        for (var round = 0; round < 25_000; round++)
        {
            var block = Mutate(blocks[random.Next(blocks.Length)], random);
            var capacity = random.OneIn(4) ? random.Next(1000) : 1000;
            var source = from.CopyAtEnd(block);
            var target = to.AtEnd(capacity);
            var done = Lz4.TryDecompress(source, target, out var written);
            var expected = NaiveLz4.Decompress(block, capacity);
            Assert.Equal(expected is not null, done);
            if (done) accepted++;
            else refused++;
            if (done) Assert.True(target[..written].SequenceEqual(expected), Convert.ToHexString(block));
        }
        Assert.True(accepted > 2500 && refused > 2500, $"{accepted} accepted, {refused} refused: the fuzz sees one side only");
    }

    static byte[] Mutate(byte[] block, SeededRandom random)
    {
        var bytes = new List<byte>(block);
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(9))
            {
                case 0 when bytes.Count > 0: bytes.RemoveRange(Math.Min(at, bytes.Count - 1), 1); break;
                case 1: bytes.Insert(at, (byte)random.Next(256)); break;
                case 2: bytes.RemoveRange(at, bytes.Count - at); break;
                case 3: bytes.Insert(at, 255); break;
                case 4 when at < bytes.Count: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                default:
                    if (at < bytes.Count) bytes[at] = (byte)random.Next(256);
                    break;
            }
        }
        return [.. bytes];
    }

    [Theory, Seeds(1)]
    public void Random_bytes_never_do_harm(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var from = new GuardedMemory(256);
        using var to = new GuardedMemory(4096);
        for (var round = 0; round < 20_000; round++)
        {
            var source = from.AtEnd(random.Next(100));
            random.Fill(source);
            var capacity = random.Next(4096);
            var done = Lz4.TryDecompress(source, to.AtEnd(capacity), out var written);
            var expected = NaiveLz4.Decompress(source, capacity);
            Assert.Equal(expected is not null, done);
            if (done) Assert.True(to.AtEnd(capacity)[..written].SequenceEqual(expected));
        }
    }

    [FactThatNeeds(Library = NativePeer.Lz4)]
    public void The_installed_library_reads_our_blocks_and_we_read_its()
    {
        var peerCompress = (delegate* unmanaged<byte*, byte*, int, int, int>)NativePeer.Function(NativePeer.Lz4, "LZ4_compress_default");
        var peerCompressHigh =
            (delegate* unmanaged<byte*, byte*, int, int, int, int>)NativePeer.Function(NativePeer.Lz4, "LZ4_compress_HC");
        var peerDecompress = (delegate* unmanaged<byte*, byte*, int, int, int>)NativePeer.Function(NativePeer.Lz4, "LZ4_decompress_safe");
        var random = new SeededRandom(23);
        foreach (var shape in AllShapes)
        {
            for (var round = 0; round < 43; round++)
            {
                var length = round < 40 ? random.Next(2000) : random.Next(150_000);
                var source = Make(shape, length, (ulong)round);
                var ours = Compress(source);
                var theirs = new byte[Lz4.MaxCompressedLength(length)];
                var back = new byte[length + 1];
                fixed (byte* from = source, block = ours, to = theirs, result = back)
                {
                    Assert.Equal(length, peerDecompress(block, result, ours.Length, length));
                    Assert.True(back.AsSpan(0, length).SequenceEqual(source));
                    foreach (var level in new[] { 0, 9 })
                    {
                        var written = level == 0
                            ? peerCompress(from, to, length, theirs.Length)
                            : peerCompressHigh(from, to, length, theirs.Length, level);
                        back.AsSpan().Clear();
                        Assert.True(Lz4.TryDecompress(theirs.AsSpan(0, written), back.AsSpan(0, length), out var count));
                        Assert.Equal(length, count);
                        Assert.True(back.AsSpan(0, length).SequenceEqual(source));
                    }
                }
            }
        }
    }

    [Fact]
    public void Arguments_without_meaning_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Lz4.MaxCompressedLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Lz4.MaxCompressedLength(Lz4.SourceBytesMax + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Lz4.Compress(new byte[5], new byte[50], acceleration: 0));
        Assert.True(Lz4.MaxCompressedLength(Lz4.SourceBytesMax) > 0);
    }

    [Fact]
    public void Compressing_and_decompressing_allocate_nothing()
    {
        var source = Make("words", 70_000);
        var target = new byte[Lz4.MaxCompressedLength(source.Length)];
        var back = new byte[source.Length];
        void Both() => Lz4.TryDecompress(target.AsSpan(0, Lz4.Compress(source, target)), back, out _);
        for (var i = 0; i < 5; i++) Both();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) Both();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
