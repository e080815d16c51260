using Aevum.Core.Time;

namespace Aevum.Core.Tests.Time;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("30d", 2_592_000_000)]
    [InlineData("0s", 0)]
    [InlineData("2000us", 2)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("0.25s", 250)]
    [InlineData("0.00000001s", 0)]
    public void A_number_and_its_unit(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData(".5s")]
    [InlineData("1.s")]
    [InlineData("1.5.1s")]
    [InlineData("1,5s")]
    [InlineData("1e3s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("99999999999d")]
    [InlineData("99999999999999999999999s")]
    public void Anything_else_is_none(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData("500ms")]
    [InlineData("10s")]
    [InlineData("5m")]
    [InlineData("25h")]
    [InlineData("30d")]
    [InlineData("0us")]
    public void What_is_written_is_read(string text)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(text, DurationText.Format(duration));
    }
}
