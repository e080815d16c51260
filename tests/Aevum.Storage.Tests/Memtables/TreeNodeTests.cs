using System.Runtime.InteropServices;
using Aevum.Core.Scheduling;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed unsafe class TreeNodeTests : IDisposable
{
    readonly TreeNode* _node = (TreeNode*)NativeMemory.AlignedAlloc(TreeNode.LeafBytes, 64);
    readonly TiedWords* _tied = (TiedWords*)NativeMemory.AlignedAlloc(TiedWords.Bytes, 64);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_node);
        NativeMemory.AlignedFree(_tied);
    }

    [Fact]
    public void Counting_with_vectors_and_halving_agree()
    {
        var random = new SeededRandom(1);
        for (var round = 0; round < 200; round++)
        {
            TreeNode.Initialize(_node, 0);
            var words = new Span<long>(TreeNode.Words(_node), TreeNode.Slots);
            var range = random.OneIn(2) ? 40 : long.MaxValue;
            var used = words[..random.Next(TreeNode.Slots + 1)];
            foreach (ref var word in used) word = random.OneIn(9) ? long.MaxValue : random.OneIn(9) ? long.MinValue : random.Next(range) - (range / 2);
            used.Sort();
            for (var i = 0; i < 40; i++)
            {
                var asked = random.OneIn(4) && used.Length > 0 ? used[random.Next(used.Length)]
                    : random.OneIn(9) ? long.MaxValue : random.Next(range) - (range / 2);
                var first = used.IndexOfAnyInRange(asked, long.MaxValue);
                var expected = first < 0 ? used.Length : first;
                Assert.Equal(expected, TreeNode.CountBelow(_node, asked));
                Assert.Equal(expected, TreeNode.CountBelowScalar(TreeNode.Words(_node), asked));
            }
        }
    }

    [Fact]
    public void Counting_among_ties_agrees_with_a_loop()
    {
        var random = new SeededRandom(2);
        TreeNode.Initialize(_node, 0);
        var words = TreeNode.Words(_node);
        var seconds = TiedWords.Words(_tied);
        for (var round = 0; round < 2000; round++)
        {
            for (var i = 0; i < TreeNode.Slots; i++)
            {
                words[i] = random.Next(3);
                seconds[i] = random.Next(5) - 2;
            }
            long word = random.Next(3), second = random.Next(6) - 2;
            var expected = 0;
            for (var i = 0; i < TreeNode.Slots; i++)
                if (words[i] == word && seconds[i] < second) expected++;
            Assert.Equal(expected, TiedWords.CountBelow(_node, _tied, word, second));
        }
    }

    [Fact]
    public void Opening_a_slot_moves_what_lies_above_it()
    {
        var slots = new long[TreeNode.Slots + 1];
        for (var count = 0; count < TreeNode.Slots; count++)
        {
            for (var at = 0; at <= count; at++)
            {
                for (var i = 0; i < slots.Length; i++) slots[i] = i;
                var expected = slots.ToList();
                expected.Insert(at, at < count ? at : expected[count]);
                expected.RemoveAt(count + 1);
                fixed (long* start = slots) TreeNode.OpenSlot(start, at, count);
                Assert.True(expected.SequenceEqual(slots), $"at {at} of {count}");
            }
        }
    }
}
