// Memory of superseded versions is used again, and never while anybody can be standing there. Oracle: a list of every version of every key.

using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed class VersionReuseTests
{
    const int RoundBytes = 512;

    static readonly MemtableOptions s_options = MemtableOptions.Default with { Forgets = key => key[0] == (byte)'f', ReuseRoundBytes = RoundBytes };

    static byte[] Key(char kind, int number) => Encoding.ASCII.GetBytes($"{kind}.keyspace.{number:D4}");

    // Says which version of which key it is, in every byte.
    static byte[] Value(byte[] key, ulong version, int length)
    {
        var value = new byte[length];
        var random = new SeededRandom((ulong)Core.Bytes.KeyComparer.Instance.GetHashCode(key) ^ (version * 977));
        for (var i = 0; i < length; i++) value[i] = (byte)random.Next(256);
        return value;
    }

    [Fact]
    public void Keys_that_are_written_again_and_again_stay_in_the_same_memory()
    {
        using var memtable = new Memtable(new ArenaPool(), s_options);
        for (ulong version = 1; version < 200_000; version++)
        {
            var key = Key('f', (int)(version % 50));
            memtable.Add(EffectKind.Put, key, version, 0, Value(key, version, 100));
            Turn(memtable, version);
        }
        Assert.InRange(memtable.AllocatedBytes, 1, 256 << 10);
        Assert.InRange(memtable.VersionCount, 50, 500);
        Assert.Equal(199_999, memtable.VersionsWritten);
    }

    [Fact]
    public void One_key_that_is_written_all_the_time_stays_in_the_same_memory()
    {
        using var memtable = new Memtable(new ArenaPool(), s_options);
        var key = Key('f', 1);
        for (ulong version = 1; version < 100_000; version++)
        {
            memtable.Add(EffectKind.Put, key, version, 0, Value(key, version, 20));
            // Readers lag behind by many versions.
            if (version % 100 == 0) Turn(memtable, version - 50);
        }
        Assert.InRange(memtable.AllocatedBytes, 1, 256 << 10);
        Assert.True(memtable.TryFind(key, 99_999, out var found));
        Assert.Equal(Value(key, 99_999, 20), found.Value.ToArray());
    }

    [Fact]
    public void Where_history_is_kept_nothing_goes()
    {
        using var memtable = new Memtable(new ArenaPool(), s_options);
        for (ulong version = 1; version < 5_000; version++)
        {
            memtable.Add(EffectKind.Put, Key('h', 1), version, 0, Value(Key('h', 1), version, 30));
            Turn(memtable, version);
        }
        for (ulong version = 1; version < 5_000; version++)
        {
            Assert.True(memtable.TryFind(Key('h', 1), version, out var found));
            Assert.Equal(Value(Key('h', 1), version, 30), found.Value.ToArray());
        }
    }

    static void Turn(Memtable memtable, ulong floor)
    {
        if (!memtable.Reuse.IsDue) return;
        if (memtable.Reuse.IsUnderWay) memtable.Reuse.EndRound();
        else memtable.Reuse.BeginRound(floor);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_can_be_asked_for_is_there(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var memtable = new Memtable(new ArenaPool(), s_options);
        var model = new Dictionary<string, List<(ulong Version, EffectKind Kind, byte[] Value)>>();
        var readers = new List<Reader>();
        ulong floor = 0, version = 1;
        var round = 0;
        for (var step = 0; step < 6_000; step++)
        {
            version += (ulong)random.Next(2);   // versions of one batch are equal
            var key = Key(random.OneIn(4) ? 'h' : 'f', (int)Math.Min(random.Next(30), random.Next(30)));
            var kind = random.OneIn(8) ? EffectKind.Delete : random.OneIn(9) && key[0] == 'f' ? EffectKind.Merge : EffectKind.Put;
            var value = kind == EffectKind.Delete ? [] : Value(key, (version << 20) + (ulong)step, random.Next(4) switch { 0 => 8, 1 => 5_000, _ => 100 });
            memtable.Add(kind, key, version, random.OneIn(10) ? version + 100 : 0, value);
            var name = Encoding.ASCII.GetString(key);
            if (!model.TryGetValue(name, out var versions)) model[name] = versions = [];
            versions.Add((version, kind, value));

            // What holds the present's readers back may be a snapshot.
            if (random.OneIn(20)) floor = Math.Max(floor, version - (ulong)random.Next((int)Math.Min(version, 40)));
            if (memtable.Reuse.IsUnderWay)
            {
                if (readers.TrueForAll(r => r.Round >= round)) memtable.Reuse.EndRound();
            }
            else if (memtable.Reuse.IsDue)
            {
                memtable.Reuse.BeginRound(floor);
                round++;
            }

            if (random.OneIn(10)) readers.Add(new Reader(memtable, round, floor + (ulong)random.Next((int)(version - floor) + 1), random));
            foreach (var reader in readers) reader.Look(model, random);
            if (readers.Count > 0 && random.OneIn(8)) readers.RemoveAt(random.Next(readers.Count));
        }
        Assert.True(memtable.Reuse.Gone > 1_000, $"only {memtable.Reuse.Gone} versions went");
        TreeChecker.Check(memtable);
    }

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 30).Select(s => (ulong)s)];

    // Somebody who came in a round and reads at one moment at or above what was the floor then. What it was shown stays as it was.
    sealed unsafe class Reader(Memtable memtable, int round, ulong at, SeededRandom random)
    {
        readonly VersionCursor _cursor = memtable.NewCursor();
        readonly bool _isBackward = random.OneIn(2);
        (nint Pointer, byte[] Bytes)? _held;

        public int Round => round;

        public void Look(Dictionary<string, List<(ulong Version, EffectKind Kind, byte[] Value)>> model, SeededRandom random)
        {
            if (_held is { } held) Assert.Equal(held.Bytes, new ReadOnlySpan<byte>((byte*)held.Pointer, held.Bytes.Length).ToArray());
            var name = model.Keys.ElementAt(random.Next(model.Count));
            var expected = model[name].FindLast(v => v.Version <= at);
            var found = memtable.TryFind(Encoding.ASCII.GetBytes(name), at, out var version);
            Assert.Equal(expected.Version != 0, found);
            if (found)
            {
                Assert.Equal((expected.Version, expected.Kind), (version.Version, version.Kind));
                Assert.Equal(expected.Value, version.Value.ToArray());
                _held = ((nint)version.ValuePointer, expected.Value);
            }
            Walk(model, random);
        }

        // From wherever the cursor stands: it meets no version that never was, and of each key that it walks through the one that is asked for.
        void Walk(Dictionary<string, List<(ulong Version, EffectKind Kind, byte[] Value)>> model, SeededRandom random)
        {
            if (!_cursor.Valid)
            {
                if (_isBackward) _cursor.SeekToLast();
                else _cursor.Seek(Encoding.ASCII.GetBytes(model.Keys.ElementAt(random.Next(model.Count))), random.OneIn(2) ? at : ulong.MaxValue);
            }
            for (var i = random.Next(6); i > 0 && _cursor.Valid; i--)
            {
                var (name, version, value) = (Encoding.ASCII.GetString(_cursor.Key), _cursor.Version, _cursor.Value.ToArray());
                Assert.Contains(model[name], v => v.Version == version && v.Value.AsSpan().SequenceEqual(value));
                if (_isBackward) _cursor.Prev();
                else _cursor.Next();
            }
        }
    }
}
