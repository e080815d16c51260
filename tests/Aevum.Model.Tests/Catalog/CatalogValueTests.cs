using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

public sealed class CatalogValueTests
{
    static readonly SystemTime At = new(77);

    internal static KeyspaceOptions DrawOptions(SeededRandom random) => new()
    {
        History = random.Next(3) switch
        {
            0 => HistoryPolicy.None,
            1 => HistoryPolicy.Forever,
            _ => HistoryPolicy.For(TimeSpan.FromTicks(1 + random.Next(1L << 50))),
        },
        Compression = (KeyspaceCompression)random.Next(3),
        MergeOperator = random.Next(4) switch { 0 => "append", 1 => "add", 2 => "größer", _ => null },
        DefaultTimeToLive = random.OneIn(2) ? TimeSpan.FromTicks(1 + random.Next(1L << 50)) : null,
    };

    [Theory, Seeds(20)]
    public void Values_read_back(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < 100; i++)
        {
            var keyspace = new KeyspaceEntry(new KeyspaceId(1, (uint)i), $"k{i}", KeyspaceKind.KeyValue, DrawOptions(random)) { Version = At };
            Assert.Equal(keyspace, CatalogValues.DecodeKeyspace(keyspace.Id, CatalogValues.Encode(keyspace), At));
            var number = (uint)random.NextUInt64();
            Assert.Equal(number, CatalogValues.DecodeNumber(CatalogValues.EncodeNumber(number), uint.MaxValue));
        }
        var tenant = new NamespaceEntry(7, "tenant") { Version = At };
        Assert.Equal(tenant, CatalogValues.DecodeNamespace(7, CatalogValues.Encode(tenant), At));
        var principal = new PrincipalEntry(8, "ada") { Version = At };
        Assert.Equal(principal, CatalogValues.DecodePrincipal(8, CatalogValues.Encode(principal), At));
    }

    [Fact]
    public void Durations_are_whole_microseconds_rounded_up_and_within_bounds()
    {
        Assert.Equal(TimeSpan.FromTicks(10), HistoryPolicy.For(TimeSpan.FromTicks(1)).Duration);
        Assert.Equal(TimeSpan.FromTicks(20), new KeyspaceOptions { DefaultTimeToLive = TimeSpan.FromTicks(20) }.DefaultTimeToLive);
        Assert.Equal(TimeSpan.FromTicks(30), new KeyspaceOptions { DefaultTimeToLive = TimeSpan.FromTicks(21) }.DefaultTimeToLive);
        var longest = TimeSpan.FromTicks(((1L << 53) - 1) * 10);
        Assert.Equal(longest, HistoryPolicy.For(longest).Duration);
        foreach (var bad in new[] { TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MinValue, TimeSpan.MaxValue, longest + TimeSpan.FromTicks(1) })
        {
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => HistoryPolicy.For(bad)).Code);
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new KeyspaceOptions { DefaultTimeToLive = bad }).Code);
        }
    }

    [Fact]
    public void Options_refuse_what_has_no_meaning()
    {
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new KeyspaceOptions { MergeOperator = "" }).Code);
        const KeyspaceCompression Unknown = (KeyspaceCompression)3;
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new KeyspaceOptions { Compression = Unknown }).Code);
    }

    [Fact]
    public void A_policy_wants_a_floor()
    {
        var now = SystemTime.FromMicroseconds(10_000_000, 5);
        Assert.Equal(SystemTime.Max, HistoryPolicy.None.FloorAt(now));
        Assert.Equal(SystemTime.None, HistoryPolicy.Forever.FloorAt(now));
        Assert.Equal(SystemTime.FromMicroseconds(9_000_000, 5), HistoryPolicy.For(TimeSpan.FromSeconds(1)).FloorAt(now));
        Assert.Equal(SystemTime.None, HistoryPolicy.For(TimeSpan.FromSeconds(10.5)).FloorAt(now));
        Assert.Equal(SystemTime.None, HistoryPolicy.For(TimeSpan.FromDays(365 * 280)).FloorAt(now));
    }

    [Fact]
    public void Optional_fields_of_a_later_program_survive_being_rewritten()
    {
        // Unknown 1 and 7 in the row, unknown 3 in the options: in front of, between and behind what is known.
        byte[] value = [1, 1, 1, 0xAA, 2, 1, (byte)'k', 4, 1, 0, 6, 10, 1, 2, 1, 1, 3, 1, 0xBB, 4, 1, 2, 7, 0];
        var entry = CatalogValues.DecodeKeyspace(new KeyspaceId(1, 1), value, At);
        Assert.Equal(("k", HistoryPolicy.Forever, KeyspaceCompression.Brotli), (entry.Name, entry.Options.History, entry.Options.Compression));
        Assert.Equal(value, CatalogValues.Encode(entry));
        var altered = entry with { Name = "q", Options = entry.Options with { Compression = KeyspaceCompression.None } };
        Assert.Equal([1, 1, 1, 0xAA, 2, 1, (byte)'q', 4, 1, 0, 6, 10, 1, 2, 1, 1, 3, 1, 0xBB, 4, 1, 0, 7, 0], CatalogValues.Encode(altered));
        Assert.NotEqual(entry, CatalogValues.DecodeKeyspace(entry.Id, [1, 1, 1, 0xAB, .. value[4..]], At));   // what is kept counts when compared
    }

    [Theory]
    [InlineData("02020161", ErrorCode.UnsupportedFormat)]             // a later layout version
    [InlineData("010201612000", ErrorCode.UnsupportedFormat)]         // a field that must be known
    [InlineData("", ErrorCode.Corruption)]
    [InlineData("00020161", ErrorCode.Corruption)]
    [InlineData("01", ErrorCode.Corruption)]                          // no name
    [InlineData("010200", ErrorCode.Corruption)]                      // an empty name
    [InlineData("0102016102016 1", ErrorCode.Corruption)]             // the name twice
    [InlineData("01030002 0161", ErrorCode.Corruption)]               // tags descend
    [InlineData("01000002 0161", ErrorCode.Corruption)]               // tag 0
    [InlineData("010202 61", ErrorCode.Corruption)]                   // ends inside the field
    [InlineData("0102", ErrorCode.Corruption)]
    [InlineData("01028100 61", ErrorCode.Corruption)]                 // a length longer than it must be
    [InlineData("0102ffffffffff0f", ErrorCode.Corruption)]            // a length beyond 32 bits
    public void A_malformed_row_is_refused(string hex, ErrorCode code)
    {
        var value = Convert.FromHexString(hex.Replace(" ", ""));
        Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => CatalogValues.DecodeNamespace(1, value, At)).Code);
        Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => CatalogValues.DecodePrincipal(1, value, At)).Code);
    }

    [Theory]
    [InlineData("01 020100 040100", null)]
    [InlineData("02 020100 040100", ErrorCode.UnsupportedFormat)]
    [InlineData("01 020103 040100", ErrorCode.UnsupportedFormat)]     // a later policy
    [InlineData("01 020100 040103", ErrorCode.UnsupportedFormat)]     // a later compression
    [InlineData("01 020100 040100 0a00", ErrorCode.Corruption)]
    [InlineData("01 020100 040100 0c00", ErrorCode.UnsupportedFormat)]
    [InlineData("01 020100", ErrorCode.Corruption)]
    [InlineData("01 040100", ErrorCode.Corruption)]
    [InlineData("01 0200 040100", ErrorCode.Corruption)]
    [InlineData("01 02020000 040100", ErrorCode.Corruption)]          // "none" goes on
    [InlineData("01 020102 040100", ErrorCode.Corruption)]            // a duration without one
    [InlineData("01 02020200 040100", ErrorCode.Corruption)]          // of zero
    [InlineData("01 020902ffffffffffffff10 040100", ErrorCode.Corruption)]
    [InlineData("01 020902ffffffffffffff0f 040100", null)]            // 2^53 - 1... is the longest
    [InlineData("01 020100 04020000", ErrorCode.Corruption)]
    [InlineData("01 020100 040100 0600", ErrorCode.Corruption)]       // an operator without a name
    [InlineData("01 020100 040100 080100", ErrorCode.Corruption)]
    public void Malformed_options_are_refused(string hex, ErrorCode? code)
    {
        var value = Convert.FromHexString(hex.Replace(" ", ""));
        if (code is null) Assert.Equal(value, KeyspaceOptionsCodec.Encode(KeyspaceOptionsCodec.Decode(value)));
        else Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => KeyspaceOptionsCodec.Decode(value)).Code);
    }

    [Theory]
    [InlineData("01020105", null)]
    [InlineData("010205ffffffff0f", ErrorCode.Corruption)]            // above the greatest id
    [InlineData("010205feffffff0f", null)]
    [InlineData("0102010503 00", ErrorCode.UnsupportedFormat)]        // such rows take no optional fields
    [InlineData("01020205 00", ErrorCode.Corruption)]
    [InlineData("01", ErrorCode.Corruption)]
    public void A_malformed_number_is_refused(string hex, ErrorCode? code)
    {
        var value = Convert.FromHexString(hex.Replace(" ", ""));
        if (code is null) Assert.Equal(value, CatalogValues.EncodeNumber(CatalogValues.DecodeNumber(value, CatalogKey.IdEnd - 1)));
        else Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => CatalogValues.DecodeNumber(value, CatalogKey.IdEnd - 1)).Code);
    }
}
