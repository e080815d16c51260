using System.Runtime.InteropServices;
using Aevum.Core.Batches;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed unsafe class VersionChainTests
{
    // A chain of 1,000 versions 2, 4, 6, ...: every step is looked at, and counted where the promise is O(log n).
    [Fact]
    public void Any_version_is_found_in_few_steps()
    {
        const int length = 1000;
        using var pool = new ArenaPool();
        using var memtable = new Memtable(pool);
        for (ulong i = 1; i <= length; i++) memtable.Add(EffectKind.Put, "k"u8, 2 * i, 0, default);
        fixed (byte* key = "k"u8)
        {
            var top = KeyRecord.LoadNewest(memtable.Tree.Find(key, 1));
            Assert.Equal(length, VersionNode.Depth(top));
            for (ulong i = 1; i <= length; i++)
            {
                Assert.Equal(2 * i, VersionNode.NewestAtMost(top, 2 * i)->Version);
                Assert.Equal(2 * i, VersionNode.NewestAtMost(top, (2 * i) + 1)->Version);
                Assert.Equal(2 * i, VersionNode.OldestAbove(top, (2 * i) - 1)->Version);
                Assert.Equal(2 * i, VersionNode.OldestAbove(top, (2 * i) - 2)->Version);
                Assert.Equal(2 * i, VersionNode.AtDepth(top, (long)i)->Version);
                Assert.InRange(StepsTo(top, (long)i), 0, 3 * 10);   // Myers, section 2: at most about 3 log2 n
            }
            Assert.True(VersionNode.NewestAtMost(top, 1) == null);
            Assert.True(VersionNode.OldestAbove(top, 2 * length) == null);
        }
    }

    static int StepsTo(VersionNode* top, long depth)
    {
        var steps = 0;
        for (; VersionNode.Depth(top) > depth; steps++)
        {
            var links = VersionNode.Links(top);
            top = VersionNode.Depth(links->Jump) >= depth ? links->Jump : links->Previous;
        }
        return steps;
    }

    [Fact]
    public void The_layout_is_what_the_essay_says()
    {
        Assert.Equal(VersionNode.HeaderBytes, sizeof(VersionNode));
        Assert.Equal(KeyRecord.HeaderBytes, sizeof(KeyRecord));
        Assert.Equal(VersionLinks.Bytes, sizeof(VersionLinks));
        Assert.True(sizeof(TreeNode) <= TreeNode.HeaderBytes);
        Assert.Equal(VersionNode.ExpiryFlag, (uint)sizeof(ulong));
        Assert.Equal(0, TiedWords.Bytes % 64);
        Assert.Equal(0, TreeNode.LeafBytes % 64);
        Assert.Equal(0, TreeNode.InnerBytes % 64);
        Assert.Equal(8, (int)Marshal.OffsetOf<KeyRecord>(nameof(KeyRecord.First)));
    }
}
