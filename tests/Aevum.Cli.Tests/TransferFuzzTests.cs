// The readers of import, against any bytes: what comes out is a row, a header or a BadRowException, and lines are cut as a plain split cuts them.

using System.Buffers;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Cli.Transfer;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed class TransferFuzzTests
{
    [Theory, Seeds(20)]
    public void Lines_are_those_of_a_plain_split_however_the_stream_hands_them_out(ulong seed)
    {
        var random = new SeededRandom(seed);
        var bytes = new byte[random.Next(200_000)];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = random.OneIn(random.OneIn(50) ? 2 : 30) ? (byte)'\n' : (byte)random.Next(10, 20);
        var max = random.OneIn(2) ? 20 : 1 << 20;
        var text = Encoding.Latin1.GetString(bytes);
        var expected = text.Split('\n').ToList();
        if (expected[^1].Length == 0) expected.RemoveAt(expected.Count - 1);
        var lines = new ByteLines(new Trickle(bytes, random), max);
        var number = 0;
        while (lines.TryRead(out var line, out var isTooLong))
        {
            // A carriage return belongs to the end of a line that a line feed ends.
            var whole = expected[number++];
            var isLast = number == expected.Count && !text.EndsWith('\n');
            if (!isLast && whole.EndsWith('\r')) whole = whole[..^1];
            Assert.Equal(number, lines.Number);
            Assert.Equal(whole.Length > max, isTooLong);
            Assert.Equal(isTooLong ? "" : whole, Encoding.Latin1.GetString(line));
        }
        Assert.Equal(expected.Count, number);
        Assert.Equal(bytes.Length, lines.Bytes);
    }

    [Theory, Seeds(20)]
    public void Any_bytes_are_a_header_a_row_or_a_bad_row(ulong seed)
    {
        var random = new SeededRandom(seed);
        byte[] header =
        [
            .. """{"aevum":"export","format":1,"database":"fa0c0000-0000-0000-0000-000000000000","namespace":"n","keyspace":"k","""u8,
            .. """ "kind":"history","as_of":"1830043","prefix":"p","history_floor":"17","options":{"history":"9.00:00:00","""u8,
            .. """ "compression":"lz4","merge_operator":"append","default_time_to_live":"2.00:00:00"}}"""u8,
        ];
        Assert.Equal(("n", "k"), (ExportHeader.TryRead(header)!.Namespace, ExportHeader.TryRead(header)!.Keyspace));
        for (var round = 0; round < 300; round++)
        {
            var line = header.ToArray();
            for (var i = random.Next(4); i >= 0; i--)
            {
                var at = random.Next(line.Length);
                if (random.OneIn(2)) line[at] = (byte)random.Next(256);
                else line = [.. line[..at], .. line[Math.Min(line.Length, at + random.Next(20))..], .. random.OneIn(4) ? line[..at] : []];
                if (line.Length == 0) break;
            }
            try
            {
                ExportHeader.TryRead(line);
            }
            catch (BadRowException)
            {
            }
        }
    }

    [Theory, Seeds(40)]
    public void Any_bytes_are_a_row_or_a_bad_row(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 300; round++)
        {
            var line = Line(random);
            foreach (var read in (RowReader[])[l => RowTsv.Read(l, hex: true), l => RowTsv.Read(l, hex: false), RowJson.Read])
                try
                {
                    if (read(line) is { } row) Assert.NotNull(row.Key);
                }
                catch (BadRowException)
                {
                }
        }
    }

    [Theory, Seeds(20)]
    public void Every_row_survives_being_written_and_read(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 200; round++)
        {
            var row = MakeRow(random);
            var target = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(target, JsonOptions.Lines)) RowJson.Write(json, row);
            Assert.DoesNotContain((byte)'\n', target.WrittenSpan.ToArray());
            var back = RowJson.Read(target.WrittenSpan)!;
            Assert.Equal(row.Key, back.Key);
            Assert.Equal(row.Value, back.Value);
            Assert.Equal((row.Change, row.Time, row.Expiry, row.Note), (back.Change, back.Time, back.Expiry, back.Note));

            // The plain way to escape, against the reader of TSV.
            byte[] tsv = [.. Escape(row.Key), (byte)'\t', .. Escape(row.Value)];
            Assert.Equal((row.Key, row.Value), (RowTsv.Read(tsv, hex: false).Key, RowTsv.Read(tsv, hex: false).Value), PairComparer);
            var hex = Encoding.ASCII.GetBytes($"0x{Convert.ToHexString(row.Key)}\t0x{Convert.ToHexStringLower(row.Value)}");
            Assert.Equal((row.Key, row.Value), (RowTsv.Read(hex, hex: true).Key, RowTsv.Read(hex, hex: true).Value), PairComparer);
        }
    }

    static bool PairComparer((byte[] Key, byte[] Value) x, (byte[] Key, byte[] Value) y) =>
        x.Key.AsSpan().SequenceEqual(y.Key) && x.Value.AsSpan().SequenceEqual(y.Value);

    static Row MakeRow(SeededRandom random)
    {
        var change = (ValueChange)random.Next(3);
        var isPut = change == ValueChange.Put;
        return new Row(
            Bytes(random), change, isPut ? Bytes(random) : [], new SystemTime((ulong)random.Next(long.MaxValue)),
            isPut && random.OneIn(2) ? new SystemTime((ulong)random.Next(long.MaxValue)) : default,
            random.OneIn(3) ? new CommitNote(random.OneIn(2) ? "a\"\n é" : null, "r", null, random.OneIn(2) ? "" : null, "i") : null);
    }

    static byte[] Bytes(SeededRandom random)
    {
        var bytes = new byte[random.Next(12)];
        random.Fill(bytes);
        return random.OneIn(2) ? bytes : Encoding.UTF8.GetBytes(new string([.. bytes.Select(b => (char)b)]));
    }

    static byte[] Escape(byte[] field) => [.. field.SelectMany(b => b switch
    {
        (byte)'\t' => "\\t"u8.ToArray(),
        (byte)'\n' => "\\n"u8.ToArray(),
        (byte)'\r' => "\\r"u8.ToArray(),
        0 => "\\0"u8.ToArray(),
        (byte)'\\' => "\\\\"u8.ToArray(),
        _ => [b],
    })];

    static byte[] Line(SeededRandom random)
    {
        if (random.OneIn(4))
        {
            var bytes = new byte[random.Next(40)];
            random.Fill(bytes);
            return bytes;
        }
        // Something that is nearly right.
        var target = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(target, JsonOptions.Lines)) RowJson.Write(json, MakeRow(random));
        var line = random.OneIn(3) ? [.. Escape(Bytes(random)), (byte)'\t', .. Escape(Bytes(random))] : target.WrittenSpan.ToArray();
        for (var i = random.Next(4); i > 0 && line.Length > 0; i--)
        {
            var at = random.Next(line.Length);
            if (random.OneIn(3)) line = line[..at];
            else if (random.OneIn(3)) line[at] = "{}[]\",:\\0x\t\u00ff"u8[random.Next(12)];
            else line[at] ^= (byte)(1 << random.Next(8));
        }
        return line;
    }

    sealed class Trickle(byte[] bytes, SeededRandom random) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, random.Next(1, 5000)));
    }
}
