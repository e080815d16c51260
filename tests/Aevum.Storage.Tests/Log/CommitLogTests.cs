using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;

namespace Aevum.Storage.Tests.Log;

public sealed class CommitLogTests
{
    static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    static string[] ReadAll(LogStream stream, ulong from = 1)
    {
        var all = new List<string>();
        stream.Replay(from, (_, payload) => all.Add(Encoding.UTF8.GetString(payload)));
        return [.. all];
    }

    [Fact]
    public void What_was_appended_is_there_after_a_close()
    {
        using var world = new LogWorld();
        using (var log = world.Open())
        {
            var stream = log.OpenStream(3);
            log.Append(stream, 1, Text("one"));
            log.Append(stream, 2, Text("t"), Text("wo"));
            Assert.Equal(["one", "two"], ReadAll(stream));
        }
        using (var log = world.Open())
        {
            var stream = log.OpenStream(3);
            Assert.Equal(["one", "two"], ReadAll(stream));
            Assert.Equal(log.Recovery.End, log.Recovery.LastMark with { Value = log.Recovery.LastMark.Value + RecordFormat.SmallRecordBytes });
            log.Append(stream, 3, Text("three"));
            Assert.Equal(["two", "three"], ReadAll(stream, 2));
        }
        using (var log = world.Open()) Assert.Equal(["one", "two", "three"], ReadAll(log.OpenStream(3)));
    }

    [Fact]
    public void What_was_appended_is_there_after_the_death_of_the_process()
    {
        using var world = new LogWorld();
        using var log = world.Open();
        var stream = log.OpenStream(1);
        for (ulong i = 1; i <= 1000; i++) log.Append(stream, i, Text($"record {i}"));

        using var after = LogWorld.Restore(world.Image());
        using var reopened = after.Open();
        Assert.Equal(0, reopened.Recovery.CutBytes);
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => $"record {i}"), ReadAll(reopened.OpenStream(1)));
    }

    [Fact]
    public void An_idle_log_leaves_no_files()
    {
        using var world = new LogWorld();
        using (var log = world.Open()) log.OpenStream(1);
        Assert.False(world.Memory.DirectoryExists(LogWorld.Directory));
    }

    [Fact]
    public void Streams_against_the_oracle_with_truncations_releases_drops_and_crashes()
    {
        for (ulong seed = 1; seed <= 8; seed++) RunOracle(seed);
    }

    static void RunOracle(ulong seed)
    {
        var random = new SeededRandom(seed);
        var oracle = new Dictionary<uint, StreamOracle>();
        var world = new LogWorld();
        var log = world.Open();
        StreamOracle Of(uint id) => oracle.TryGetValue(id, out var o) ? o : oracle[id] = new StreamOracle();
        byte[] Payload()
        {
            var bytes = new byte[random.OneIn(100) ? random.Next(50_000, 300_000) : random.Next(0, 400)];
            random.Fill(bytes);
            return bytes;
        }

        for (var step = 0; step < 1500; step++)
        {
            var id = (uint)random.Next(1, 6);
            var stream = log.OpenStream(id);
            var model = Of(id);
            switch (random.Next(100))
            {
                case < 70:
                    var payload = Payload();
                    var cut = random.Next(payload.Length + 1);
                    log.Append(stream, model.Last + 1, payload.AsSpan(0, cut), payload.AsSpan(cut));
                    model.Append(payload);
                    break;
                case < 80:
                    var entries = new List<LogEntry>();
                    for (var n = random.Next(1, 8); n > 0; n--)
                    {
                        var other = (uint)random.Next(1, 6);
                        var otherModel = Of(other);
                        if (random.OneIn(3) && otherModel.Last >= otherModel.First)
                        {
                            var at = otherModel.First + (ulong)random.Next((long)(otherModel.Last + 2 - otherModel.First));
                            entries.Add(LogEntry.TruncateSuffix(log.OpenStream(other), at));
                            otherModel.Truncate(at);
                        }
                        else
                        {
                            var bytes = Payload();
                            var third = bytes.Length / 3;
                            entries.Add(LogEntry.Data(log.OpenStream(other), otherModel.Last + 1, bytes.AsMemory(third), bytes.AsMemory(0, third)));
                            otherModel.Append(bytes);
                        }
                    }
                    log.Append(entries.ToArray());
                    break;
                case < 85 when model.Last >= model.First:
                    var position = model.First + (ulong)random.Next((long)(model.Last + 1 - model.First));
                    stream.TruncateSuffix(position);
                    model.Truncate(position);
                    break;
                case < 92:
                    var upTo = random.OneIn(10)
                        ? model.Last + (ulong)random.Next(5)
                        : model.First + (ulong)random.Next((long)(model.Last + 1 - model.First) + 1) - 1;
                    stream.Release(upTo);
                    model.Release(upTo);
                    break;
                case < 93:
                    log.DropStream(stream);
                    oracle.Remove(id);
                    break;
                case < 96:
                    log.SyncNow();
                    break;
                case < 98:
                    model.Check(stream);
                    break;
                case 98 when random.OneIn(2):
                    log.Dispose();
                    log = world.Open();
                    foreach (var (i, o) in oracle) o.Check(log.OpenStream(i));
                    break;
                case 99 when random.OneIn(2):
                    var dead = world;
                    var image = world.Image();
                    log.Dispose();
                    dead.Dispose();
                    world = LogWorld.Restore(image);
                    log = world.Open();
                    foreach (var (i, o) in oracle)
                    {
                        // A release is written down with the next append of its stream, so its owner repeats it at open.
                        log.OpenStream(i).Release(o.First - 1);
                        o.Check(log.OpenStream(i));
                    }
                    break;
            }
        }
        foreach (var (i, o) in oracle) o.Check(log.OpenStream(i));
        log.Dispose();
        using (log = world.Open())
            foreach (var (i, o) in oracle) o.Check(log.OpenStream(i));
        world.Dispose();
    }

    [Fact]
    public void A_position_that_does_not_follow_is_refused_and_changes_nothing()
    {
        using var world = new LogWorld();
        using var log = world.Open();
        var stream = log.OpenStream(1);
        log.Append(stream, 1, Text("one"));
        foreach (var wrong in (ulong[])[0, 1, 3, ulong.MaxValue])
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => log.Append(stream, wrong, Text("x"))).Code);
        log.Append(stream, 2, Text("two"));
        Assert.Equal(["one", "two"], ReadAll(stream));
    }

    [Fact]
    public void Another_databases_log_is_refused()
    {
        using var world = new LogWorld();
        using (var log = world.Open()) log.Append(log.OpenStream(1), 1, Text("one"));
        Assert.Throws<CorruptionException>(() => world.Open(LogWorld.Options with { DatabaseId = Guid.Empty }));
        Assert.Throws<CorruptionException>(() => world.Open(LogWorld.Options with { Timeline = 2 }));
    }
}
