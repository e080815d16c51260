using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

public sealed class CatalogKeyTests
{
    internal static CatalogKey Draw(SeededRandom random)
    {
        uint Id() => random.OneIn(3) ? (uint)random.Next(3) : random.OneIn(4) ? CatalogKey.IdEnd - 1 : (uint)random.Next(CatalogKey.IdEnd);
        string Name() => new([.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => "abAB é\uFFFD中"[random.Next(8)])]);
        return random.Next(9) switch
        {
            0 => CatalogKey.OfCounter(CatalogCounter.Namespaces),
            1 => CatalogKey.OfCounter(CatalogCounter.Keyspaces, Id()),
            2 => CatalogKey.OfCounter(CatalogCounter.Principals),
            3 => CatalogKey.OfNamespace(Id()),
            4 => CatalogKey.OfNamespaceName(Name()),
            5 => CatalogKey.OfKeyspace(new KeyspaceId(Id(), Id())),
            6 => CatalogKey.OfKeyspaceName(Id(), Name()),
            7 => CatalogKey.OfPrincipal(Id()),
            _ => CatalogKey.OfPrincipalName(Name()),
        };
    }

    [Theory, Seeds(20)]
    public void Keys_read_back_and_sort_as_they_mean(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (start, end) = CatalogRow.Range();
        for (var i = 0; i < 300; i++)
        {
            var (a, b) = (Draw(random), Draw(random));
            var (aBytes, bBytes) = (a.ToBytes(), b.ToBytes());
            Assert.Equal(a, CatalogKey.Read(aBytes));
            Assert.True(aBytes.AsSpan().SequenceCompareTo(start) > 0 && aBytes.AsSpan().SequenceCompareTo(end) < 0);
            Assert.Equal(Math.Sign(Meaning(a, b)), Math.Sign(aBytes.AsSpan().SequenceCompareTo(bBytes)));
        }

        static int Meaning(CatalogKey a, CatalogKey b)
        {
            var order = (a.Kind, a.Counter, a.Parent, a.Id).CompareTo((b.Kind, b.Counter, b.Parent, b.Id));
            return order != 0 ? order : Encoding.UTF8.GetBytes(a.Name ?? "").AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Name ?? ""));
        }
    }

    [Theory]
    [InlineData("", ErrorCode.Corruption)]
    [InlineData("01", ErrorCode.Corruption)]
    [InlineData("0100", ErrorCode.Corruption)]
    [InlineData("0104", ErrorCode.UnsupportedFormat)]
    [InlineData("010100", ErrorCode.Corruption)]           // a counter without parent has none
    [InlineData("0102000000", ErrorCode.Corruption)]
    [InlineData("0102ffffffff", ErrorCode.Corruption)]     // no such id
    [InlineData("02", ErrorCode.UnsupportedFormat)]
    [InlineData("ff", ErrorCode.UnsupportedFormat)]
    [InlineData("1000000001ff", ErrorCode.Corruption)]
    [InlineData("10ffffffff", ErrorCode.Corruption)]
    [InlineData("11", ErrorCode.Corruption)]
    [InlineData("1107", ErrorCode.Corruption)]
    [InlineData("20000000010000", ErrorCode.Corruption)]
    [InlineData("2100000001", ErrorCode.Corruption)]
    [InlineData("21ffffffff61", ErrorCode.Corruption)]
    public void What_is_no_key_is_refused(string hex, ErrorCode code)
    {
        var key = KeyLayout.Make(SystemKeyspaces.Catalog, Convert.FromHexString(hex));
        Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => CatalogKey.Read(key)).Code);
    }

    [Fact]
    public void A_key_of_another_keyspace_is_none()
    {
        Assert.Throws<CorruptionException>(() => CatalogKey.Read(KeyLayout.Make(SystemKeyspaces.Clock, [0x10, 0, 0, 0, 1])));
        Assert.Throws<CorruptionException>(() => CatalogKey.Read([0, 0, 0, 0, 0, 0, 0]));
        Assert.False(CatalogKey.IsOfCatalog([]));
    }
}
