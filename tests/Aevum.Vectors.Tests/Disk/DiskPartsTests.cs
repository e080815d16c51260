using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Disk;

namespace Aevum.Vectors.Tests.Disk;

public sealed unsafe class DiskPartsTests
{
    [Theory, Seeds(30)]
    public void Lists_of_links_are_read_as_they_were_written(ulong seed)
    {
        var random = new SeededRandom(seed);
        var bytes = new byte[LinkLists.BytesMax(255) + LinkLists.Padding];
        var read = stackalloc uint[260];
        for (var round = 0; round < 200; round++)
        {
            var rows = random.OneIn(3) ? int.MaxValue : 1 + random.Next(100_000);
            var row = (uint)random.Next(rows);
            var near = random.OneIn(2);
            var links = new SortedSet<uint>();
            for (var count = random.OneIn(5) ? 255 : random.Next(40); count > 0 && links.Count < rows; count--)
                links.Add(near ? (uint)Math.Clamp(row + random.Next(-300, 300), 0, rows - 1) : (uint)random.Next(rows));
            var length = LinkLists.Write(row, [.. links], bytes);
            Assert.True(length <= LinkLists.BytesMax(links.Count));
            fixed (byte* b = bytes) Assert.Equal(links.Count, LinkLists.Read(b, row, read));
            Assert.Equal(links, new ReadOnlySpan<uint>(read, links.Count).ToArray());
            Assert.True(LinkLists.Check(bytes.AsSpan(0, length), row, rows, 255));
            Assert.Equal(links.Count <= 30, LinkLists.Check(bytes.AsSpan(0, length), row, rows, 30));
            if (links.Count == 0) continue;
            Assert.False(LinkLists.Check(bytes.AsSpan(0, length), row, links.Max, 255));
            Assert.False(LinkLists.Check(bytes.AsSpan(0, length - 1), row, rows, 255));
            Assert.False(LinkLists.Check(bytes.AsSpan(0, length + 1), row, rows, 255));
        }
    }

    [Theory, Seeds(30)]
    public void Whatever_is_let_through_as_a_list_leads_to_rows_that_are_there(ulong seed)
    {
        var random = new SeededRandom(seed);
        var read = stackalloc uint[260];
        var passed = 0;
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = new byte[random.Next(1, 40) + LinkLists.Padding];
            random.Fill(bytes);
            bytes[0] = (byte)random.Next(12);
            // Short steps more often than not, so that some pass.
            if (random.OneIn(2)) bytes.AsSpan(1, Math.Min(3, bytes.Length - 1)).Clear();
            var rows = random.OneIn(2) ? 3_000 : 100_000_000;
            var row = (uint)random.Next(rows);
            var length = random.Next(1, bytes.Length - LinkLists.Padding + 1);
            if (!LinkLists.Check(bytes.AsSpan(0, length), row, rows, 255)) continue;
            passed++;
            int count;
            fixed (byte* b = bytes) count = LinkLists.Read(b, row, read);
            var links = new ReadOnlySpan<uint>(read, count).ToArray();
            Assert.All(links, link => Assert.True(link < rows));
            Assert.Equal(links.Order().Distinct(), links);
        }
        Assert.True(passed > 10, $"{passed}");
    }

    [Theory, Seeds(10)]
    public void Every_row_gets_one_number_and_neighbours_share_pages(ulong seed)
    {
        var random = new SeededRandom(seed);
        // A grid, its rows shuffled: four links each.
        var side = 10 + random.Next(30);
        var rows = side * side;
        var names = Enumerable.Range(0, rows).ToArray();
        for (var i = rows - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (names[i], names[j]) = (names[j], names[i]);
        }
        var links = new uint[rows][];
        for (var at = 0; at < rows; at++)
        {
            var all = new List<uint>();
            if (at % side > 0) all.Add((uint)names[at - 1]);
            if (at % side < side - 1) all.Add((uint)names[at + 1]);
            if (at >= side) all.Add((uint)names[at - side]);
            if (at < rows - side) all.Add((uint)names[at + side]);
            links[names[at]] = [.. all];
        }
        var order = PageOrder.Of(rows, 8, 4, (row, target) =>
        {
            links[row].CopyTo(target);
            return links[row].Length;
        });
        Assert.Equal(Enumerable.Range(0, rows), order.Select(r => (int)r).Order());
        var number = new int[rows];
        for (var i = 0; i < rows; i++) number[order[i]] = i;
        var together = links.SelectMany((l, row) => l.Select(to => number[row] / 8 == number[to] / 8)).Average(same => same ? 1.0 : 0);
        // Of a patch of eight at best ten of its some sixteen edges lie within; by chance hardly any would.
        Assert.True(together > 0.4, $"{together}");
    }

    [Fact]
    public void Rows_without_links_are_numbered_too()
    {
        Assert.Equal([0u, 1, 2, 3, 4], PageOrder.Of(5, 2, 4, (_, _) => 0));
        Assert.Equal([0u, 3, 1, 2, 4], PageOrder.Of(5, 3, 4, (row, links) =>
        {
            if (row is 0 or 3) links[0] = 3 - row;
            return row is 0 or 3 ? 1 : 0;
        }));
    }

    [Fact]
    public void Pages_have_a_size_that_wastes_little()
    {
        foreach (var dimension in (int[])[1, 3, 16, 100, 128, 384, 768, 1000, 1024, 1536, 3072, 65_536])
        {
            var shape = new VectorShape(ElementType.Float32, Metric.L2, dimension);
            var pages = new PageLayout(shape, PageLayout.BytesFor(shape));
            Assert.True(pages.RowsPerPage >= 1);
            Assert.True(pages.PageBytes is >= PageLayout.Unit and <= PageLayout.BytesMax && pages.PageBytes % PageLayout.Unit == 0);
            Assert.True(pages.RowsPerPage * (pages.VectorBytes + 8) + PageLayout.TrailerBytes <= pages.PageBytes);
            Assert.True(pages.RowsPerPage * (pages.VectorBytes + 8) >= 0.7 * pages.PageBytes, $"{dimension}: {pages.RowsPerPage} in {pages.PageBytes}");
        }
        Assert.Equal((4096, 7), Of(128));
        static (int, int) Of(int dimension)
        {
            var shape = new VectorShape(ElementType.Float32, Metric.L2, dimension);
            return (PageLayout.BytesFor(shape), new PageLayout(shape, PageLayout.BytesFor(shape)).RowsPerPage);
        }
    }

    [Fact]
    public void A_page_is_known_for_the_one_it_is()
    {
        var shape = new VectorShape(ElementType.Int8, Metric.L2, 13);
        var pages = new PageLayout(shape, PageLayout.BytesFor(shape));
        var memory = new byte[pages.PageBytes];
        fixed (byte* page = memory)
        {
            for (var i = 0; i < pages.RowsPerPage; i++) pages.SetId(page, i, ulong.MaxValue - (ulong)i);
            pages.Seal(page, 7, pages.RowsPerPage, 99);
            pages.Check(page, 7, pages.RowsPerPage, 99, "f");
            for (var i = 0; i < pages.RowsPerPage; i++) Assert.Equal(ulong.MaxValue - (ulong)i, pages.Id(page, i));
            var p = page;
            Refused(() => pages.Check(p, 8, pages.RowsPerPage, 99, "f"));
            Refused(() => pages.Check(p, 7, pages.RowsPerPage - 1, 99, "f"));
            Refused(() => pages.Check(p, 7, pages.RowsPerPage, 98, "f"));
            for (var i = 0; i < memory.Length; i += 13)
            {
                memory[i] ^= 4;
                Refused(() => pages.Check(p, 7, pages.RowsPerPage, 99, "f"));
                memory[i] ^= 4;
            }
        }
        static void Refused(Action check) => Assert.Equal(ErrorCode.Corruption, Assert.Throws<CorruptionException>(check).Code);
    }
}
