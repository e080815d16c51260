// StructureChecker: looks at the rows themselves, whatever commands say: each head's count is what is there, packed objects lie within their bounds,
// each sorted set's two families agree, a list has no gap. Written anew from docs/formats/structures.md, without what the commands use.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Model.Access;
using Aevum.Model.Structures;

namespace Aevum.Server.Tests.Resp;

static class StructureChecker
{
    /// <summary>Checks all objects of the first database.</summary>
    /// <returns>How many of them are large.</returns>
    public static int Check(RespWorld world)
    {
        var keyspace = world.Server.Databases.IdOf(0);
        var reader = new ViewReader(world.Database.Router) { Time = world.Database.Clock.Now };
        var (start, end) = (new byte[8], new byte[8]);
        keyspace.WriteTo(start);
        keyspace.WriteTo(end);
        BinaryPrimitives.WriteUInt64BigEndian(end, BinaryPrimitives.ReadUInt64BigEndian(end) + 1);
        var rows = new Rows();
        reader.Scan(start, end, rows);
        var large = 0;
        foreach (var (key, value) in rows.All)
        {
            var headLength = StructureKey.HeadLengthOf(key);
            if (headLength != key.Length) continue;
            var head = StructureHead.Read(value);
            if (head.Kind == StructureKind.String) continue;
            if (!head.IsLarge)
            {
                CheckPacked(head);
                continue;
            }
            large++;
            var incarnation = head.Incarnation;
            var elements = rows.All.Where(r => r.Key.Length > headLength && r.Key.AsSpan().StartsWith(key) &&
                BinaryPrimitives.ReadUInt64BigEndian(r.Key.AsSpan(headLength)) == incarnation).ToArray();
            CheckLarge(head, world.Database.Clock.Now.Value, elements.Select(e => (e.Key[headLength + 8], e.Key[(headLength + 9)..], e.Value)).ToArray());
        }
        return large;
    }

    static void CheckPacked(StructureHead head)
    {
        var entries = new List<byte[]>();
        var at = 0;
        while (PackedEntries.TryRead(head.Rest, ref at, out var entry)) entries.Add(entry.ToArray());
        var entriesEach = head.FieldsExpire ? 3 : head.Kind == StructureKind.Hash ? 2 : 1;
        var elements = entries.Count / entriesEach;
        Assert.InRange(elements, 1, 128);
        Assert.True(head.Rest.Length <= 2048 + (head.FieldsExpire ? 9 * elements : 0));
        var texts = entries.Select(Convert.ToHexString).ToList();
        switch (head.Kind)
        {
            case StructureKind.Hash:
                Assert.Equal(0, entries.Count % entriesEach);
                Assert.Equal(elements, texts.Where((_, i) => i % entriesEach == 0).Distinct().Count());
                break;
            case StructureKind.Set:
                Assert.Equal(elements, texts.Distinct().Count());
                break;
            case StructureKind.SortedSet:
                Assert.Equal(elements, texts.Select(t => t[16..]).Distinct().Count());
                Assert.Equal(texts.Order(StringComparer.Ordinal), texts);
                break;
        }
    }

    static void CheckLarge(StructureHead head, ulong now, (byte Family, byte[] Own, byte[] Value)[] elements)
    {
        var first = elements.Where(e => e.Family == 1).ToArray();
        var expiries = elements.Where(e => e.Family == 3).ToArray();
        var due = expiries.Count(e => BinaryPrimitives.ReadUInt64BigEndian(e.Own) <= now);
        Assert.Equal(head.Count - due, first.Length);
        Assert.True(head.Count > 0);
        switch (head.Kind)
        {
            case StructureKind.List:
                var (low, high) = (BinaryPrimitives.ReadInt64LittleEndian(head.Rest), BinaryPrimitives.ReadInt64LittleEndian(head.Rest[8..]));
                Assert.Equal(head.Count, high - low + 1);
                Assert.Equal(Enumerable.Range(0, first.Length).Select(i => low + i),
                    first.Select(e => BinaryPrimitives.ReadInt64BigEndian(e.Own) ^ long.MinValue));
                break;
            case StructureKind.SortedSet:
                var second = elements.Where(e => e.Family == 2).ToArray();
                Assert.Equal(first.Select(e => Convert.ToHexString([.. e.Value, .. e.Own[6..]])).Order(StringComparer.Ordinal),
                    second.Select(e => Convert.ToHexString(e.Own)));
                Assert.Equal(elements.Length, first.Length + second.Length);
                break;
            default:
                Assert.Equal(elements.Length, first.Length + expiries.Length);
                Assert.Equal(head.FieldsExpire, expiries.Length > 0);
                if (head.FieldsExpire) Assert.Equal(expiries.Length, BinaryPrimitives.ReadInt64LittleEndian(head.Rest));
                Assert.Equal(expiries.Length, expiries.Select(e => Convert.ToHexString(e.Own[8..])).Distinct().Count());
                var fields = first.Select(e => Convert.ToHexString(e.Own[6..])).ToHashSet();
                Assert.Equal(expiries.Length - due, expiries.Count(e => fields.Contains(Convert.ToHexString(e.Own[8..]))
                    && BinaryPrimitives.ReadUInt64BigEndian(e.Own) > now));
                Assert.Equal(
                    head.FieldsExpire && expiries.Length == head.Count ? BinaryPrimitives.ReadUInt64BigEndian(expiries[^1].Own) : 0, head.FieldsUntil.Value);
                Assert.Equal(first.Length, first.Select(e => Convert.ToHexString(e.Own[6..])).Distinct().Count());
                break;
        }
    }

    sealed class Rows : IRowVisitor
    {
        public List<(byte[] Key, byte[] Value)> All { get; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            All.Add((key.ToArray(), value.Bytes.ToArray()));
            return true;
        }
    }
}
