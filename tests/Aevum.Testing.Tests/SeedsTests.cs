namespace Aevum.Testing.Tests;

public sealed class SeedsTests
{
    [Theory, Seeds(3)]
    public void A_theory_gets_its_seeds(ulong seed) => Assert.NotEqual(0UL, seed);

    [Fact]
    public void Seeds_count_from_one() => Assert.Equal([1UL, 2, 3], SeedsAttribute.Choose(3, only: null, isLong: false));

    [Fact]
    public void Long_runs_have_more() => Assert.Equal(3 * SeedsAttribute.LongFactor, SeedsAttribute.Choose(3, only: "", isLong: true).Count());

    [Fact]
    public void One_seed_can_be_asked_for() => Assert.Equal([99UL], SeedsAttribute.Choose(3, only: "99", isLong: true));
}
