using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Streams;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Testing;
using static Aevum.Engine.Tests.EngineWorld;

namespace Aevum.Engine.Tests.Streams;

public sealed class BatchChunkTests
{
    [Fact]
    public void Following_allocates_nothing()
    {
        using var world = new EngineWorld(keyspace: new() { MergeOperator = "append" });
        using var all = world.Shard.Subscribe(StreamRange.Of(Default), StreamStart.Now);
        using var some = world.Shard.Subscribe(StreamRange.Prefix(Key("k1")), StreamStart.Now);
        long Rounds(int rounds)
        {
            long effects = 0;
            for (var i = 0; i < rounds; i++)
            {
                world.Commit(b =>
                {
                    b.DeleteRange(Key("k0"), Key("k11"));
                    for (var k = 0; k < 8; k++) b.Put(Key($"k{k}"), Bytes("value"));
                    b.Merge(Key("k1"), Bytes("x"));
                });
            }
            foreach (var subscription in (ISubscription[])[all, some])
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                while (subscription.Wait(TimeSpan.Zero))
                    while (subscription.TryNext(out var batch))
                        foreach (var effect in batch) effects += effect.Key.Length > 0 ? 1 : 0;
                Allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            }
            return effects;
        }

        Rounds(3000);
        Allocated = 0;
        Assert.Equal(3000 * (10 + 3), Rounds(3000));
        Assert.Equal(0, Allocated);
    }

    long Allocated { get; set; }

    [Fact]
    public void A_huge_batch_is_not_paid_for_ever_after()
    {
        var chunk = new BatchChunk(StreamRange.Everything);
        var batch = new WriteBatch();
        batch.Put(Key("a"), new byte[8 << 20]);
        Assert.True(chunk.Add(new(1, 1), batch.Encoded));
        Assert.True(chunk.IsFull);
        Assert.True(chunk.MemoryBytes >= 8 << 20);
        chunk.Clear();
        Assert.True(chunk.MemoryBytes <= 1 << 20);
    }

    [Theory, Seeds(40)]
    public void Any_bytes_are_a_batch_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        var chunk = new BatchChunk(StreamRange.Between(Key("b"), Key("d")));
        for (var round = 0; round < 200; round++)
        {
            var batch = new WriteBatch();
            for (var left = random.Next(6); left > 0; left--) AddOne(batch, random);
            batch.SystemTime = new SystemTime(7);
            var bytes = batch.Encoded.ToArray();
            var mangled = random.OneIn(2);
            if (mangled)
            {
                for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                if (random.OneIn(3)) bytes = bytes[..random.Next(bytes.Length)];
            }
            chunk.Clear();
            try
            {
                if (!chunk.Add(new(3, 9), bytes)) continue;
            }
            catch (CorruptionException)
            {
                Assert.True(mangled);
                continue;
            }
            var taken = chunk.Take(out var position);
            Assert.Equal(new StreamPosition(3, 9), position);
            var count = 0;
            foreach (var effect in taken)
            {
                count++;
                Assert.True(effect.Key.SequenceCompareTo(Key("b")) >= 0 && effect.Key.SequenceCompareTo(Key("d")) < 0);
                if (effect.Kind == EffectKind.DeleteRange) Assert.True(effect.Value.SequenceCompareTo(Key("d")) <= 0);
            }
            Assert.Equal(taken.Count, count);
            Assert.True(count > 0);
        }
    }

    static void AddOne(WriteBatch batch, SeededRandom random)
    {
        var key = Key($"{(char)('a' + random.Next(5))}{random.Next(3)}");
        switch (random.Next(4))
        {
            case 0: batch.Put(key, new byte[random.Next(20)], new SystemTime((ulong)random.Next(2))); break;
            case 1: batch.Delete(key); break;
            case 2: batch.Merge(key, [1]); break;
            default: batch.DeleteRange(key, Key($"{(char)('a' + random.Next(5))}9")); break;
        }
    }

    // ------------------------------------------------------------------------------------------------ tokens and ranges

    [Theory, Seeds(30)]
    public void Tokens_come_back_from_text_and_nothing_else_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 100; round++)
        {
            var token = new StreamToken(Enumerable.Range(1, random.Next(1, 5)).Select(i =>
                new StreamPosition((uint)i * 3, random.NextUInt64() | 1, random.OneIn(3) ? 0 : random.NextUInt64())));
            var text = token.ToString();
            Assert.Equal(token.Positions, StreamToken.Parse(text).Positions);
            var mangled = text.ToCharArray();
            mangled[random.Next(mangled.Length)] = "0123456789:,/v- x+"[random.Next(18)];
            try
            {
                // Digits changed: another token. Its text is the same again, but for leading zeros.
                var other = StreamToken.Parse(new string(mangled));
                Assert.Equal(other.Positions, StreamToken.Parse(other.ToString()).Positions);
            }
            catch (AevumException refused)
            {
                Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
            }
        }
        string[] malformed =
        [
            "", "v1/", "v2/1:1:1", "v1/1:1", "v1/1:1:1,", "v1/1:1:1:1", "v1/2:1:1,1:1:1", "v1/1:1:1,1:2:1", "v1/1:0:5", "v1/-1:1:1",
            "v1/1:1:99999999999999999999",
        ];
        foreach (var text in malformed)
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => StreamToken.Parse(text)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new StreamToken()).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new StreamToken(new StreamPosition(1, 1), new StreamPosition(1, 2))).Code);
    }

    [Fact]
    public void Ranges()
    {
        Assert.True(StreamRange.Everything.Contains([]) && StreamRange.Everything.Contains([255, 255]));
        Assert.False(StreamRange.Prefix([255]).HasEnd);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => StreamRange.Between([2], [2])).Code);
        var range = StreamRange.Of(Default, Bytes("b"));
        Assert.True(range.Contains(Key("b")) && range.Contains(Key("bz")));
        Assert.False(range.Contains(Key("a")) || range.Contains(Key("c")) || range.Contains(KeyLayout.Make(new(7, 7), Bytes("b"))));
        Assert.True(range.Overlaps(Key("a"), Key("b0")) && range.Overlaps(Key("bz"), Key("z")) && range.Overlaps(Key("a"), Key("z")));
        Assert.False(range.Overlaps(Key("a"), Key("b")) || range.Overlaps(Key("c"), Key("z")));
    }
}
