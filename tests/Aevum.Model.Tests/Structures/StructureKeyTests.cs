using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Model.Tests.Structures;

public sealed class StructureKeyTests
{
    static readonly KeyspaceId Keyspace = new(1, 7);

    static byte[] Head(byte[] userKey)
    {
        var target = new byte[StructureKey.HeadBytesMax(userKey.Length)];
        return target[..StructureKey.WriteHead(target, Keyspace, userKey)];
    }

    static byte[] Element(byte[] head, ulong incarnation, byte family, byte[] own)
    {
        var prefix = new byte[StructureKey.ElementPrefixBytes];
        StructureKey.WriteElementPrefix(prefix, incarnation, family);
        return [.. head, .. prefix, .. own];
    }

    static byte[] RandomKey(SeededRandom random)
    {
        var key = new byte[random.Next(6)];
        for (var i = 0; i < key.Length; i++) key[i] = random.OneIn(2) ? (byte)random.Next(3) : random.OneIn(3) ? (byte)0xFF : (byte)random.Next(256);
        return key;
    }

    [Fact]
    public void Heads_are_written_as_ordered_keys_are()
    {
        var random = new SeededRandom(1);
        for (var i = 0; i < 2000; i++)
        {
            var key = RandomKey(random);
            var expected = new OrderedKeyWriter().AddUInt32(Keyspace.Namespace).AddUInt32(Keyspace.Keyspace).AddBytes(key);
            Assert.Equal(expected.Key.ToArray(), Head(key));
            var back = new byte[Head(key).Length];
            Assert.Equal(key, back[..StructureKey.ReadUserKey(Head(key), back)]);
        }
    }

    [Fact]
    public void Elements_lie_between_their_head_and_the_next_one()
    {
        var random = new SeededRandom(2);
        for (var i = 0; i < 2000; i++)
        {
            var (a, b) = (RandomKey(random), RandomKey(random));
            var order = Math.Sign(KeyComparer.Instance.Compare(a, b));
            Assert.Equal(order, Math.Sign(KeyComparer.Instance.Compare(Head(a), Head(b))));
            var element = Element(Head(a), random.NextUInt64(), (byte)random.Next(256), RandomKey(random));
            var end = new byte[Head(a).Length];
            StructureKey.WriteEndOf(Head(a), end);
            Assert.True(KeyComparer.Instance.Compare(Head(a), element) < 0 && KeyComparer.Instance.Compare(element, end) < 0);
            if (order < 0) Assert.True(KeyComparer.Instance.Compare(end, Head(b)) <= 0);
            if (order > 0) Assert.True(KeyComparer.Instance.Compare(Head(b), element) < 0);
            Assert.Equal(Head(a).Length, StructureKey.HeadLengthOf(element));
            Assert.Equal(Head(a).Length, StructureKey.HeadLengthOf(Head(a)));
        }
    }

    [Fact]
    public void Any_bytes_are_a_key_or_none_and_a_head_or_corruption()
    {
        var random = new SeededRandom(3);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(40)];
            for (var j = 0; j < bytes.Length; j++) bytes[j] = (byte)(random.OneIn(3) ? 0 : random.Next(256));
            Assert.InRange(StructureKey.HeadLengthOf(bytes), -1, bytes.Length);
            try
            {
                var head = StructureHead.Read(bytes);
                Assert.True(head.Rest.Length < bytes.Length);
            }
            catch (CorruptionException)
            {
            }
        }
    }

    [Fact]
    public void A_large_head_reads_as_it_was_written()
    {
        var value = new byte[1 + StructureHead.LargeBytes + 1];
        Assert.Equal(1, StructureHead.WritePrefix(value, StructureKind.List, isLarge: true, default, false, default, out _));
        StructureHead.WriteLarge(value.AsSpan(1), 0x0123456789ABCDEF, 5_000_000_000);
        value[^1] = 9;
        var head = StructureHead.Read(value);
        Assert.Equal(
            (StructureKind.List, true, 0x0123456789ABCDEFUL, 5_000_000_000L, 1), (head.Kind, head.IsLarge, head.Incarnation, head.Count, head.Rest.Length));
        var text = StructureHead.Read([StructureHead.TagOf(StructureKind.String), 1, 2]);
        Assert.Equal((StructureKind.String, false, 2), (text.Kind, text.IsLarge, text.Rest.Length));
    }

    [Fact]
    public void A_head_that_was_renamed_names_its_home()
    {
        byte[] home = [0, 0, 0, 1, 0, 0, 0, 2, (byte)'k', 0, 1];
        var value = new byte[StructureHead.PrefixBytesMax + home.Length + StructureHead.LargeBytes];
        var own = KeyExpiry.FromMilliseconds(9_007_199_254_740_993);
        var at = StructureHead.WritePrefix(value, StructureKind.Hash, isLarge: true, own, true, new SystemTime(77), out var rowExpiry, home);
        Assert.Equal(StructureHead.PrefixBytesMax + home.Length, at);
        StructureHead.WriteLarge(value.AsSpan(at), 5, 200);
        StructureHead.WriteIncarnation(value, 6);
        var head = StructureHead.Read(value);
        Assert.Equal((StructureKind.Hash, 6UL, 200L, 0), (head.Kind, head.Incarnation, head.Count, head.Rest.Length));
        Assert.Equal((own, new SystemTime(77), new SystemTime(77)), (head.ExpiryOf(rowExpiry), head.FieldsUntil, rowExpiry));
        Assert.True(head.Home.SequenceEqual(home));
        for (var length = 1; length < value.Length; length++) Assert.Throws<CorruptionException>(() => StructureHead.Read(value.AsSpan(0, length)));
        value[0] &= 0x7F;   // renamed, but not large
        Assert.Throws<CorruptionException>(() => StructureHead.Read(value));
    }

    [Fact]
    public void Rows_of_an_incarnation_lie_between_its_bounds()
    {
        byte[] home = [0, 0, 0, 1, 0, 0, 0, 2, (byte)'k', 0, 1];
        var (start, end) = StructureKey.RangeOf(home, 0x1122334455667788);
        Assert.Equal("00000001000000026b00011122334455667788", Convert.ToHexStringLower(start));
        Assert.Equal("00000001000000026b00011122334455667789", Convert.ToHexStringLower(end));
        Assert.Equal([.. start, StructureKey.OwnerFamily], StructureKey.OwnerOf(home, 0x1122334455667788));
    }
}
