using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

/// <summary>One reader beside appends, truncations and releases, parked and moved at any time, against the oracle.</summary>
public sealed class LogReaderTests
{
    static readonly LogOptions Options = LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10 };

    [Theory, Seeds(30)]
    public void A_reader_finds_each_record_wherever_it_rested(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new LogWorld(idle: true, seed: seed);
        using var log = world.Open(Options);
        var streams = new[] { log.OpenStream(1), log.OpenStream(2) };
        var oracles = new[] { new StreamOracle(), new StreamOracle() };
        using var reader = streams[0].OpenReader(1);
        ulong next = 1;
        for (var step = 0; step < 3000; step++)
        {
            var which = random.Next(2);
            var (stream, oracle) = (streams[which], oracles[which]);
            switch (random.Next(100))
            {
                case < 40:
                    var payload = new byte[random.Next(400)];
                    random.Fill(payload);
                    oracle.Append(payload);
                    log.Append(stream, oracle.Last, payload);
                    break;
                case < 42 when oracle.Last >= oracle.First:
                    var from = oracle.First + (ulong)random.Next((long)Math.Min(10, oracle.Last - oracle.First + 1));
                    from = Math.Max(from, oracle.Last - Math.Min(oracle.Last - from, 5));
                    oracle.Truncate(from);
                    stream.TruncateSuffix(from);
                    break;
                case < 43 when oracle.Last > oracle.First:
                    var upTo = oracle.First + (ulong)random.Next((long)(oracle.Last - oracle.First));
                    oracle.Release(upTo);
                    stream.Release(upTo);
                    break;
                case < 55: reader.Park(); break;
                case < 58:
                    next = oracles[0].First + (ulong)random.Next((long)(oracles[0].Last - oracles[0].First) + 3);
                    reader.Seek(next);
                    break;
                default: Move(); break;
            }
        }

        void Move()
        {
            var oracle = oracles[0];
            if (next < oracle.First)
            {
                // It may be inside a run that it entered before the release; parked, it asks the log, and is told so each time.
                reader.Park();
                for (var i = 0; i < 2; i++)
                    Assert.Equal(ErrorCode.Compacted, Assert.Throws<AevumException>(() => reader.MoveNext()).Code);
                reader.Seek(next = oracle.First);
                return;
            }
            Assert.Equal(next <= oracle.Last, reader.MoveNext());
            if (next > oracle.Last) return;
            Assert.Equal(next, reader.Position);
            Assert.True(reader.Payload.SequenceEqual(oracle[next]), $"wrong data at {next}");
            next++;
        }
    }

    [Fact]
    public void A_parked_reader_holds_no_file_back()
    {
        using var world = new LogWorld();
        using var log = world.Open(Options);
        var stream = log.OpenStream(1);
        log.Append(stream, 1, new byte[100]);
        using var reader = stream.OpenReader(1);
        Assert.True(reader.MoveNext());
        reader.Park();
        Assert.True(reader.Payload.IsEmpty);
        for (ulong position = 2; position < 500; position++)
        {
            log.Append(stream, position, new byte[4000]);
            stream.Release(position - 1);
        }
        log.WaitIdle();
        Assert.True(world.Image().Segments.Count() < 5);
        Assert.Equal(ErrorCode.Compacted, Assert.Throws<AevumException>(() => reader.MoveNext()).Code);
    }

    [Fact]
    public void Each_open_writes_in_an_epoch_of_its_own()
    {
        using var world = new LogWorld();
        var epochs = new List<ulong>();
        for (ulong open = 1; open <= 3; open++)
        {
            using var log = world.Open(Options);
            var stream = log.OpenStream(1);
            log.Append(stream, open, [1]);
            using var reader = stream.OpenReader(1);
            epochs.Clear();
            while (reader.MoveNext()) epochs.Add(reader.Epoch);
        }
        Assert.Equal(3, epochs.Distinct().Count());
        Assert.Equal(epochs.Order(), epochs);
    }
}
