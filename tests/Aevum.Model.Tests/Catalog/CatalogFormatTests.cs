// Rows written by an earlier build are read, and docs/formats/catalog.md shows them. Until release 0.1 a change of format changes the
// fixture too: AEVUM_GOLDENS=rewrite writes it anew.

using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

public sealed partial class CatalogFormatTests
{
    static readonly string Fixture = Path.Combine(TestFolders.Project, "testdata", "catalog", "v1.rows");

    // A row a line: version, key, value.
    static string Write(IEnumerable<CatalogRow> rows) => string.Concat(rows.Select(row =>
        string.Create(CultureInfo.InvariantCulture, $"{row.Version} {Convert.ToHexStringLower(row.Key)} {Convert.ToHexStringLower(row.Value!)}\n")));

    internal static List<CatalogRow> ReadFixture()
    {
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") File.WriteAllText(Fixture, Write(CatalogSample.Rows()));
        return [.. File.ReadAllLines(Fixture).Select(line => line.Split(' ')).Select(part => new CatalogRow(Convert.FromHexString(part[1]),
            Convert.FromHexString(part[2]), new SystemTime(ulong.Parse(part[0], CultureInfo.InvariantCulture))))];
    }

    [Fact]
    public void Rows_of_an_earlier_build_are_read()
    {
        var snapshot = CatalogSnapshot.FromRows(ReadFixture(), new SystemTime(1000));
        Assert.Equal(CatalogSample.Options, snapshot.FindKeyspace(1, "events")!.Options);
        Assert.Equal("""
            namespace 0 system
            namespace 1 default
            keyspace 1/0 default KeyspaceOptions { History = none, Compression = None, MergeOperator = , DefaultTimeToLive = , Collection =  }
            keyspace 1/1 events KeyspaceOptions { History = 01:00:00, Compression = Lz4, MergeOperator = append, DefaultTimeToLive = 1.00:00:00, Collection =  }
            principal 1 ada

            """, SlowCatalog.Listing(snapshot));
    }

    [Fact]
    public void The_same_rows_are_written_today() => Assert.Equal(File.ReadAllText(Fixture), Write(CatalogSample.Rows()));

    [Fact]
    public void The_page_shows_what_is_written()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "catalog.md"));
        var shown = string.Concat(Line().Matches(page.Split("```")[^2]).Select(match => match.Value.Replace(" ", "")));
        var written = CatalogSample.Rows().Select(row => Convert.ToHexStringLower(row.Key) + Convert.ToHexStringLower(row.Value!));
        Assert.Equal(string.Concat(written), shown);
    }

    // The hexadecimal pairs at the start of each line of the page's last code block, sixteen at most.
    [GeneratedRegex("^([0-9a-f]{2} ){1,16}", RegexOptions.Multiline)]
    private static partial Regex Line();
}
