using Aevum.Core.Scheduling;
using Aevum.Model.Keyspace;
using Aevum.Testing;

namespace Aevum.Model.Tests.Keyspace;

public sealed class KeyLayoutTests
{
    [Fact]
    public void A_key_begins_with_its_namespace_and_keyspace()
    {
        var key = KeyLayout.Make(new KeyspaceId(0x01020304, 0xA0B0C0D0), "user"u8);
        Assert.Equal([1, 2, 3, 4, 0xA0, 0xB0, 0xC0, 0xD0, .. "user"u8], key);
        Assert.Equal("user"u8.ToArray(), KeyLayout.UserKeyOf(key).ToArray());
        Assert.True(KeyspaceId.TryRead(key, out var id));
        Assert.Equal(new KeyspaceId(0x01020304, 0xA0B0C0D0), id);
    }

    [Theory, Seeds(50)]
    public void Keys_sort_by_namespace_then_keyspace_then_user_key(ulong seed)
    {
        var random = new SeededRandom(seed);
        (KeyspaceId Id, byte[] User) Draw()
        {
            var user = new byte[random.Next(4)];
            random.Fill(user);
            return (new KeyspaceId((uint)random.Next(3), (uint)random.NextUInt64()), user);
        }
        for (var i = 0; i < 100; i++)
        {
            var (a, b) = (Draw(), Draw());
            var meaning = (a.Id.Namespace, a.Id.Keyspace).CompareTo((b.Id.Namespace, b.Id.Keyspace));
            if (meaning == 0) meaning = a.User.AsSpan().SequenceCompareTo(b.User);
            Assert.Equal(Math.Sign(meaning), Math.Sign(KeyLayout.Make(a.Id, a.User).AsSpan().SequenceCompareTo(KeyLayout.Make(b.Id, b.User))));
        }
    }

    [Fact]
    public void A_range_ends_where_the_prefix_does()
    {
        var (start, end) = KeyLayout.RangeOf(new KeyspaceId(1, 2), "ab"u8);
        Assert.Equal([0, 0, 0, 1, 0, 0, 0, 2, .. "ab"u8], start);
        Assert.Equal([0, 0, 0, 1, 0, 0, 0, 2, .. "ac"u8], end);
        Assert.Equal([0, 0, 0, 2], KeyLayout.RangeOf(new KeyspaceId(1, uint.MaxValue)).End);
        Assert.Null(KeyLayout.RangeOf(new KeyspaceId(uint.MaxValue, uint.MaxValue)).End);
    }

    [Fact]
    public void A_key_too_short_for_a_keyspace_is_told_so() => Assert.False(KeyspaceId.TryRead(new byte[7], out _));
}
