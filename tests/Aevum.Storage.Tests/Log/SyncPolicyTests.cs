using Aevum.Core.Errors;
using Aevum.Storage.Log;

namespace Aevum.Storage.Tests.Log;

public sealed class SyncPolicyTests
{
    [Theory]
    [InlineData("os", SyncKind.Os, 0, 0)]
    [InlineData("always", SyncKind.Always, 0, 0)]
    [InlineData("every:1", SyncKind.Every, 1, 0)]
    [InlineData("every:100", SyncKind.Every, 100, 0)]
    [InlineData("100ms", SyncKind.Interval, 0, 100)]
    [InlineData("1s", SyncKind.Interval, 0, 1000)]
    [InlineData("1500ms", SyncKind.Interval, 0, 1500)]
    [InlineData("3600s", SyncKind.Interval, 0, 3_600_000)]
    public void Its_text_is_read_and_written_alike(string text, SyncKind kind, long records, long milliseconds)
    {
        var policy = SyncPolicy.Parse(text);
        Assert.Equal((kind, records, TimeSpan.FromMilliseconds(milliseconds)), (policy.Kind, policy.Records, policy.Interval));
        Assert.Equal(text, policy.ToString());
        Assert.Equal(policy, SyncPolicy.Parse(policy.ToString()));
    }

    [Fact]
    public void Other_ways_to_write_an_interval_come_back_in_seconds_or_milliseconds()
    {
        Assert.Equal("2s", SyncPolicy.Parse("2000ms").ToString());
        Assert.Equal("60s", SyncPolicy.Parse("1m").ToString());
        Assert.Equal(default, SyncPolicy.Os);
    }

    [Theory]
    [InlineData("")]
    [InlineData("OS")]
    [InlineData("every")]
    [InlineData("every:")]
    [InlineData("every:0")]
    [InlineData("every:-1")]
    [InlineData("every:99999999999999999999")]
    [InlineData("0ms")]
    [InlineData("s")]
    [InlineData("ms")]
    [InlineData("1.5s")]
    [InlineData(" 1s")]
    [InlineData("3601s")]
    [InlineData("61m")]
    [InlineData("9223372036854775807m")]
    [InlineData("1h")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(SyncPolicy.TryParse(text, out _));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => SyncPolicy.Parse(text)).Code);
    }
}
