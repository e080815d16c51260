// HyperLogLogs: both encodings against plain registers, the estimate against its statistics, values that came from somewhere else, and the number that
// is kept in the value. What commands answer word for word is in testdata/transcripts/hyperloglogs.txt.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.HyperLogLogs;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class HyperLogLogTests
{
    [Theory, Seeds(10)]
    public void Registers_come_back_from_both_encodings(ulong seed)
    {
        var random = new SeededRandom(seed);
        var registers = new byte[HyperLogLog.Registers];
        var dense = new byte[DenseRegisters.Bytes];
        var value = new byte[HyperLogLog.DenseBytes];
        for (var round = 0; round < 15; round++)
        {
            var rankMax = random.OneIn(3) ? Ranks.Max : SparseRegisters.RankMax;
            for (var n = random.Next(random.OneIn(3) ? 3000 : 30); n > 0; n--)
            {
                var (register, rank) = (random.Next(registers.Length), (byte)random.Next(rankMax + 1));
                for (var run = random.OneIn(4) ? random.Next(9) : 1; run > 0 && register < registers.Length; run--, register++)
                {
                    registers[register] = rank;
                    DenseRegisters.Set(dense, register, rank);
                }
            }
            for (var i = 0; i < registers.Length; i++) Assert.Equal(registers[i], DenseRegisters.Get(dense, i));
            var again = new byte[registers.Length];
            DenseRegisters.Unpack(dense, again);
            Assert.Equal(registers, again);

            var length = HyperLogLog.Write(registers, mayBeSparse: true, value);
            again.AsSpan().Clear();
            var bytes = value.AsSpan(HyperLogLog.HeaderBytes, length - HyperLogLog.HeaderBytes);
            if (HyperLogLog.IsDense(value))
            {
                Assert.Equal(dense, bytes);
                DenseRegisters.Merge(bytes, again);
            }
            else
            {
                Assert.InRange(length, HyperLogLog.HeaderBytes + 2, HyperLogLog.SparseBytesMax);
                Assert.True(SparseRegisters.TryMerge(bytes, again));
                Assert.False(SparseRegisters.TryMerge(bytes[..^1], again.ToArray()), "a run is missing");
            }
            Assert.Equal(registers, again);

            // Merging keeps the greater of both.
            var more = Enumerable.Range(0, registers.Length).Select(_ => (byte)random.Next(4)).ToArray();
            var merged = more.ToArray();
            if (HyperLogLog.IsDense(value)) DenseRegisters.Merge(bytes, merged);
            else Assert.True(SparseRegisters.TryMerge(bytes, merged));
            Assert.Equal(registers.Zip(more, Math.Max), merged);
            if (random.OneIn(3))
            {
                registers.AsSpan().Clear();
                dense.AsSpan().Clear();
            }
        }
    }

    // The estimate of n different things deviates by 1.04 / sqrt(16384) of n, 0.81 %, once there are many; of few it knows better. Over K runs the root
    // of the mean square deviates from that by 1 / sqrt(2K) of itself, and the mean by 1 / sqrt(K): held to 4.5 of those.
    [Theory]
    [InlineData(10, 300, true)]
    [InlineData(300, 300, true)]
    [InlineData(3_000, 300, true)]
    [InlineData(60_000, 200, false)]
    [InlineData(200_000, 100, false)]
    public void Estimates_deviate_as_the_theory_says(int things, int runs, bool isFew)
    {
        const double Sigma = 1.04 / 128;
        var (sum, squares) = (0.0, 0.0);
        var registers = new byte[HyperLogLog.Registers];
        Span<byte> thing = stackalloc byte[16];
        for (var run = 0; run < runs; run++)
        {
            registers.AsSpan().Clear();
            BinaryPrimitives.WriteInt64LittleEndian(thing, run);
            for (var i = 0; i < things; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(thing[8..], i);
                var (register, rank) = Ranks.Of(thing);
                registers[register] = Math.Max(registers[register], rank);
            }
            var error = ((double)CardinalityEstimator.Estimate(registers) / things) - 1;
            sum += error;
            squares += error * error;
        }
        var root = Math.Sqrt(squares / runs);
        Assert.InRange(sum / runs, -4.5 * Sigma / Math.Sqrt(runs), 4.5 * Sigma / Math.Sqrt(runs));
        Assert.InRange(root, isFew ? 0 : Sigma * (1 - (4.5 / Math.Sqrt(2 * runs))), Sigma * (1 + (4.5 / Math.Sqrt(2 * runs))));
    }

    [Fact]
    public void Registers_that_are_all_full_or_empty_have_an_estimate()
    {
        var registers = new byte[HyperLogLog.Registers];
        Assert.Equal(0, CardinalityEstimator.Estimate(registers));
        registers.AsSpan().Fill(Ranks.Max);
        Assert.Equal(long.MaxValue, CardinalityEstimator.Estimate(registers));
        registers.AsSpan().Fill(63);   // no hash gives it, bytes from elsewhere may
        _ = CardinalityEstimator.Estimate(registers);
    }

    [Fact]
    public void It_becomes_dense_and_its_number_is_kept_until_it_changes()
    {
        using var world = new RespWorld();
        for (var n = 0; n < 6000; n += 100)
        {
            world.Ask(["PFADD", "h", .. Enumerable.Range(n, 100).Select(i => $"thing {i}")]);
            var count = long.Parse(world.Ask("PFCOUNT h"), CultureInfo.InvariantCulture);
            Assert.InRange(count, 0.95 * (n + 100), 1.05 * (n + 100));
            Assert.Equal(n < 900 ? "sparse" : n > 2500 ? "dense" : world.Ask("PFDEBUG ENCODING h"), world.Ask("PFDEBUG ENCODING h"));
        }
        Assert.Equal("12304", world.Ask("STRLEN h"));
        var kept = world.Ask("PFCOUNT h");
        var position = world.Position;
        Assert.Equal(kept, world.Ask("PFCOUNT h"));
        Assert.Equal(kept, world.Ask("PFCOUNT h nothing"));
        Assert.Equal(position, world.Position);   // what is kept is read
        Assert.Equal("0", world.Ask("PFADD", "h", "thing 1"));
        Assert.Equal(kept, world.Ask("PFCOUNT h"));
        Assert.Equal("\0", world.Ask("GETRANGE h 15 15"));
        Assert.Equal("1", world.Ask(["PFADD", "h", .. Enumerable.Range(0, 9000).Select(i => $"other {i}")]));
        Assert.Equal("\u0080", world.Ask("GETRANGE h 15 15"));
        Assert.InRange(long.Parse(world.Ask("PFCOUNT h"), CultureInfo.InvariantCulture), 14_250, 15_750);
        Assert.Equal("OK", world.Ask("PFSELFTEST"));
    }

    [Fact]
    public void It_is_counted_in_a_transaction_behind_writes_and_in_the_past()
    {
        using var world = new RespWorld();
        world.Ask("MULTI");
        foreach (var request in (string[])["PFADD h a b c", "PFCOUNT h", "PFADD h d", "PFMERGE g h nothing", "PFCOUNT g h", "PFCOUNT g"])
            Assert.Equal("QUEUED", world.Ask(request));
        Assert.Equal("[1, 3, 1, OK, 4, 4]", world.Ask("EXEC"));
        world.First.Receive("PFADD p a b\r\nPFCOUNT p\r\nPFADD p c\r\nPFCOUNT p\r\n"u8);
        Assert.Equal("1 2 1 3", ReplyText.Of(world.First.Take()));
        world.Ask("PFADD h e");
        world.First.Client.Moment = world.Database.Clock.Now;
        Assert.Equal("5", world.Ask("PFCOUNT h"));
        Assert.Equal("5", world.Ask("PFCOUNT h"));
        Assert.StartsWith("(error) ERR this connection reads as of a moment of the past", world.Ask("PFADD h x"), StringComparison.Ordinal);
        world.Ask("MULTI");
        world.Ask("PFCOUNT h");
        Assert.Equal("[5]", world.Ask("EXEC"));
    }

    [Fact]
    public void Its_expiry_is_kept()
    {
        using var world = new RespWorld();
        world.Ask("PFADD h a");
        world.Ask("PEXPIRE h 1000");
        world.Ask("PFADD h b");
        world.Ask("PFCOUNT h");
        world.Ask("PFDEBUG TODENSE h");
        world.Ask("PFADD h c");
        world.Ask("PFMERGE h other");
        world.Pass(TimeSpan.FromMilliseconds(900));
        Assert.Equal("3", world.Ask("PFCOUNT h"));
        world.Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal("0", world.Ask("PFCOUNT h"));
        Assert.Equal("0", world.Ask("EXISTS h"));
    }

    [Theory, Seeds(6)]
    public void Any_damage_is_answered(ulong seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom(seed);
        for (var round = 0; round < 12; round++)
        {
            world.Ask("DEL h");
            for (var n = random.Next(random.OneIn(4) ? 40 : 3); n >= 0; n--)
                world.Ask(["PFADD", "h", .. Enumerable.Range(0, random.Next(80)).Select(i => $"{round} {n} {i}")]);
            if (random.OneIn(3)) world.Ask("PFDEBUG TODENSE h");
            for (var n = 1 + random.Next(3); n > 0; n--)
            {
                var length = int.Parse(world.Ask("STRLEN h"), CultureInfo.InvariantCulture);
                var at = random.OneIn(3) ? random.Next(16) : random.Next(length + 2);
                world.Ask("SETRANGE", "h", $"{at}", Encoding.Latin1.GetString([(byte)random.Next(256)]));
            }
            foreach (var request in (string[])["PFCOUNT h", "PFCOUNT h g", "PFDEBUG DECODE h", "PFMERGE g h", "PFADD h x", "PFDEBUG GETREG h", "PFCOUNT g"])
            {
                var reply = world.Ask(request);
                if (reply.StartsWith("(error)", StringComparison.Ordinal)) Assert.Matches("WRONGTYPE|INVALIDOBJ|not sparse", reply);
            }
        }
    }

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(4)]
    public void Values_go_to_Redis_and_come_from_it(ulong seed)
    {
        using var world = new RespWorld();
        using var redis = new RealRedis();
        var random = new SeededRandom(seed);
        foreach (var things in (int[])[0, 1, 5, 100, 700, 3000, 20_000])
        {
            world.Ask("DEL h");
            redis.Ask("DEL h");
            var salt = random.NextUInt64();
            for (var at = 0; at <= things; at += 500)
            {
                string[] words = ["PFADD", "h", .. Enumerable.Range(at, Math.Min(500, things - at)).Select(i => $"{salt} {i}")];
                world.Ask(words);
                redis.Ask(TestChannel.Request(words));
            }
            var count = world.Ask("PFCOUNT h");
            Assert.Equal(count, ReplyText.Of(redis.Ask("PFCOUNT h")));
            var (mine, its) = (world.Ask("GET h"), ReplyText.Of(redis.Ask("GET h")));
            if (things is 0 or 20_000) Assert.Equal(its, mine);   // the runs of sparse ones may be cut otherwise
            world.Ask("SET", "its", its);
            redis.Ask(TestChannel.Request("SET", "mine", mine));
            Assert.Equal(world.Ask("PFDEBUG GETREG h"), ReplyText.Of(redis.Ask("PFDEBUG GETREG mine")));
            Assert.Equal(world.Ask("PFDEBUG GETREG its"), ReplyText.Of(redis.Ask("PFDEBUG GETREG h")));
            Assert.Equal(count, world.Ask("PFCOUNT its"));
            Assert.Equal(count, world.Ask("PFCOUNT its h"));
            Assert.Equal(count, ReplyText.Of(redis.Ask("PFCOUNT mine")));
            Assert.Equal(count, ReplyText.Of(redis.Ask("PFCOUNT mine h")));
            world.Ask("PFADD its more");
            redis.Ask("PFADD mine more");
            Assert.Equal(world.Ask("PFCOUNT its"), ReplyText.Of(redis.Ask("PFCOUNT mine")));
        }
    }
}
