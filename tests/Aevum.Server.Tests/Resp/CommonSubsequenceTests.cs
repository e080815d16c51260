using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

/// <summary>64 cells at once, against the table itself and the way back that the command's page tells.</summary>
public sealed class CommonSubsequenceTests
{
    [Theory, Seeds(15)]
    public void Length_and_runs_are_those_of_the_table(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 40; round++)
        {
            var letters = 1 + random.Next(random.OneIn(4) ? 200 : 4);
            var a = Text(random, random.OneIn(4) ? 300 : 12, letters);
            var b = Text(random, random.OneIn(4) ? 300 : 12, letters);
            var (length, runs) = Oracle(a, b);
            var found = CommonSubsequence.Of(a, b, keepsRows: true);
            Assert.Equal(length, found.Length);
            Assert.Equal(length, CommonSubsequence.Of(a, b, keepsRows: false).Length);
            Assert.Equal(runs, found.Runs(a, b));
            Assert.Equal(length, runs.Sum(r => r.Length));
        }
    }

    static (int Length, List<CommonRun> Runs) Oracle(byte[] a, byte[] b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
                table[i, j] = a[i - 1] == b[j - 1] ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
        var places = new List<(int A, int B)>();
        for (var (i, j) = (a.Length, b.Length); i > 0 && j > 0;)
        {
            if (a[i - 1] == b[j - 1]) places.Add((--i, --j));
            else if (table[i - 1, j] > table[i, j - 1]) i--;
            else j--;
        }
        var runs = new List<CommonRun>();
        foreach (var (placeA, placeB) in places)
        {
            if (runs.Count > 0 && runs[^1].StartA == placeA + 1 && runs[^1].StartB == placeB + 1)
                runs[^1] = new CommonRun(placeA, placeB, runs[^1].Length + 1);
            else runs.Add(new CommonRun(placeA, placeB, 1));
        }
        return (table[a.Length, b.Length], runs);
    }

    static byte[] Text(SeededRandom random, int lengthMax, int letters) =>
        [.. Enumerable.Range(0, random.Next(lengthMax + 1)).Select(_ => (byte)random.Next(letters))];
}
