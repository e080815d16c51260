// The rows of structures as bytes (docs/formats/structures.md): commands write those of the fixture, and those of the fixture are read by commands.
// An incarnation is a time; in the fixture each is shown as 1122334455667788.

using System.Buffers.Binary;
using System.Globalization;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Structures;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class StructureFormatTests
{
    const ulong Shown = 0x1122334455667788;
    const string Folder = "testdata/structures";

    public static TheoryData<string> Scripts => Golden.Scripts(Folder);

    [Theory, MemberData(nameof(Scripts))]
    public void Rows_are_written_as_they_were(string script)
    {
        using var world = new RespWorld();
        Golden.Run(script, step => step.Name switch
        {
            "ask" => string.Join('\n', step.InputLines.Select(world.Ask)),
            "many" => string.Join('\n', step.InputLines.Select(line => Many(world, line))),
            "rows" => Rows(world),
            _ => throw step.Unknown(),
        });
    }

    // "HSET h f# v#" for 0 to 129.
    static string Many(RespWorld world, string line)
    {
        var reply = "";
        for (var i = 0; i < 130; i++) reply = world.Ask(line.Replace("#", $"{i}", StringComparison.Ordinal));
        return reply;
    }

    [Theory, MemberData(nameof(Scripts))]
    public void Rows_are_read_as_they_were_written(string script)
    {
        using var world = new RespWorld();
        var prefix = Prefix(world);
        var batch = new StepBatch { Namespace = world.Server.Databases.Session.Default.Id.Namespace };
        foreach (var line in File.ReadLines(Path.Combine(TestFolders.Project, script)))
        {
            if (line.Split(" = ") is not [var key, var found]) continue;
            var parts = found.Split(" @");
            var expiry = parts.Length > 1 ? new SystemTime(ulong.Parse(parts[1], CultureInfo.InvariantCulture)) : default;
            batch.Put([.. prefix, .. Convert.FromHexString(key)], Convert.FromHexString(parts[0] == "-" ? "" : parts[0]), expiry);
        }
        Assert.NotEqual(0, batch.Count);
        world.Database.Router.Shards[0].Commit(batch);
        StructureChecker.Check(world);
        Assert.Equal("[f, v]", world.Ask("HGETALL h"));
        Assert.Equal("[a, b]", world.Ask("LRANGE l 0 -1"));
        Assert.Equal("[m]", world.Ask("SMEMBERS s"));
        Assert.Equal("[low, -1.5, m, 2]", world.Ask("ZRANGE z 0 -1 WITHSCORES"));
        Assert.Equal("v", world.Ask("HGET H keep"));
        Assert.Equal("[v8, v7]", world.Ask("LRANGE L 0 -1"));
        Assert.Equal("1", world.Ask("SISMEMBER S keep"));
        Assert.Equal("[m7, 7, m8, 8]", world.Ask("ZRANGE Z 0 -1 WITHSCORES"));
        Assert.Equal("7", world.Ask("ZSCORE Z m7"));
        Assert.Equal("9007199254740993", world.Ask("PEXPIRETIME t"));
        Assert.Equal("[f, v, g, w]", world.Ask("HGETALL p"));
        Assert.Equal("[4102444800000, -1]", world.Ask("HPEXPIRETIME p FIELDS 2 f g"));
        Assert.Equal("[9007199254740993, [4102444800000]]", $"[{world.Ask("PEXPIRETIME q")}, {world.Ask("HPEXPIRETIME q FIELDS 1 f")}]");
        Assert.Equal("[2, [4102444800000, -1]]", $"[{world.Ask("HLEN P")}, {world.Ask("HPEXPIRETIME P FIELDS 2 keep stay")}]");
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
        public List<string> All { get; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue found)
        {
            var (own, value) = (key.ToArray(), found.Bytes.ToArray());
            var headLength = StructureKey.HeadLengthOf(key);
            if (headLength < key.Length) BinaryPrimitives.WriteUInt64BigEndian(own.AsSpan(headLength), Shown);
            else if (StructureHead.Read(value).IsLarge) StructureHead.WriteIncarnation(value, Shown);
            var expiry = found.Expiry == SystemTime.None ? "" : $" @{found.Expiry}";
            All.Add($"{Convert.ToHexStringLower(own.AsSpan(8))} = {(value.Length == 0 ? "-" : Convert.ToHexStringLower(value))}{expiry}");
            return true;
        }
    }
}
