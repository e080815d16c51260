// The rows of streams as bytes (docs/formats/structures.md): commands write those of the fixture, and those of the fixture are read by commands.
// An incarnation is a time; in the fixture each is shown as 1122334455667788. When a consumer was seen is shown as 0.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class StreamFormatTests
{
    const ulong Shown = 0x1122334455667788;
    const string Script = "testdata/stream-rows/rows.txt";

    [Fact]
    public void Rows_are_written_as_they_were()
    {
        using var world = new RespWorld();
        Golden.Run(Script, step => step.Name switch
        {
            "ask" => string.Join('\n', step.InputLines.Select(world.Ask)),
            "rows" => Rows(world),
            _ => throw step.Unknown(),
        });
    }

    [Fact]
    public void Rows_are_read_as_they_were_written()
    {
        using var world = new RespWorld();
        var prefix = Prefix(world);
        var batch = new StepBatch { Namespace = world.Server.Databases.Session.Default.Id.Namespace };
        foreach (var line in File.ReadLines(Path.Combine(TestFolders.Project, Script)))
        {
            if (line.Split(" = ") is not [var key, var value]) continue;
            batch.Put([.. prefix, .. Convert.FromHexString(key)], Convert.FromHexString(value == "-" ? "" : value));
        }
        Assert.NotEqual(0, batch.Count);
        world.Database.Router.Shards[0].Commit(batch);
        Assert.Equal(2, StructureChecker.Check(world));
        Assert.Equal("[[1-1, [f, v]], [2-0, [g, x]], [3-0, [f, 12, g, 34]], [300-1, [f, y]]]", world.Ask("XRANGE s - +"));
        Assert.Equal("[2, 1-1, 3-0, [[c, 2]]]", world.Ask("XPENDING s grp"));
        Assert.Equal("[[name, grp, consumers, 1, pending, 2, last-delivered-id, 3-0, entries-read, 4, lag, 1], "
            + "[name, two, consumers, 0, pending, 0, last-delivered-id, 300-1, entries-read, (nil), lag, 0]]", world.Ask("XINFO GROUPS s"));
        Assert.StartsWith("[length, 4, radix-tree-keys, 3, radix-tree-nodes, 4, last-generated-id, 300-1, max-deleted-entry-id, 1-2, entries-added, 5, "
            + "recorded-first-entry-id, 1-1, ", world.Ask("XINFO STREAM s"), StringComparison.Ordinal);
        Assert.Equal("[[s, [[1-1, [f, v]], [3-0, [f, 12, g, 34]]]]]", world.Ask("XREADGROUP GROUP grp c STREAMS s 0"));
        Assert.Equal("[[s, [[300-1, [f, y]]]]]", world.Ask("XREADGROUP GROUP grp d STREAMS s >"));
        Assert.Equal("(error) ERR The ID specified in XADD is equal or smaller than the target stream top item", world.Ask("XADD empty 1-1 f v"));
        Assert.Equal("3", world.Ask("XTRIM s MAXLEN 1"));
        Assert.Equal(2, StructureChecker.Check(world));
    }

    static byte[] Prefix(RespWorld world)
    {
        var prefix = new byte[8];
        world.Server.Databases.IdOf(0).WriteTo(prefix);
        return prefix;
    }

    static string Rows(RespWorld world)
    {
        var start = Prefix(world);
        var end = start.ToArray();
        BinaryPrimitives.WriteUInt64BigEndian(end, BinaryPrimitives.ReadUInt64BigEndian(end) + 1);
        var lines = new Lines();
        new ViewReader(world.Database.Router) { Time = world.Database.Clock.Now }.Scan(start, end, lines);
        return string.Join('\n', lines.All);
    }

    sealed class Lines : IRowVisitor
    {
        const byte ConsumerFamily = 4;

        public List<string> All { get; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue found)
        {
            var (own, value) = (key.ToArray(), found.Bytes.ToArray());
            var headLength = StructureKey.HeadLengthOf(key);
            if (headLength < key.Length)
            {
                BinaryPrimitives.WriteUInt64BigEndian(own.AsSpan(headLength), Shown);
                if (own[headLength + 8] == ConsumerFamily) value.AsSpan(0, 8).Clear();
            }
            else
            {
                BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(1), Shown);
            }
            All.Add($"{Convert.ToHexStringLower(own.AsSpan(8))} = {(value.Length == 0 ? "-" : Convert.ToHexStringLower(value))}");
            return true;
        }
    }
}
