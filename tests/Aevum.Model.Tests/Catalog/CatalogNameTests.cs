using System.Text;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Model.Tests.Catalog;

public sealed class CatalogNameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("Straße 7")]
    [InlineData("\U0001F600")]
    [InlineData("e\u0301")]   // not composed, and left so
    [InlineData("a/b.c\"d'")]
    public void A_name_may_hold_what_is_no_control_character(string name)
    {
        CatalogName.Require(name, "x");
        Assert.Equal(name, CatalogName.Read(Encoding.UTF8.GetBytes(name)));
    }

    [Theory]
    [InlineData("", ErrorCode.InvalidArgument)]
    [InlineData("a\0", ErrorCode.InvalidArgument)]
    [InlineData("a\nb", ErrorCode.InvalidArgument)]
    [InlineData("\u007F", ErrorCode.InvalidArgument)]
    [InlineData("\u0085", ErrorCode.InvalidArgument)]
    public void A_bad_name_is_refused_and_stored_it_is_corruption(string name, ErrorCode code)
    {
        Assert.Equal(code, Assert.Throws<AevumException>(() => CatalogName.Require(name, "x")).Code);
        Assert.Throws<CorruptionException>(() => CatalogName.Read(Encoding.UTF8.GetBytes(name)));
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused()
    {
        foreach (var name in new[] { "a\uD83D", "\uDE00b", "\uDE00\uD83D" })
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CatalogName.Require(name, "x")).Code);
        Assert.Throws<CorruptionException>(() => CatalogName.Read([0xED, 0xA0, 0x80]));
        Assert.Throws<CorruptionException>(() => CatalogName.Read([0xC0, 0x80]));
    }

    [Fact]
    public void The_limit_counts_bytes()
    {
        CatalogName.Require(new string('x', 255), "x");
        CatalogName.Require(new string('ä', 127), "x");
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => CatalogName.Require(new string('x', 256), "x")).Code);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => CatalogName.Require(new string('ä', 128), "x")).Code);
        Assert.Throws<CorruptionException>(() => CatalogName.Read(Encoding.UTF8.GetBytes(new string('x', 256))));
    }
}
