using Aevum.Core.Errors;

namespace Aevum.Vectors.Tests.Memory;

public sealed unsafe class NativeBlockTests
{
    [Fact]
    public void A_block_is_aligned_zeroed_on_demand_and_gives_back_what_it_took()
    {
        var budget = new MemoryBudget(10_000);
        using (var block = new NativeBlock(1_000, budget, zeroed: true))
        {
            Assert.Equal(0, (nint)block.Pointer % NativeBlock.Alignment);
            Assert.True(new Span<byte>(block.Pointer, 1_000).IndexOfAnyExcept((byte)0) < 0);
            Assert.Equal(1_000, budget.UsedBytes);
        }
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void What_passes_the_budget_is_refused_and_costs_nothing()
    {
        var budget = new MemoryBudget(1_000);
        using var block = new NativeBlock(600, budget);
        var error = Assert.Throws<AevumException>(() => new NativeBlock(401, budget));
        Assert.Equal(ErrorCode.LimitExceeded, error.Code);
        Assert.Contains("600 of the allowed 1000", error.Message, StringComparison.Ordinal);
        Assert.Equal(600, budget.UsedBytes);
        new NativeBlock(400, budget).Dispose();
    }

    [Fact]
    public void What_the_machine_does_not_have_is_refused_alike()
    {
        var budget = MemoryBudget.Unlimited();
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => new NativeBlock(1L << 60, budget)).Code);
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void Large_pages_are_a_hint()
    {
        using var block = new NativeBlock((4 << 20) + 5, MemoryBudget.Unlimited(), zeroed: true, large: true);
        Assert.Equal(0, (nint)block.Pointer % (2 << 20));
        block.Pointer[block.Bytes - 1] = 1;
    }

    [Fact]
    public void Disposing_twice_frees_once()
    {
        var budget = new MemoryBudget(100);
        var block = new NativeBlock(100, budget);
        block.Dispose();
        block.Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }
}
