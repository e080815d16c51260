// StructureChecker: looks at the rows themselves, whatever commands say: each head's count is what is there, packed objects lie within their bounds,
// each sorted set's two families agree, a list has no gap, a stream's entries lie in its nodes and its groups count what they have.
// Written anew from docs/formats/structures.md, without what the commands use.

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
            var home = head.Home.IsEmpty ? key : head.Home.ToArray();
            var elements = rows.All.Where(r => r.Key.Length > home.Length && r.Key.AsSpan().StartsWith(home) &&
                BinaryPrimitives.ReadUInt64BigEndian(r.Key.AsSpan(home.Length)) == incarnation).ToArray();
            // Who has the elements is said beside them if it is not the head before them.
            var owners = elements.Where(e => e.Key[home.Length + 8] == 0).ToArray();
            Assert.Equal(home.AsSpan().SequenceEqual(key) ? [] : [Convert.ToHexString(key)], owners.Select(o => Convert.ToHexString(o.Value)));
            Assert.False(head.Home.SequenceEqual(key));
            CheckLarge(head, world.Database.Clock.Now.Value,
                elements.Except(owners).Select(e => (e.Key[home.Length + 8], e.Key[(home.Length + 9)..], e.Value)).ToArray());
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
        if (head.Kind == StructureKind.Stream)
        {
            CheckStream(head, elements);
            return;
        }
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

    // ------------------------------------------------------------------------------------------------ streams

    static void CheckStream(StructureHead head, (byte Family, byte[] Own, byte[] Value)[] elements)
    {
        var rest = head.Rest;
        Assert.Equal(120, rest.Length);
        var (last, first, count) = (Text(rest[..16]), Text(rest[16..32]), head.Count);
        var none = new string('0', 32);
        var ids = elements.Where(e => e.Family == 1).Select(e => Text(e.Own)).ToArray();
        Assert.Equal(count, ids.Length);
        Assert.All(ids, id => Assert.Equal(32, id.Length));
        Assert.Equal(ids.Length == 0 ? none : ids[0], first);
        Assert.True(ids.Length == 0 || string.CompareOrdinal(ids[^1], last) <= 0);
        Assert.True(BinaryPrimitives.ReadUInt64LittleEndian(rest[48..]) <= long.MaxValue);
        CheckNodes(rest, ids, elements.Where(e => e.Family == 2).ToArray());
        Assert.All(elements, e => Assert.InRange(e.Family, 1, 6));
        foreach (var entry in elements.Where(e => e.Family == 1))
        {
            Assert.True(entry.Value[0] < 0x80);
            Assert.Equal(2 * entry.Value[0], PackedEntries.Count(entry.Value.AsSpan(1)));
        }
        var groups = elements.Where(e => e.Family == 3).ToArray();
        Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(rest[60..]), (uint)groups.Length);
        var numbers = groups.Select(g => BinaryPrimitives.ReadUInt32LittleEndian(g.Value)).ToArray();
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
        var highest = BinaryPrimitives.ReadUInt32LittleEndian(rest[64..]);
        Assert.All(numbers, number => Assert.InRange(number, 1u, highest));
        foreach (var row in elements.Where(e => e.Family >= 4)) Assert.Contains(BinaryPrimitives.ReadUInt32BigEndian(row.Own), numbers);
        foreach (var group in groups) CheckGroup(group.Value, elements);
    }

    static void CheckNodes(ReadOnlySpan<byte> rest, string[] ids, (byte Family, byte[] Own, byte[] Value)[] full)
    {
        var nodes = BinaryPrimitives.ReadUInt32LittleEndian(rest[56..]);
        var all = full.Select(n => (First: Text(n.Own), n.Value)).ToList();
        if (nodes > 0) all.Add((Text(rest[68..84]), rest[84..].ToArray()));
        else Assert.Equal(-1, rest[68..].IndexOfAnyExcept((byte)0));
        Assert.Equal(nodes, (uint)all.Count);
        var before = "";
        var counted = 0;
        foreach (var (first, value) in all)
        {
            Assert.Equal(36, value.Length);
            var last = Text(value.AsSpan(0, 16));
            Assert.True(string.CompareOrdinal(before, first) < 0 && string.CompareOrdinal(first, last) <= 0);
            before = last;
            var live = BinaryPrimitives.ReadUInt32LittleEndian(value.AsSpan(16));
            Assert.Equal(live, (uint)ids.Count(id => string.CompareOrdinal(first, id) <= 0 && string.CompareOrdinal(id, last) <= 0));
            counted += (int)live;
        }
        Assert.Equal(ids.Length, counted);
    }

    static void CheckGroup(byte[] group, (byte Family, byte[] Own, byte[] Value)[] elements)
    {
        Assert.Equal(40, group.Length);
        var number = BinaryPrimitives.ReadUInt32LittleEndian(group);
        bool IsIts((byte Family, byte[] Own, byte[] Value) row) => BinaryPrimitives.ReadUInt32BigEndian(row.Own) == number;
        var consumers = elements.Where(e => e.Family == 4 && IsIts(e)).ToArray();
        var pending = elements.Where(e => e.Family == 5 && IsIts(e)).ToArray();
        var owned = elements.Where(e => e.Family == 6 && IsIts(e)).ToArray();
        Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(group.AsSpan(28)), (uint)consumers.Length);
        Assert.Equal(BinaryPrimitives.ReadInt64LittleEndian(group.AsSpan(32)), pending.Length);
        var names = consumers.Select(c => Text(c.Own.AsSpan(4))).ToArray();
        foreach (var consumer in consumers)
        {
            var name = Text(consumer.Own.AsSpan(4));
            Assert.Equal(BinaryPrimitives.ReadInt64LittleEndian(consumer.Value.AsSpan(8)), pending.Count(p => Text(p.Value.AsSpan(16)) == name));
        }
        Assert.All(pending, p => Assert.Contains(Text(p.Value.AsSpan(16)), names));
        Assert.Equal(
            pending.Select(p => Text(p.Value.AsSpan(16)) + Text(p.Own.AsSpan(4))).Order(StringComparer.Ordinal),
            owned.Select(o =>
            {
                var length = (int)BinaryPrimitives.ReadUInt32BigEndian(o.Own.AsSpan(4));
                return Text(o.Own.AsSpan(8, length)) + Text(o.Own.AsSpan(8 + length));
            }).Order(StringComparer.Ordinal));
    }

    static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);

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
