// Arbitrary and mangled bytes: whatever lies in a log's directory, opening and inspecting it ends, with data whose CRC held or with an
// error that
// has a code; never with another exception, a hang, or a read outside of the file.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

public sealed class LogFuzzTests
{
    static readonly LogOptions Options = LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10 };

    [Theory, Seeds(20)]
    public void A_record_reads_back_as_it_was_written_and_any_changed_bit_shows(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 50; round++)
        {
            var payload = new byte[random.Next(300)];
            random.Fill(payload);
            var size = (int)RecordFormat.SizeOf(payload.Length);
            Assert.True(size % 8 == 0 && size >= payload.Length + RecordFormat.HeaderBytes);
            var memory = new ulong[(size / 8) + 2];
            var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(memory.AsSpan());
            random.Fill(bytes);
            var before = bytes.ToArray();
            var epoch = random.NextUInt64();
            var salt = RecordFormat.Salt(epoch);
            var offset = (uint)random.Next(1 << 20) * 8;
            var stream = (uint)random.NextUInt64();
            var position = 1 + (random.NextUInt64() & (RecordFormat.PositionMax >> 1));
            var cut = random.Next(payload.Length + 1);
            RecordFormat.Write(
                bytes.Slice(8, size), salt, (uint)epoch, offset, RecordKind.Data, stream, position, payload.AsSpan(0, cut), payload.AsSpan(cut));
            Assert.True(before.AsSpan(0, 8).SequenceEqual(bytes[..8]) && before.AsSpan(8 + size).SequenceEqual(bytes[(8 + size)..]), "it wrote outside");

            var record = bytes.Slice(8, size);
            var header = RecordFormat.ReadHeader(record);
            Assert.Equal((uint)payload.Length, header.Length);
            Assert.Equal(((uint)epoch, stream, position, RecordKind.Data), (header.Epoch, header.Stream, header.Position, header.Kind));
            Assert.True(RecordFormat.IsPlausible(header, (uint)epoch, size) && RecordFormat.IsIntact(record, salt, offset));
            Assert.True(payload.AsSpan().SequenceEqual(record.Slice(RecordFormat.HeaderBytes, payload.Length)));
            Assert.True(record[(RecordFormat.HeaderBytes + payload.Length)..].IndexOfAnyExcept((byte)0) < 0, "the padding is zeros");

            Assert.False(RecordFormat.IsPlausible(header, (uint)epoch, size - 8));
            Assert.False(RecordFormat.IsIntact(record, salt, offset + 8), "the same bytes elsewhere are no record");
            Assert.False(RecordFormat.IsIntact(record, RecordFormat.Salt(epoch + 1), offset), "nor are they one of the next incarnation");
            var flipped = random.Next(size * 8);
            record[flipped / 8] ^= (byte)(1 << (flipped % 8));
            header = RecordFormat.ReadHeader(record);
            Assert.False(RecordFormat.IsPlausible(header, (uint)epoch, size) && RecordFormat.IsIntact(record[..(int)header.Size], salt, offset));
        }
    }

    // The format's own sentence, computed in the plainest way: the page says no more than this.
    [Fact]
    public void The_crc_is_what_the_format_page_says()
    {
        var bytes = new byte[32];
        const ulong Epoch = 0x1122334455667788;
        RecordFormat.Write(bytes, RecordFormat.Salt(Epoch), 0x55667788, 128, RecordKind.Data, 7, 9, default, "abc"u8);
        Span<byte> epoch = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(epoch, Epoch);
        var start = Crc32C.Compute(epoch) ^ 128;
        Assert.Equal(Crc32C.Extend(start, bytes.AsSpan(4)), BinaryPrimitives.ReadUInt32LittleEndian(bytes));
    }

    static LogImage Sound(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new LogWorld(idle: true, seed: seed);
        using var log = world.Open(Options);
        for (var i = 0; i < 120; i++)
        {
            var stream = log.OpenStream((uint)random.Next(1, 4));
            var payload = new byte[random.Next(200)];
            random.Fill(payload);
            log.Append(stream, stream.LastPosition + 1, payload);
            if (random.OneIn(20)) log.SyncNow();
            if (random.OneIn(20)) stream.TruncateSuffix(stream.LastPosition);
            if (random.OneIn(20)) stream.Release(stream.LastPosition / 2);
            if (random.OneIn(60)) log.DropStream(stream);
        }
        return world.Image();
    }

    static void OpenAndInspect(LogImage image, string boot)
    {
        using var world = LogWorld.Restore(image, boot, idle: true);
        var inspection = LogInspector.Inspect(world.Files, LogWorld.Directory, (info, payload) => Assert.Equal(info.PayloadBytes, payload.Length));
        try
        {
            using var log = world.Open(Options);
            Assert.Null(inspection.Refusal);
            foreach (var id in log.StreamIds)
            {
                var stream = log.OpenStream(id);
                Assert.Equal((long)(stream.LastPosition + 1 - stream.FirstPosition), stream.Replay(stream.FirstPosition, (_, _) => { }));
            }
            // It can be written on.
            var any = log.OpenStream(2);
            if (any.LastPosition < CommitLog.PositionMax) log.Append(any, any.LastPosition + 1, [1]);
        }
        catch (AevumException refused)
        {
            Assert.Contains(refused.Code, (ErrorCode[])[ErrorCode.Corruption, ErrorCode.UnsupportedFormat]);
        }
    }

    [Theory, Seeds(40)]
    public void Mangled_logs_open_or_are_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        var sound = Sound(seed);
        for (var round = 0; round < 15; round++)
        {
            var image = sound.Clone();
            var names = image.Files.Keys.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var name = names[random.Next(names.Length)];
                var bytes = image.Files[name];
                switch (random.Next(7))
                {
                    case 0: bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8)); break;
                    case 1: image.Files[name] = bytes[..random.Next(bytes.Length + 1)]; break;
                    case 2: bytes.AsSpan(random.Next(bytes.Length)).Clear(); break;
                    case 3: random.Fill(bytes.AsSpan(random.Next(bytes.Length))); break;
                    case 4: image.Files[names[random.Next(names.Length)]] = (byte[])bytes.Clone(); break;
                    case 5: image.Files.Remove(name); break;
                    case 6:
                        // A stretch of one place at another.
                        var length = random.Next(bytes.Length / 2);
                        bytes.AsSpan(random.Next(bytes.Length - length), length).CopyTo(bytes.AsSpan(random.Next(bytes.Length - length)));
                        break;
                }
                if (image.Files.Count == 0) break;
                names = [.. image.Files.Keys];
                if (names.Length == 0 || image.Files.Values.Any(b => b.Length < 2)) break;
            }
            OpenAndInspect(image, random.OneIn(2) ? "boot 1" : "boot 2");
        }
    }

    // Damage that keeps every CRC right: nonsense that only the meaning of records can refuse.
    [Theory, Seeds(40)]
    public void Records_that_are_whole_and_make_no_sense_open_or_are_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 20; round++)
        {
            var image = new LogImage();
            ulong epoch = 77;
            var segments = random.Next(1, 4);
            for (uint number = 1; number <= segments; number++, epoch++)
            {
                var bytes = new byte[4096];
                new SegmentHeader
                {
                    Number = number,
                    Epoch = epoch,
                    DatabaseId = LogWorld.DatabaseId,
                    Timeline = 1,
                    Boot = random.OneIn(2) ? SegmentHeader.BootOf("boot 1") : 5,
                    PreviousEpoch = number == 1 ? 0 : epoch - 1,
                    PreviousEnd = random.OneIn(3) ? (uint)random.Next(0, 60) * 8 : 0,
                    Capacity = bytes.Length,
                }.Write(bytes);
                uint at = SegmentHeader.Bytes;
                for (var records = random.Next(12); records > 0; records--)
                {
                    var kind = random.OneIn(2) ? RecordKind.Data : (RecordKind)random.Next(0, 8);
                    ulong value = random.Next(4) switch
                    {
                        0 => epoch + 1,
                        1 => (ulong)random.Next(8),
                        2 => ((ulong)number << 32) | 256,
                        _ => random.NextUInt64(),
                    };
                    var position = random.OneIn(8) ? random.NextUInt64() & RecordFormat.PositionMax : (ulong)random.Next(6);
                    var isSmall = kind is RecordKind.Mark or RecordKind.Bounds or RecordKind.Seal;
                    var payload = isSmall ? BitConverter.GetBytes(value) : new byte[random.Next(3)];
                    var isOwn = kind is not (RecordKind.Mark or RecordKind.Seal);
                    var size = (int)RecordFormat.SizeOf(payload.Length);
                    RecordFormat.Write(
                        bytes.AsSpan((int)at, size), RecordFormat.Salt(epoch), (uint)epoch, at, kind,
                        isOwn ? (uint)random.Next(1, 3) : 0, isOwn ? position : 0, default, payload);
                    at += (uint)size;
                }
                image.Files[FilePaths.NameOf(LogFiles.SegmentPath("", number))] = bytes;
            }
            OpenAndInspect(image, "boot 1");
        }
    }

    [Theory, Seeds(10)]
    public void Files_of_anything_are_refused_by_name(ulong seed)
    {
        var random = new SeededRandom(seed);
        var image = new LogImage();
        var bytes = new byte[random.Next(5000)];
        random.Fill(bytes);
        image.Files["0000000001.log"] = bytes;
        image.Files["notes.txt"] = [1, 2, 3];
        image.Files["1.log"] = [1, 2, 3];
        using var world = LogWorld.Restore(image, idle: true);
        Assert.Contains("0000000001.log", Assert.Throws<CorruptionException>(() => world.Open(Options)).Message, StringComparison.Ordinal);
        var inspection = LogInspector.Inspect(world.Files, LogWorld.Directory);
        Assert.NotNull(Assert.Single(inspection.Segments).Problem);
        Assert.NotNull(inspection.Refusal);
    }

    // Every eighth byte claims to begin a record of half the file: the search for later records must not take time squared.
    [Fact]
    public void A_forged_file_full_of_beginnings_is_refused_in_bounded_work()
    {
        var image = Sound(3);
        var name = image.Segments.Last();
        var bytes = new byte[1 << 20];
        image.Files[name].AsSpan(0, SegmentHeader.Bytes).CopyTo(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(80), (ulong)bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Compute(bytes.AsSpan(0, 124)));
        var epoch = (uint)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24));
        // Words of (x, epoch): each is the first half of one record's fields and the second half of another's.
        for (var at = SegmentHeader.Bytes; at + 24 <= bytes.Length; at += 24)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), (ulong)((bytes.Length - at) / 2) << 32);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 8), epoch | (1UL << 32));
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 16), 1UL | ((ulong)RecordKind.Data << 56));
        }
        image.Files[name] = bytes;
        using var world = LogWorld.Restore(image, idle: true);
        Assert.Contains(name, Assert.Throws<CorruptionException>(() => world.Open(Options)).Message, StringComparison.Ordinal);
        Assert.NotNull(LogInspector.Inspect(world.Files, LogWorld.Directory).Refusal);
    }
}
