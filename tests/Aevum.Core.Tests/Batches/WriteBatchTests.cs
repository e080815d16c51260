using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Batches;

public sealed class WriteBatchTests
{
    /// <summary>An effect as a plain value; keys and values are Latin-1 text, one byte a character.</summary>
    sealed record PlainEffect(EffectKind Kind, string Key, string Value = "", ulong Expiry = 0);

    static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    static List<PlainEffect> Read(ReadOnlySpan<byte> encoded)
    {
        var effects = new List<PlainEffect>();
        var reader = new BatchReader(encoded);
        while (reader.TryRead(out var effect))
            effects.Add(new(effect.Kind, Text(effect.Key), Text(effect.Value), effect.Expiry.Value));
        Assert.Equal(effects.Count, reader.Count);
        Assert.Equal(encoded.Length, reader.Consumed);
        return effects;
    }

    // The oracle of a batch: the list of its effects, from which a range delete takes the single-key effects that it covers.
    static void AddTo(List<PlainEffect> effects, PlainEffect effect)
    {
        if (effect.Kind == EffectKind.DeleteRange)
        {
            if (string.CompareOrdinal(effect.Key, effect.Value) >= 0) return;
            effects.RemoveAll(e => e.Kind != EffectKind.DeleteRange && Covers(effect, e.Key));
        }
        effects.Add(effect);
    }

    static bool Covers(PlainEffect range, string key) =>
        string.CompareOrdinal(key, range.Key) >= 0 && string.CompareOrdinal(key, range.Value) < 0;

    static void AddTo(WriteBatch batch, PlainEffect effect)
    {
        switch (effect.Kind)
        {
            case EffectKind.Put: batch.Put(Bytes(effect.Key), Bytes(effect.Value), new SystemTime(effect.Expiry)); break;
            case EffectKind.Merge: batch.Merge(Bytes(effect.Key), Bytes(effect.Value)); break;
            case EffectKind.Delete: batch.Delete(Bytes(effect.Key)); break;
            default: batch.DeleteRange(Bytes(effect.Key), Bytes(effect.Value)); break;
        }
    }

    static string DrawKey(SeededRandom random)
    {
        var key = new char[random.OneIn(50) ? random.Next(300) : random.Next(4)];
        for (var i = 0; i < key.Length; i++) key[i] = random.OneIn(10) ? (char)random.Next(256) : (char)('a' + random.Next(4));
        return new string(key);
    }

    static PlainEffect Draw(SeededRandom random) => random.Next(8) switch
    {
        0 or 1 or 2 => new(EffectKind.Put, DrawKey(random), DrawKey(random), random.OneIn(3) ? random.NextUInt64() >> 1 : 0),
        3 or 4 => new(EffectKind.Merge, DrawKey(random), DrawKey(random)),
        5 or 6 => new(EffectKind.Delete, DrawKey(random)),
        _ => new(EffectKind.DeleteRange, DrawKey(random), DrawKey(random)),
    };

    [Theory, Seeds(4)]
    public void Holds_what_the_oracle_holds(ulong seed)
    {
        var random = new SeededRandom(seed);
        var batch = new WriteBatch(capacity: 16);
        for (var round = 0; round < 300; round++)
        {
            batch.Clear();
            var time = new SystemTime(random.NextUInt64() >> 1);
            batch.SystemTime = time;
            var oracle = new List<PlainEffect>();
            for (var n = random.Next(25); n > 0; n--)
            {
                var effect = Draw(random);
                AddTo(batch, effect);
                AddTo(oracle, effect);
                Assert.Equal(oracle.Count, batch.Count);
                Assert.Equal(oracle.Exists(e => e.Kind == EffectKind.Merge), batch.HasMerges);
            }
            Assert.Equal(oracle, Read(batch.Encoded));
            Assert.Equal(time, batch.SystemTime);
            Assert.Equal(time, new BatchReader(batch.Encoded).SystemTime);
        }
    }

    // Why covered effects are removed: whoever applies a batch may do its range deletes first, and what comes out is what comes of doing
    // all in order.
    [Theory, Seeds(4)]
    public void Range_deletes_first_gives_the_same_keys_as_all_in_order(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 400; round++)
        {
            var effects = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Draw(random)).ToArray();
            var batch = new WriteBatch();
            foreach (var effect in effects) AddTo(batch, effect);
            var written = Read(batch.Encoded);

            var before = new Dictionary<string, string>();
            for (var n = random.Next(20); n > 0; n--) before[DrawKey(random)] = "before";
            var inOrder = Apply(before, effects.Where(e => e.Kind != EffectKind.DeleteRange || string.CompareOrdinal(e.Key, e.Value) < 0));
            var rangesFirst = Apply(before, written.OrderByDescending(e => e.Kind == EffectKind.DeleteRange));   // a stable sort
            Assert.Equal(inOrder, rangesFirst);
        }
    }

    static SortedDictionary<string, string> Apply(Dictionary<string, string> before, IEnumerable<PlainEffect> effects)
    {
        var state = new SortedDictionary<string, string>(before, StringComparer.Ordinal);
        foreach (var effect in effects)
        {
            switch (effect.Kind)
            {
                case EffectKind.Put: state[effect.Key] = effect.Value; break;
                case EffectKind.Merge: state[effect.Key] = state.GetValueOrDefault(effect.Key, "") + "|" + effect.Value; break;
                case EffectKind.Delete: state.Remove(effect.Key); break;
                default:
                    foreach (var key in state.Keys.Where(k => Covers(effect, k)).ToArray()) state.Remove(key);
                    break;
            }
        }
        return state;
    }

    [Fact]
    public void A_new_and_a_cleared_batch_are_the_same_empty_one()
    {
        var batch = new WriteBatch();
        var empty = batch.Encoded.ToArray();
        Assert.Equal(new byte[WriteBatch.HeaderBytes], empty);
        batch.SystemTime = new SystemTime(5);
        batch.Put("a"u8, "b"u8);
        batch.Merge("a"u8, "b"u8);
        batch.Clear();
        Assert.Equal(empty, batch.Encoded.ToArray());
        Assert.Equal(0, batch.Count);
        Assert.False(batch.HasMerges);
        Assert.Empty(Read(batch.Encoded));
    }

    [Fact]
    public void An_empty_or_inverted_range_is_no_effect()
    {
        var batch = new WriteBatch();
        batch.Put("b"u8, "1"u8);
        batch.DeleteRange("b"u8, "b"u8);
        batch.DeleteRange("c"u8, "a"u8);
        Assert.Equal([new PlainEffect(EffectKind.Put, "b", "1")], Read(batch.Encoded));
    }

    [Fact]
    public void Sizes_above_their_limits_are_refused_and_leave_the_batch_as_it_was()
    {
        var limits = new BatchLimits { KeyBytesMax = 10, ValueBytesMax = 100, BatchBytesMax = 300 };
        var batch = new WriteBatch(limits);
        byte[] longKey = new byte[11], longValue = new byte[101];
        batch.Put("a"u8, new byte[100]);
        batch.Merge("b"u8, new byte[90]);
        var before = batch.Encoded.ToArray();

        Action[] refused =
        [
            () => batch.Put(longKey, []), () => batch.Delete(longKey), () => batch.Merge(longKey, []),
            () => batch.Put("k"u8, longValue), () => batch.Merge("k"u8, longValue), () => batch.Put("k"u8, new byte[100]),
            () => batch.DeleteRange(longKey, "z"u8), () => batch.DeleteRange("a"u8, [(byte)'z', .. longKey]),
        ];
        foreach (var action in refused)
        {
            Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(action).Code);
            Assert.Equal(before, batch.Encoded.ToArray());
            Assert.Equal((2, true), (batch.Count, batch.HasMerges));
        }
        batch.DeleteRange("a"u8, "c"u8);
        Assert.Equal([new PlainEffect(EffectKind.DeleteRange, "a", "c")], Read(batch.Encoded));
    }

    [Fact]
    public void A_range_delete_that_does_not_fit_removes_nothing()
    {
        var batch = new WriteBatch(new BatchLimits { BatchBytesMax = 100 });
        batch.Put("a"u8, new byte[70]);
        var before = batch.Encoded.ToArray();
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => batch.DeleteRange("a"u8, "b"u8)).Code);
        Assert.Equal(before, batch.Encoded.ToArray());
    }

    [Fact]
    public void A_single_effect_may_be_larger_than_a_batch()
    {
        var batch = new WriteBatch(new BatchLimits { BatchBytesMax = 100 });
        batch.Put("a"u8, new byte[5000]);
        Assert.Equal(5000, Read(batch.Encoded)[0].Value.Length);
    }

    [Fact]
    public void A_batch_that_is_used_again_allocates_nothing()
    {
        var batch = new WriteBatch();
        void Fill()
        {
            batch.Clear();
            batch.SystemTime = new SystemTime(1);
            for (var i = 0; i < 10; i++) batch.Put("some key"u8, "some value"u8);
            batch.DeleteRange("a"u8, "b"u8);
        }
        for (var i = 0; i < 100; i++) Fill();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Fill();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
