using Aevum.Core.Bitmaps;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Bitmaps;

/// <summary>Sets of every shape that a container can take: scattered, dense, in runs, at the edges of chunks, whole chunks, nothing.</summary>
static class RandomSets
{
    /// <summary>Numbers stay below this, so that an oracle can walk all of them.</summary>
    public const int Bound = 5 * 65_536;

    public static SortedSet<uint> Next(SeededRandom random)
    {
        var set = new SortedSet<uint>();
        for (var parts = random.Next(5); parts > 0; parts--) AddPart(set, random);
        return set;
    }

    public static Bitmap ToBitmap(IEnumerable<uint> set)
    {
        var builder = new BitmapBuilder();
        foreach (var value in set) builder.Add(value);
        return builder.ToBitmap();
    }

    static void AddPart(SortedSet<uint> set, SeededRandom random)
    {
        var chunk = random.Next(5) * 65_536;
        switch (random.Next(6))
        {
            case 0:   // a few
                for (var i = random.Next(50); i > 0; i--) set.Add((uint)random.Next(Bound));
                break;
            case 1:   // around the most that an array holds
                for (var i = random.Next(3_900, 4_300); i > 0; i--) set.Add((uint)(chunk + random.Next(65_536)));
                break;
            case 2:   // dense
                for (var i = random.Next(5_000, 12_000); i > 0; i--) set.Add((uint)(chunk + random.Next(20_000)));
                break;
            case 3:   // runs, some of which touch or cross a chunk's end
                for (var i = random.Next(1, 30); i > 0; i--)
                {
                    var first = random.Next(Bound);
                    for (var value = first; value < Math.Min(first + random.Next(1, 300), Bound); value++) set.Add((uint)value);
                }
                break;
            case 4:   // edges
                uint[] edges = [(uint)chunk, (uint)chunk + 65_535, (uint)chunk + 63, (uint)chunk + 64, 0, Bound - 1];
                foreach (var edge in edges) if (random.OneIn(2)) set.Add(edge);
                break;
            default:   // a whole chunk, perhaps with a hole
                for (var value = chunk; value < chunk + 65_536; value++) set.Add((uint)value);
                if (random.OneIn(2)) set.Remove((uint)(chunk + random.Next(65_536)));
                break;
        }
    }
}
