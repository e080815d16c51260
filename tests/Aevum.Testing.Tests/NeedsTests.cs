namespace Aevum.Testing.Tests;

public sealed class NeedsTests
{
    [Fact]
    public void What_is_missing_skips_and_says_why()
    {
        Assert.Equal("libno-such-thing.so.9 is not installed", new FactThatNeedsAttribute { Library = "libno-such-thing.so.9" }.Skip);
        Assert.Equal("libno-such-thing.so.9 is not installed", new TheoryThatNeedsAttribute { Library = "libno-such-thing.so.9" }.Skip);
        Assert.Equal("the data set no/such is not under AEVUM_DATASETS", new FactThatNeedsAttribute { Dataset = "no/such" }.Skip);
        Assert.Equal("the data set no/such is not under AEVUM_DATASETS", new TheoryThatNeedsAttribute { Dataset = "no/such" }.Skip);
        Assert.Equal("/no/such.h is not there", new FactThatNeedsAttribute { File = "/no/such.h" }.Skip);
    }

    [Fact]
    public void The_first_missing_thing_is_told() =>
        Assert.Contains("libno-such", new FactThatNeedsAttribute { Library = "libno-such", Dataset = "none" }.Skip);

    [Fact]
    public void What_is_there_does_not_skip()
    {
        Assert.Null(new TheoryThatNeedsAttribute { File = typeof(NeedsTests).Assembly.Location }.Skip);
        if (!OperatingSystem.IsLinux()) return;
        Assert.Null(new FactThatNeedsAttribute { Library = "libc.so.6" }.Skip);
        Assert.Null(new TheoryThatNeedsAttribute().Skip);
    }
}
