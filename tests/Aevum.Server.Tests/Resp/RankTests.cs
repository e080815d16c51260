using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Commands.SortedSets.Ranks;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Tests.Resp;

/// <summary>Ranks in large sorted sets, by the index and beside what counts them.</summary>
public sealed class RankTests
{
    // ------------------------------------------------------------------------------------------------ the index alone

    static byte[] Order(int number)
    {
        var order = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(order, number);
        return order;
    }

    sealed class Model
    {
        public Dictionary<SystemTime, SortedSet<int>> States { get; } = [];

        public void Check(RankIndex index, SystemTime version, int probe)
        {
            var state = States[version];
            Assert.True(index.Knows(version));
            Assert.True(index.TryFind(version, Order(probe), out var block));
            CheckBlock(state, block);
            Assert.True(block.First.AsSpan().SequenceCompareTo(Order(probe)) <= 0);
            Assert.True(block.Next is null || block.Next.AsSpan().SequenceCompareTo(Order(probe)) > 0);
            if (state.Count == 0) return;
            var rank = probe % state.Count;
            Assert.True(index.TryFind(version, (long)rank, out block));
            CheckBlock(state, block);
            Assert.InRange(rank, block.Before, block.Before + block.Count - 1);
        }

        static void CheckBlock(SortedSet<int> state, RankBlock block)
        {
            Assert.Equal(state.Count(e => Order(e).AsSpan().SequenceCompareTo(block.First) < 0), block.Before);
            Assert.Equal(state.Count(e => Order(e).AsSpan().SequenceCompareTo(block.First) >= 0
                && (block.Next is null || Order(e).AsSpan().SequenceCompareTo(block.Next) < 0)), block.Count);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Blocks_are_counted_at_every_version_that_is_known(int seed)
    {
        var random = new SeededRandom((ulong)seed);
        var model = new Model();
        var state = new SortedSet<int>(Enumerable.Range(0, random.Next(500)).Select(_ => random.Next(2000)));
        var index = new RankIndex([1], 2);
        var version = new SystemTime(100);
        index.Tell(new SystemTime(50), new SystemTime(100), Order(1), 1);   // while it was built
        var (firsts, counts) = Cut(state, 16);
        index.Build(version, firsts, counts);
        model.States[version] = [.. state];
        var recent = new List<SystemTime> { version };
        for (var batch = 0; batch < 150; batch++)
        {
            var next = new SystemTime(version.Value + (ulong)random.Next(1, 5));
            var fails = random.OneIn(10);   // a batch that comes to nothing
            var copy = new SortedSet<int>(state);
            index.Tell(version, next, default, 0);
            for (var i = random.Next(random.OneIn(10) ? 100 : 4); i > 0; i--)
            {
                var element = random.Next(2000);
                index.Tell(i % 2 == 0 ? version : next, next, Order(element), copy.Add(element) ? 1 : copy.Remove(element) ? -1 : 0);
            }
            model.States[next] = copy;
            if (random.OneIn(3)) model.Check(index, next, random.Next(2000));   // within the batch
            if (fails)
            {
                version = new SystemTime(version.Value);
                // Its time is over; nobody sees what it wrote.
                index.Untell(next);
                continue;
            }
            (state, version) = (copy, next);
            recent.Add(version);
            model.Check(index, version, random.Next(2000));
            if (recent.Count > 1 && index.Knows(recent[^2])) model.Check(index, recent[^2], random.Next(2000));
            if (random.OneIn(5) && index.TryFind(version, Order(random.Next(2000)), out var block)) Split(index, version, state, block);
        }
        Assert.False(index.Knows(new SystemTime(version.Value + 1)));
        Assert.False(index.Knows(new SystemTime(99)));
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    static (List<byte[]> Firsts, List<int> Counts) Cut(IEnumerable<int> elements, int size)
    {
        var (firsts, counts) = (new List<byte[]>(), new List<int>());
        foreach (var part in elements.Chunk(size))
        {
            firsts.Add(Order(part[0]));
            counts.Add(part.Length);
        }
        return (firsts, counts);
    }

    static void Split(RankIndex index, SystemTime version, SortedSet<int> state, RankBlock block)
    {
        var (firsts, counts) = Cut(state.Where(e => Order(e).AsSpan().SequenceCompareTo(block.First) >= 0
            && (block.Next is null || Order(e).AsSpan().SequenceCompareTo(block.Next) < 0)), 4);
        if (firsts.Count > 0) index.Split(version, block, firsts, counts);
    }

    [Fact]
    public void A_block_that_two_cut_at_once_is_cut_once()
    {
        var state = new SortedSet<int>(Enumerable.Range(0, 100));
        var model = new Model { States = { [new SystemTime(1)] = state } };
        var index = new RankIndex([1], 2);
        var (firsts, counts) = Cut(state, 100);
        index.Build(new SystemTime(1), firsts, counts);
        Assert.True(index.TryFind(new SystemTime(1), Order(50), out var block));
        for (var i = 0; i < 2; i++) Split(index, new SystemTime(1), state, block);   // both had found it whole
        for (var probe = 0; probe < 100; probe++) model.Check(index, new SystemTime(1), probe);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(20_000_000)]
    [InlineData(4_000_000_000)]
    public void A_block_as_it_is_made_is_not_worth_being_cut(long count) => Assert.InRange(RankIndex.BlockOf(count), 1, RankIndex.BlockMaxOf(count) / 2);

    [Fact]
    public void An_index_that_nobody_asks_any_more_is_worn()
    {
        var index = new RankIndex([1], 2);
        index.Build(new SystemTime(1), [], []);
        for (var i = 0; i < 20_000; i++) index.Tell(new SystemTime((ulong)i + 1), new SystemTime((ulong)i + 2), Order(i), 1);
        Assert.True(index.IsWorn);
    }

    [Fact]
    public void Changes_of_long_members_wear_an_index_sooner_unless_they_go_into_its_blocks()
    {
        var index = new RankIndex([1], 2);
        index.Build(new SystemTime(1), [], []);
        var order = new byte[100_000];
        var version = new SystemTime(1);
        for (var i = 0; i < 200; i++)
        {
            var next = new SystemTime(version.Value + 1);
            BinaryPrimitives.WriteInt32BigEndian(order, i);
            index.Tell(version, next, order, 1);
            version = next;
            if (i == 30) Assert.False(index.IsWorn);
        }
        Assert.True(index.IsWorn);

        index = new RankIndex([1], 2);
        index.Build(new SystemTime(1), [], []);
        version = new SystemTime(1);
        for (var i = 0; i < 2000; i++)
        {
            var next = new SystemTime(version.Value + 1);
            index.Tell(version, next, order.AsSpan(0, 10_000), i % 2 == 0 ? 1 : -1);
            version = next;
            Assert.True(index.TryFind(version, order, out _));
        }
        Assert.False(index.IsWorn);   // 20 MB told, a part of it outside
    }

    // ------------------------------------------------------------------------------------------------ through the door

    [Theory]
    [MemberData(nameof(Few))]
    public void Ranks_are_those_that_counting_gives_whatever_happens_to_the_set(int seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom((ulong)seed);
        var other = world.Connect(world.AddLoop());
        var scores = new Dictionary<string, int>();
        for (var from = 0; from < 4000; from += 500)
        {
            var words = new List<string> { "ZADD", "z" };
            for (var i = from; i < from + 500; i++)
            {
                scores[$"m{i}"] = random.Next(2000);
                words.AddRange([scores[$"m{i}"].ToString(CultureInfo.InvariantCulture), $"m{i}"]);
            }
            world.Ask([.. words]);
        }
        var key = "z";
        for (var round = 0; round < 60; round++)
        {
            var client = random.OneIn(2) ? world.First : other;
            for (var i = random.Next(30); i > 0; i--)
            {
                var member = $"m{random.Next(5000)}";
                if (random.OneIn(3))
                {
                    client.Receive(TestChannel.Request("ZREM", key, member));
                    scores.Remove(member);
                }
                else
                {
                    var score = random.OneIn(3) ? 3000 + round : random.Next(2000);   // many come at the end
                    client.Receive(TestChannel.Request("ZADD", key, $"{score}", member));
                    scores[member] = score;
                }
            }
            client.Take();
            switch (random.Next(8))
            {
                case 0:
                    client.Ask($"EXPIRE {key} 1000");
                    break;
                case 1:
                    client.Ask($"RENAME {key} {(key == "z" ? "y" : "z")}");
                    key = key == "z" ? "y" : "z";
                    break;
                case 2:
                    var sorted = Sorted(scores);
                    var at = random.Next(sorted.Count - 3);
                    Assert.Equal("3", client.Ask($"ZREMRANGEBYRANK {key} {at} {at + 2}"));
                    foreach (var gone in sorted.GetRange(at, 3)) scores.Remove(gone.Key);
                    break;
                case 3:
                    client.Ask("MULTI");
                    client.Ask($"ZADD {key} 77 inside");
                    scores["inside"] = 77;
                    var expected = Sorted(scores);
                    client.Ask($"ZRANK {key} inside");
                    client.Ask($"ZRANGE {key} 1800 1801");
                    Assert.Contains($"{expected.FindIndex(e => e.Key == "inside")}, [{expected[1800].Key}, {expected[1801].Key}]]", client.Ask("EXEC"),
                        StringComparison.Ordinal);
                    break;
            }
            Check(world, random.OneIn(2) ? world.First : other, key, scores, random);
        }
        Assert.NotNull(world.Server.Surroundings.Ranks);
        Assert.True(world.Server.Surroundings.Ranks.IsInUse);
        StructureChecker.Check(world);
    }

    public static TheoryData<int> Few => [1, 2, 3];

    static List<KeyValuePair<string, int>> Sorted(Dictionary<string, int> scores) =>
        [.. scores.OrderBy(s => s.Value).ThenBy(s => s.Key, StringComparer.Ordinal)];

    static void Check(RespWorld world, TestChannel client, string key, Dictionary<string, int> scores, SeededRandom random)
    {
        var sorted = Sorted(scores);
        for (var i = 0; i < 3; i++)
        {
            var at = random.Next(sorted.Count);
            Assert.Equal($"{at}", client.Ask($"ZRANK {key} {sorted[at].Key}"));
            Assert.Equal($"{sorted.Count - 1 - at}", client.Ask($"ZREVRANK {key} {sorted[at].Key}"));
            var stop = Math.Min(sorted.Count - 1, at + 3);
            Assert.Equal($"[{string.Join(", ", sorted[at..(stop + 1)].Select(e => e.Key))}]", client.Ask($"ZRANGE {key} {at} {stop}"));
            Assert.Equal($"[{string.Join(", ", sorted[at..(stop + 1)].Select(e => e.Key).Reverse())}]",
                client.Ask($"ZREVRANGE {key} {sorted.Count - 1 - stop} {sorted.Count - 1 - at}"));
            var (low, high) = (random.Next(2000), random.Next(2000));
            Assert.Equal($"{sorted.Count(e => e.Value > low && e.Value <= high)}", client.Ask($"ZCOUNT {key} ({low} {high}"));
        }
        Assert.Equal("(nil)", client.Ask($"ZRANK {key} nobody"));
        _ = world;
    }

    [Theory]
    [InlineData("5")]
    [InlineData("0")]
    [InlineData("inf")]
    [InlineData("-inf")]
    public void Members_of_one_score_are_counted_by_the_index_too(string score)
    {
        using var world = new RespWorld();
        for (var from = 0; from < 3000; from += 500)
            world.Ask(["ZADD", "z", .. Enumerable.Range(from, 500).SelectMany(i => new[] { score, $"m{i:0000}" })]);
        foreach (var (range, count) in new (string, int)[]
        {
            ("- +", 3000), ("[m0100 [m2999", 2900), ("(m0100 [m2999", 2899), ("[m0100 (m2999", 2899), ("(m0100 (m2999", 2898), ("- [m0100", 101),
            ("- (m0100", 100), ("(m2900 +", 99), ("[n +", 0), ("+ -", 0), ("[m0100 [m0100", 1), ("[m2 (m3", 1000),
        })
            Assert.Equal($"{count}", world.Ask($"ZLEXCOUNT z {range}"));
        if (score == "-inf") return;
        world.Ask("ZADD z -1 m0000");
        Assert.Equal("2999", world.Ask("ZLEXCOUNT z [m0001 +"));
    }

    [Fact]
    public void What_is_gone_or_made_anew_under_the_key_has_ranks_of_its_own()
    {
        using var world = new RespWorld();
        void Fill(int sign)
        {
            for (var from = 0; from < 3000; from += 500)
                world.Ask(["ZADD", "z", .. Enumerable.Range(from, 500).SelectMany(i => new[] { $"{sign * i}", $"m{i}" })]);
        }
        Fill(1);
        Assert.Equal("1500", world.Ask("ZRANK z m1500"));
        world.Ask("DEL z");
        Fill(-1);
        Assert.Equal("1400", world.Ask("ZRANK z m1599"));
        world.Ask("AEVUM.RETENTION forever");
        world.Ask("ZADD z -10000 first");
        Assert.Equal("1401", world.Ask("ZRANK z m1599"));
        world.Ask("ZREM z first");
        var version = world.Ask("AEVUM.GETV z").Split(',')[0].Trim('[');
        world.Ask("ZADD z -10000 first");
        Assert.Equal("1401", world.Ask("ZRANK z m1599"));
        Assert.Equal(version, world.Ask($"AEVUM.ASOF {version}"));
        Assert.Equal("1400", world.Ask("ZRANK z m1599"));
        world.Ask("AEVUM.ASOF NOW");
        Assert.Equal("1401", world.Ask("ZRANK z m1599"));
    }

    [Theory]
    [InlineData(3000, "ZRANK z m1500", "(nil)")]
    [InlineData(3000, "ZREVRANK z m1500", "(nil)")]
    [InlineData(3000, "ZCOUNT z 700 1500", "0")]
    [InlineData(500, "ZRANK z m250", "(nil)")]     // counted without an index
    [InlineData(500, "ZREVRANK z m250", "(nil)")]
    public void What_is_read_beside_its_deletion_is_not_counted_from_what_is_left(int members, string request, string expected)
    {
        using var world = new RespWorld();
        for (var from = 0; from < members; from += 500)
            world.Ask(["ZADD", "z", .. Enumerable.Range(from, 500).SelectMany(i => new[] { $"{i}", $"m{i}" })]);
        world.Ask($"ZRANK z m{members / 2}");   // the large one has an index now
        var beside = new Thread(() =>
        {
            world.Ask("DEL z");
            world.Pass(TimeSpan.FromSeconds(3));   // and collected
        });
        var rows = new Interrupted(new ViewReader(world.Database.Router) { Time = world.Database.Clock.Now }, () =>
        {
            beside.Start();
            beside.Join();
            Assert.Equal(0, RowCounter.Elements(world));
        });
        Assert.Equal(expected, AskOver(world, rows, request));
        Assert.True(rows.WasInterrupted);
    }

    // Runs a command that reads, over rows that are somebody's own.
    static string AskOver(RespWorld world, IRowReader rows, string request)
    {
        var (call, reply) = (new DataCall { Surroundings = world.Server.Surroundings }, new ReplyWriter());
        var parser = new RequestParser();
        var bytes = Encoding.ASCII.GetBytes(request + "\r\n");
        Assert.Equal(ParseStatus.Done, parser.Read(bytes, out _));
        call.Begin(rows, null, world.Server.Databases.IdOf(0), reply);
        world.Server.Commands.Find(parser.Arguments(bytes)[0])!.Data!.Run(call, parser.Arguments(bytes));
        return ReplyText.Of(reply.Written.ToArray());
    }

    // Something happens before the first scan.
    sealed class Interrupted(ViewReader reader, Action act) : IRowReader
    {
        public bool WasInterrupted { get; private set; }

        public SystemTime Time => reader.Time;

        public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value) => reader.TryRead(key, out value);

        public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false)
        {
            if (!WasInterrupted) act();
            WasInterrupted = true;
            reader.Scan(start, end, visitor, descending);
        }
    }

    [Fact]
    public void A_writer_that_tells_nobody_is_found_out()
    {
        using var world = new RespWorld();
        for (var from = 0; from < 3000; from += 500)
            world.Ask(["ZADD", "z", .. Enumerable.Range(from, 500).SelectMany(i => new[] { $"{i}", $"m{i}" })]);
        Assert.Equal("1500", world.Ask("ZRANK z m1500"));
        using var server = new Server.Resp.RespServer(world.Database, world.Scheduler);   // another one over the same database
        var other = new TestChannel(world, server, world.Loop);
        other.Ask("ZADD z -1 before");
        Assert.Equal("1501", world.Ask("ZRANK z m1500"));
        world.Ask("ZADD z -2 before2");
        Assert.Equal("1502", other.Ask("ZRANK z m1500"));
        Assert.Equal("1502", world.Ask("ZRANK z m1500"));
    }
}
