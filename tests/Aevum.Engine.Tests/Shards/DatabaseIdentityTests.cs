using System.Text.RegularExpressions;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Testing;

namespace Aevum.Engine.Tests.Shards;

public sealed class DatabaseIdentityTests
{
    static readonly DatabaseIdentity Sample = new(new Guid("00010203-0405-0607-0809-0a0b0c0d0e0f"), 1, [new(1, []), new(2, [0x01, 0x6D])]);

    [Fact]
    public void The_page_shows_the_bytes()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs/formats/database.md"));
        var block = page[(page.IndexOf("```", page.IndexOf("## Sample", StringComparison.Ordinal), StringComparison.Ordinal) + 3)..];
        block = block[..block.IndexOf("```", StringComparison.Ordinal)];
        var rows = block.Split('\n').Select(line => Regex.Match(line, "^(?:[0-9A-F]{2} {1,2})+").Value);
        var shown = string.Concat(rows).Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(Convert.ToHexString(Sample.Encode()), shown);
    }

    [Fact]
    public void It_comes_back_from_a_file()
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("db");
        Assert.False(DatabaseIdentity.Exists(files, "db"));
        Sample.Write(files, "db");
        var read = DatabaseIdentity.Read(files, "db");
        Assert.Equal((Sample.DatabaseId, Sample.Timeline), (read.DatabaseId, read.Timeline));
        Assert.Equal(Sample.Shards.Select(s => (s.Id, Convert.ToHexString(s.Start))), read.Shards.Select(s => (s.Id, Convert.ToHexString(s.Start))));
        Assert.Equal([DatabaseIdentity.FileName], files.ListFiles("db"));
    }

    [Theory, Seeds(100)]
    public void Damage_is_named(ulong seed)
    {
        var random = new SeededRandom(seed);
        var bytes = Sample.Encode();
        var whole = bytes.ToArray();
        for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        if (random.OneIn(3)) bytes = bytes.AsSpan(0, random.Next(bytes.Length)).ToArray();
        if (bytes.AsSpan().SequenceEqual(whole)) return;
        var refusal = Assert.ThrowsAny<AevumException>(() => DatabaseIdentity.Decode(bytes, "DATABASE"));
        Assert.True(refusal.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat);
        Assert.Contains("DATABASE", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_out_of_order_are_refused_although_the_checksum_holds()
    {
        foreach (var shards in new ShardBounds[][]
        {
            [], [new(1, [1])], [new(0, [])], [new(1, []), new(1, [1])], [new(1, []), new(2, [2]), new(3, [1])], [new(1, []), new(2, [])],
        })
            Assert.Throws<CorruptionException>(() => DatabaseIdentity.Decode((Sample with { Shards = shards }).Encode(), "DATABASE"));
    }
}
