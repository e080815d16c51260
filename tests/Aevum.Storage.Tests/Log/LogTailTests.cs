// What is left of a log after its files were cut or damaged, at every byte. The oracle is the list of records an undamaged log shows: what
// recovery returns must be the state after some prefix of it, and after which one follows from the stop rules, written here a second
// time in their plain form.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;

namespace Aevum.Storage.Tests.Log;

public sealed class LogTailTests
{
    static readonly LogOptions Options = LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10 };

    sealed record Record(LogRecordInfo Info, byte[] Payload)
    {
        public uint Start => Info.Address.Offset;

        public uint End => (uint)(Info.Address.Offset + RecordFormat.SizeOf(Info.PayloadBytes));

        public uint Segment => Info.Address.Segment;
    }

    static List<Record> RecordsOf(LogImage image)
    {
        var records = new List<Record>();
        var inspection = LogInspector.Inspect(image.ToFiles(), LogWorld.Directory, (info, payload) => records.Add(new Record(info, payload.ToArray())));
        Assert.Null(inspection.Refusal);
        return records;
    }

    static Dictionary<uint, StreamOracle> StateAfter(IEnumerable<Record> records)
    {
        var state = new Dictionary<uint, StreamOracle>();
        foreach (var record in records)
        {
            if (!state.TryGetValue(record.Info.Stream, out var oracle)) oracle = new StreamOracle();
            switch (record.Info.Kind)
            {
                case RecordKind.Data: oracle.Append(record.Payload); break;
                case RecordKind.Truncate: oracle.Truncate(record.Info.Position); break;
                case RecordKind.Bounds: oracle.Release(record.Info.Value - 1); break;
                case RecordKind.Drop: state.Remove(record.Info.Stream); continue;
                default: continue;
            }
            state[record.Info.Stream] = oracle;
        }
        return state;
    }

    static void CheckState(Dictionary<uint, StreamOracle> expected, CommitLog log)
    {
        Assert.Equal(expected.Keys.Order(), log.StreamIds);
        foreach (var (id, oracle) in expected) oracle.Check(log.OpenStream(id));
    }

    // Three streams, a truncation, a release, a sync in the middle (which leaves a mark), an odd and an empty payload.
    static LogImage SmallLog(ulong seed, int records, int payloadMax, bool syncs)
    {
        var random = new SeededRandom(seed);
        using var world = new LogWorld(idle: true, seed: seed);
        var log = world.Open(Options);
        for (var i = 0; i < records; i++)
        {
            var stream = log.OpenStream((uint)random.Next(1, 4));
            var payload = new byte[random.Next(payloadMax)];
            random.Fill(payload);
            log.Append(stream, stream.LastPosition + 1, payload);
            if (i == records / 2) stream.TruncateSuffix(stream.LastPosition);
            if (i == records / 3) stream.Release(stream.FirstPosition);
            if (syncs && i % (records / 3) == 1) log.SyncNow();
        }
        return world.Image();
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("zeros")]
    [InlineData("old records")]
    public void Cutting_the_last_segment_at_every_byte_leaves_exactly_the_whole_records(string how)
    {
        var image = SmallLog(5, 60, 90, syncs: true);
        // What a recycled file holds: another log's valid records at the same offsets, of another epoch.
        var other = SmallLog(6, 60, 90, syncs: true);
        var last = image.Segments.Last();
        var records = RecordsOf(image);
        var inLast = records.Where(r => LogFiles.NumberOf(last) == r.Segment).ToArray();
        var before = records.Count - inLast.Length;
        Assert.True(inLast.Length > 10 && before > 10);

        for (var cut = 0; cut <= inLast[^1].End + 16; cut++)
        {
            var damaged = image.Clone();
            switch (how)
            {
                case "cut": damaged.Files[last] = damaged.Files[last][..cut]; break;
                case "zeros": damaged.Files[last].AsSpan(cut).Clear(); break;
                default: other.Files[last].AsSpan(cut).CopyTo(damaged.Files[last].AsSpan(cut)); break;
            }
            bool IsAsItWas(uint start, uint end) => end <= damaged.Files[last].Length
                && damaged.Files[last].AsSpan((int)start, (int)(end - start)).SequenceEqual(image.Files[last].AsSpan((int)start, (int)(end - start)));

            using var world = LogWorld.Restore(damaged, idle: true);
            if (cut < SegmentHeader.Bytes)
            {
                // Zeros may replace zeros: the header is whole then.
                if (IsAsItWas(0, SegmentHeader.Bytes)) continue;
                Assert.Contains(last, Assert.ThrowsAny<AevumException>(() => world.Open(Options)).Message, StringComparison.Ordinal);
                continue;
            }
            // A record of which only zeros were replaced by zeros is whole.
            var whole = inLast.TakeWhile(r => IsAsItWas(r.Start, r.End)).Count();
            var state = StateAfter(records.Take(before + whole));
            using (var log = world.Open(Options))
            {
                CheckState(state, log);
                if (cut % 5 != 0) continue;
                // The log goes on from there, and the torn rest never comes back.
                var stream = log.OpenStream(2);
                log.Append(stream, stream.LastPosition + 1, "after"u8);
                if (!state.TryGetValue(2, out var oracle)) state[2] = oracle = new StreamOracle();
                oracle.Append("after"u8.ToArray());
            }
            using (var log = world.Open(Options)) CheckState(state, log);
        }
    }

    [Theory]
    [InlineData("boot 1", true, 1)]
    [InlineData("boot 1", false, 3)]
    [InlineData("boot 2", true, 3)]
    [InlineData("", false, 3)]
    public void Flipping_any_byte_is_told_or_cuts_the_tail_and_never_returns_wrong_data(string bootNow, bool syncs, int step)
    {
        var image = SmallLog(9, 300, 60, syncs);
        Assert.True(image.Segments.Count() >= 3);
        var records = RecordsOf(image);
        var lastMark = records.Where(r => r.Info.Kind == RecordKind.Mark).Select(r => r.Info.Value).DefaultIfEmpty().Max();
        var sameBoot = bootNow == "boot 1";
        int told = 0, cuts = 0, untouched = 0;
        // One file system for all flips: neither a refused open nor one without appends writes anything, so undoing the flip is enough.
        using var world = LogWorld.Restore(image, bootNow, idle: true);
        var states = Enumerable.Range(0, records.Count + 1).ToDictionary(n => n, n => StateAfter(records.Take(n)));
        foreach (var name in image.Segments)
        {
            var number = LogFiles.NumberOf(name);
            var bytes = image.Files[name];
            using var file = world.Memory.OpenRegion(FilePaths.Combine(LogWorld.Directory, name));
            for (var at = 0; at < bytes.Length; at += step)
            {
                var index = records.FindIndex(r => r.Segment == number && at >= r.Start && at < r.End);
                // The unused rest is the same everywhere: look at some of it.
                if (index < 0 && at >= SegmentHeader.Bytes && at % 64 >= step) continue;
                file.GetSpan(at, 1)[0] ^= (byte)(1 << (at % 8));

                var mustRefuse = at < SegmentHeader.Bytes
                    || (index >= 0 && (lastMark > records[index].Info.Address.Value || (sameBoot && index < records.Count - 1)));
                if (mustRefuse)
                {
                    Assert.Contains(name, Assert.ThrowsAny<AevumException>(() => world.Open(Options)).Message, StringComparison.Ordinal);
                    told++;
                }
                else
                {
                    using var log = world.Open(Options);
                    CheckState(states[index < 0 ? records.Count : index], log);
                    if (index < 0) untouched++;
                    else cuts++;
                    if (index >= 0) Assert.True(log.Recovery.CutBytes > 0 || at - records[index].Start is >= 8 and < 12, "what was cut is counted");
                }
                file.GetSpan(at, 1)[0] = bytes[at];
            }
        }
        Assert.Equal(image.Files, world.Image().Files);
        Assert.True(told > 0 && untouched > 0 && cuts > 0);
    }

    [Fact]
    public void A_cut_log_survives_any_number_of_openings_and_keeps_what_came_after()
    {
        var image = SmallLog(5, 60, 90, syncs: false);
        var records = RecordsOf(image);
        // Damage in the middle, forgiven because the machine has restarted since.
        var middle = records[records.Count / 2];
        image.Files[image.Segments.First(n => LogFiles.NumberOf(n) == middle.Segment)][middle.Start + 1] ^= 1;
        var state = StateAfter(records.Take(records.Count / 2));
        using var world = LogWorld.Restore(image, "boot 2", idle: true);
        for (var round = 0; round < 5; round++)
        {
            using var log = world.Open(Options);
            Assert.Equal(round == 0, log.Recovery.CutBytes > 100);
            CheckState(state, log);
            var stream = log.OpenStream(1);
            log.Append(stream, stream.LastPosition + 1, BitConverter.GetBytes(round));
            state[1].Append(BitConverter.GetBytes(round));
        }
        using (var log = world.Open(Options)) CheckState(state, log);
        // Once more damaged where it was cut the first time: now a recovery of this boot has read everything before.
        var again = world.Image();
        var records2 = RecordsOf(again).Where(r => r.Segment == middle.Segment && r.Start < middle.Start).ToArray();
        again.Files[again.Segments.First(n => LogFiles.NumberOf(n) == middle.Segment)][records2[^1].Start + 3] ^= 1;
        using var damaged = LogWorld.Restore(again, "boot 2", idle: true);
        Assert.Throws<CorruptionException>(() => damaged.Open(Options));
    }

    [Fact]
    public void A_missing_segment_is_named()
    {
        var image = SmallLog(9, 300, 60, syncs: false);
        var names = image.Segments.ToArray();
        Assert.True(names.Length >= 3);
        foreach (var missing in names)
        {
            var damaged = image.Clone();
            damaged.Files.Remove(missing);
            using var world = LogWorld.Restore(damaged, idle: true);
            if (missing == names[0]) continue;   // a log may begin anywhere: its owner sees that a position is gone
            Assert.Contains(missing, Assert.Throws<CorruptionException>(() => world.Open(Options)).Message, StringComparison.Ordinal);
        }
    }
}
