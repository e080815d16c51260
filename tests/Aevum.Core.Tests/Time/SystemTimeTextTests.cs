using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Time;

public sealed class SystemTimeTextTests
{
    const ulong Noon = 1_772_366_400_000_000;   // 2026-03-01T12:00:00Z in microseconds

    [Theory]
    [InlineData("1814903193600000005", Noon, 5)]
    [InlineData("0", 0, 0)]
    [InlineData("0000000000000000001", 0, 1)]
    [InlineData("2026-03-01T12:00:00.000000Z+5", Noon, 5)]
    [InlineData("2026-03-01T12:00:00Z+0", Noon, 0)]
    [InlineData("2026-03-01T12:00:00Z+1023", Noon, 1023)]
    [InlineData("2026-03-01T12:00:00Z+0007", Noon, 7)]
    [InlineData("2026-03-01T12:00:00Z", Noon, 1023)]
    [InlineData("2026-03-01t12:00:00z", Noon, 1023)]
    [InlineData("2026-03-01 12:00:00Z", Noon, 1023)]
    [InlineData("2026-03-01T12:00:00.5Z", Noon + 500_000, 1023)]
    [InlineData("2026-03-01T12:00:00.000001Z", Noon + 1, 1023)]
    [InlineData("2026-03-01T12:00:00.0000019999Z", Noon + 1, 1023)]
    [InlineData("2026-03-01T14:30:00+02:30", Noon, 1023)]
    [InlineData("2026-03-01T14:30:00+02:30+9", Noon, 9)]
    [InlineData("2026-02-28T23:00:00-13:00", Noon, 1023)]
    [InlineData("2024-02-29T00:00:00Z+0", 1_709_164_800_000_000, 0)]
    [InlineData("1970-01-01T00:00:00Z+0", 0, 0)]
    [InlineData("1970-01-01T01:00:00+01:00+0", 0, 0)]
    [InlineData("1969-12-31T23:00:00-01:00+0", 0, 0)]
    [InlineData("2255-06-05T23:47:34.740991Z+1023", (1UL << 53) - 1, 1023)]
    [InlineData("9223372036854775807", (1UL << 53) - 1, 1023)]
    public void Reads(string text, ulong microseconds, ulong counter)
    {
        Assert.True(SystemTimeText.TryParse(text, out var time));
        Assert.Equal(SystemTime.FromMicroseconds(microseconds, counter), time);
        Assert.Equal(time, SystemTimeText.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("9223372036854775808")]              // the top bit is always zero
    [InlineData("18446744073709551616")]
    [InlineData("00000000000000000001")]
    [InlineData("\u0661\u0662")]                     // digits, but not ours
    [InlineData("2026-03-01")]
    [InlineData("2026-03-01T12:00Z")]
    [InlineData("2026-03-01T12:00:00")]              // no zone
    [InlineData("2026-03-01T12:00:00.Z")]
    [InlineData("2026-03-01T12:00:60Z")]             // no leap seconds
    [InlineData("2026-03-01T24:00:00Z")]
    [InlineData("2026-02-29T12:00:00Z")]
    [InlineData("2026-13-01T12:00:00Z")]
    [InlineData("2026-00-01T12:00:00Z")]
    [InlineData("2026-03-00T12:00:00Z")]
    [InlineData("0000-03-01T12:00:00Z")]
    [InlineData("9999-12-31T23:59:59-23:59")]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("1970-01-01T00:00:00+00:01")]
    [InlineData("2255-06-05T23:47:34.740992Z")]
    [InlineData("2026-03-01T12:00:00+24:00")]
    [InlineData("2026-03-01T12:00:00+0230")]
    [InlineData("2026-03-01T12:00:00Z+1024")]
    [InlineData("2026-03-01T12:00:00Z+")]
    [InlineData("2026-03-01T12:00:00Z+-1")]
    [InlineData("2026-03-01T12:00:00Z+00001")]
    [InlineData("2026-03-01T12:00:00.0000001Z+1")]   // finer than a time is
    [InlineData("2026-03-01T12:00:00Z ")]
    [InlineData("2026-03-01T12:00:00Zx")]
    [InlineData("26-03-01T12:00:00Z")]
    public void Refuses(string text)
    {
        Assert.False(SystemTimeText.TryParse(text, out var time));
        Assert.Equal(SystemTime.None, time);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => SystemTimeText.Parse(text)).Code);
    }

    [Fact]
    public void What_is_written_is_read_and_keeps_the_order()
    {
        var random = new SeededRandom(1);
        var before = (Time: SystemTime.None, Text: SystemTimeText.ToRfc3339(SystemTime.None));
        var times = Enumerable.Range(0, 3000).Select(_ => new SystemTime(random.NextUInt64() >> 1))
            .Concat([SystemTime.None, new SystemTime(1), SystemTime.Max]).Order();
        foreach (var time in times)
        {
            Assert.Equal(time, SystemTimeText.Parse(time.ToString()));
            var text = SystemTimeText.ToRfc3339(time);
            Assert.True(text.Length <= SystemTimeText.CharsMax);
            Assert.Equal(time, SystemTimeText.Parse(text));
            // Up to the counter, which is not padded, text order is time order.
            Assert.True(string.CompareOrdinal(before.Text[..27], text[..27]) <= 0);
            before = (time, text);
        }
        Assert.Equal("2026-03-01T12:00:00.000000Z+5", SystemTimeText.ToRfc3339(SystemTime.FromMicroseconds(Noon, 5)));
        Assert.False(SystemTimeText.TryFormatRfc3339(SystemTime.Max, new char[10], out _));
    }

    [Fact]
    public void Moments_agree_with_the_base_library()
    {
        var random = new SeededRandom(2);
        for (var round = 0; round < 3000; round++)
        {
            var zone = TimeSpan.FromMinutes(random.Next(-840, 841));
            var moment = DateTimeOffset.UnixEpoch.AddTicks(random.Next(80_000_000_000_000_000)).ToOffset(zone);
            var text = moment.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture);
            Assert.Equal(SystemTime.AtOrBefore(moment), SystemTimeText.Parse(text));
        }
    }

    [Theory, Seeds(1)]
    public void Mutated_texts_are_read_or_refused_and_never_throw(ulong seed)
    {
        string[] seeds =
        [
            "2026-03-01T12:00:00.123456Z+5", "1814903193600000005", "2026-03-01T14:30:00+02:30+9", "1969-12-31T23:00:00-01:00",
        ];
        const string Alphabet = "0123456789-+:.TtZz \u0660\0x";
        var random = new SeededRandom(seed);
        var read = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var text = seeds[random.Next(seeds.Length)].ToList();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var at = random.Next(text.Count);
                var letter = Alphabet[random.Next(Alphabet.Length)];
                switch (random.Next(4))
                {
                    case 0: text.Insert(at, letter); break;
                    case 1 when text.Count > 1: text.RemoveAt(at); break;
                    default: text[at] = letter; break;
                }
            }
            if (!SystemTimeText.TryParse(text.ToArray(), out var time)) continue;
            read++;
            Assert.True(time <= SystemTime.Max);
            Assert.Equal(time, SystemTimeText.Parse(SystemTimeText.ToRfc3339(time)));
        }
        Assert.InRange(read, 1000, 49_000);
    }
}
