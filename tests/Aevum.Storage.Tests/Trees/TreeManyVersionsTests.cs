using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

/// <summary>Keys with one version and keys with thousands side by side, in memory, in several tables, merged: read as of times before the first
/// version, exactly at one, just beside one, and after all.</summary>
public sealed class TreeManyVersionsTests
{
    static readonly (string Key, int Versions)[] Keys = [("a one", 1), ("b two", 2), ("c fifty", 50), ("c fifty too", 50), ("d many", 5000), ("e fifty", 50)];

    [Theory]
    [InlineData(1, false, 0)]
    [InlineData(2, false, 1)]
    [InlineData(3, false, 3)]
    [InlineData(4, false, 12)]
    [InlineData(5, true, 0)]
    [InlineData(6, true, 3)]
    [InlineData(7, true, 12)]
    public void Any_moment_shows_what_was_there_then(ulong seed, bool merges, int flushes)
    {
        using var world = new TreeWorld(seed, SystemTime.None, merges ? AddOperator.Instance : null);
        var random = world.Random;
        var writes = Keys.SelectMany(k => Enumerable.Repeat(k.Key, k.Versions)).ToArray();
        for (var i = writes.Length - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (writes[i], writes[j]) = (writes[j], writes[i]);
        }

        var time = 1000UL;
        var moments = new List<ulong> { 0, 1, 999 };
        for (var i = 0; i < writes.Length; i++)
        {
            time += (ulong)random.Next(1, 4);
            if (random.OneIn(40)) moments.AddRange([time - 1, time, time + 1]);
            var batch = new WriteBatch { SystemTime = new SystemTime(time) };
            var key = Encoding.ASCII.GetBytes(writes[i]);
            var value = new byte[merges ? 8 : random.Next(120)];
            random.Fill(value);
            switch (random.Next(30))
            {
                case 0: batch.Delete(key); break;
                case 1: batch.Put(key, value, new SystemTime(time + (ulong)random.Next(1, 300))); break;
                case 2 when random.OneIn(8): batch.DeleteRange("b"u8, random.OneIn(2) ? "c fifty too"u8 : "d"u8); break;
                case < 12 when merges: batch.Merge(key, value); break;
                default: batch.Put(key, value); break;
            }
            world.Tree.Write(batch);
            world.Model.Append(batch.Encoded);
            if (flushes > 0 && i % (writes.Length / flushes + 1) == writes.Length / flushes) world.Tree.Flush();
            if (flushes == 3 && i == writes.Length / 2) world.Tree.CompactAll();
        }
        moments.AddRange([time, time + 1, time + 1_000_000]);
        foreach (var moment in moments.Where((_, i) => i < 9 || i % 5 == 0 || i > moments.Count - 4)) world.Check(ReadPoint.AsOf(new(moment)));

        if (flushes > 0) world.Tree.CompactAll();
        foreach (var moment in moments.Where((_, i) => i % 9 == 0)) world.Check(ReadPoint.AsOf(new(moment)));
        world.Reopen();
        world.Check(ReadPoint.AsOf(new(moments[moments.Count / 2])));
    }
}
