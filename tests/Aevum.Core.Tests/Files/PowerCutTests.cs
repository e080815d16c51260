// Power cuts against slow, obvious oracles.
//
// Bytes: for every byte of every file the set of values it has had since its last successful sync; after a cut it must hold one of them.
// Names: for every name the set of contents it has named since its directory's last sync; after a cut it must name one of them.

using System.Security.Cryptography;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Files;

public sealed class PowerCutTests
{
    /// <summary>What a file may hold after a cut.</summary>
    sealed class ByteOracle
    {
        const int LengthMax = 300_000;

        readonly ulong[] _possible = new ulong[LengthMax * 4];      // 256 bits for each byte of the file
        readonly byte[] _current = new byte[LengthMax];
        int _length;
        int _durableLength;

        public int Length => _length;

        public void Write(int offset, ReadOnlySpan<byte> bytes)
        {
            for (; _length < offset + bytes.Length; _length++) Allow(_length, _current[_length] = 0);
            for (var i = 0; i < bytes.Length; i++) Allow(offset + i, _current[offset + i] = bytes[i]);
        }

        public void Sync()
        {
            _possible.AsSpan(0, _length * 4).Clear();
            for (var i = 0; i < _length; i++) Allow(i, _current[i]);
            _durableLength = _length;
        }

        void Allow(int offset, byte value) => _possible[offset * 4 + value / 64] |= 1UL << (value % 64);

        bool Allows(int offset, byte value) => (_possible[offset * 4 + value / 64] & (1UL << (value % 64))) != 0;

        /// <summary>Checks what was found and goes on from it.</summary>
        public void Found(byte[] bytes)
        {
            Assert.InRange(bytes.Length, _durableLength, _length);
            for (var i = 0; i < bytes.Length; i++)
                if (!Allows(i, bytes[i])) Assert.Fail($"byte {i} is {bytes[i]}, which it never was since its last sync");
            _possible.AsSpan(0, _length * 4).Clear();
            _length = 0;
            Write(0, bytes);
            Sync();
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_byte_after_a_cut_is_one_it_was_since_the_last_sync(bool mapped)
    {
        var kinds = new HashSet<string>();
        for (var seed = 0UL; seed < 30; seed++)
        {
            var random = new SeededRandom(seed);
            var files = new FaultyFileSystem(seed, new FaultPlan { RegionsAreMapped = mapped });
            var log = new ByteOracle();
            var ring = new ByteOracle();
            using (var region = files.CreateRegion("ring", 20_000)) region.Sync();
            files.SyncDirectory("/");
            ring.Write(0, new byte[20_000]);
            ring.Sync();
            for (var round = 0; round < 3; round++)
            {
                // The log is written in the first round; later cuts must leave what the first one left.
                var region = files.OpenRegion("ring");
                var file = round == 0 ? files.Create("log") : null;
                if (file is not null) files.SyncDirectory("/");
                for (var step = 0; step < 40; step++)
                {
                    var bytes = new byte[1 + random.Next(6_000)];
                    random.Fill(bytes);
                    if (file is not null && random.OneIn(2))
                    {
                        log.Write(log.Length, bytes);
                        file.Append(bytes);
                        if (random.OneIn(8))
                        {
                            file.Sync();
                            log.Sync();
                        }
                    }
                    else
                    {
                        var offset = random.Next(20_000 - bytes.Length);
                        bytes.CopyTo(region.GetSpan(offset, bytes.Length));
                        if (mapped || !random.OneIn(8)) ring.Write(offset, bytes);
                        else continue;      // stored and never published: must never be seen
                        region.Publish(offset, offset + bytes.Length);
                        if (random.OneIn(8))
                        {
                            region.Sync();
                            ring.Sync();
                        }
                    }
                }
                if (!mapped) region.Dispose();
                var before = files.ReadAllBytes("log");
                files = files.PowerCut();
                var after = files.ReadAllBytes("log");
                kinds.Add(after.Length < before.Length ? "short" : after.SequenceEqual(before) ? "whole" : "holes");
                log.Found(after);
                ring.Found(files.ReadAllBytes("ring"));
            }
        }
        Assert.Equal(["holes", "short", "whole"], kinds.Order());
    }

    [Fact]
    public void Pages_survive_in_any_order_whole_lost_or_torn()
    {
        var seen = new HashSet<string>();
        for (var seed = 0UL; seed < 100; seed++)
        {
            var files = new FaultyFileSystem(seed, new FaultPlan { WriteBackProbability = 0 });
            using (var region = files.CreateRegion("r", 3 * 4096))
            {
                region.Sync();
                files.SyncDirectory("/");
                region.GetSpan(0, 3 * 4096).Fill(1);
                region.Publish(0, 3 * 4096);
            }
            files = files.PowerCut();
            var bytes = files.ReadAllBytes("r");
            var picture = "";
            for (var page = 0; page < 3; page++)
            {
                var ones = bytes.AsSpan(page * 4096, 4096).Count((byte)1);
                Assert.Equal(0, ones % 512);
                picture += ones switch { 0 => '0', 4096 => '1', _ => 't' };
            }
            seen.Add(picture);
        }
        Assert.Contains("001", seen);      // the last page alone
        Assert.Contains("110", seen);
        Assert.Contains(seen, picture => picture.Contains('t', StringComparison.Ordinal));
        Assert.True(seen.Count > 15, string.Join(' ', seen));
    }

    [Fact]
    public void With_sectors_as_large_as_pages_nothing_is_torn()
    {
        for (var seed = 0UL; seed < 50; seed++)
        {
            var files = new FaultyFileSystem(seed, new FaultPlan { SectorBytes = 4096, TornPageProbability = 1 });
            using (var region = files.CreateRegion("r", 4096))
            {
                region.Sync();
                files.SyncDirectory("/");
                region.GetSpan(0, 4096).Fill(1);
                region.Publish(0, 4096);
            }
            Assert.Contains(files.PowerCut().ReadAllBytes("r").AsSpan().Count((byte)1), new[] { 0, 4096 });
        }
    }

    [Fact]
    public void A_name_after_a_cut_means_what_it_meant_since_the_last_sync()
    {
        var directories = new[] { "p", "q" };
        var names = new[] { "a", "b", "c" };
        for (var seed = 0UL; seed < 150; seed++)
        {
            var random = new SeededRandom(seed);
            var files = new FaultyFileSystem(seed);
            foreach (var directory in directories) files.CreateDirectoryDurably(directory);
            var possible = new Dictionary<string, HashSet<string>>();
            var current = new Dictionary<string, string>();
            var all = directories.SelectMany(directory => names.Select(name => FilePaths.Combine(directory, name))).ToArray();
            foreach (var path in all) (current[path], possible[path]) = ("none", ["none"]);
            void Set(string path, string id) => possible[path].Add(current[path] = id);

            for (var step = 0; step < 30; step++)
            {
                var path = all[random.Next(all.Length)];
                switch (random.Next(5))
                {
                    case 0:
                        using (var file = files.Create(path))
                        {
                            file.Append(Encoding.UTF8.GetBytes($"file {step}"));
                            file.Sync();
                        }
                        possible[path].Add("none");     // the old name goes before the new one comes
                        Set(path, $"file {step}");
                        break;
                    case 1:
                        files.Delete(path);
                        Set(path, "none");
                        break;
                    case 2 when current[path] != "none":
                        var target = all[random.Next(all.Length)];
                        if (current[target] == current[path]) break;
                        files.Rename(path, target);
                        Set(target, current[path]);
                        Set(path, "none");
                        break;
                    case 3 when current[path] != "none":
                        var second = all[random.Next(all.Length)];
                        if (current[second] != "none") break;
                        files.Link(path, second);
                        Set(second, current[path]);
                        break;
                    case 4:
                        var directory = directories[random.Next(2)];
                        files.SyncDirectory(directory);
                        foreach (var synced in all.Where(x => x.StartsWith(directory, StringComparison.Ordinal)))
                            possible[synced] = [current[synced]];
                        break;
                }
            }
            files = files.PowerCut();
            foreach (var path in all)
            {
                var found = files.FileExists(path) ? Encoding.UTF8.GetString(files.ReadAllBytes(path)) : "none";
                Assert.True(possible[path].Contains(found),
                    $"seed {seed}: {path} is {found}, but was only {string.Join(", ", possible[path])}");
            }
        }
    }

    [Theory, InlineData("p", "p"), InlineData("p", "q")]
    public void A_rename_is_old_or_new_and_never_between(string from, string to)
    {
        var outcomes = new HashSet<string>();
        for (var seed = 0UL; seed < 60; seed++)
        {
            var files = new FaultyFileSystem(seed);
            files.CreateDirectoryDurably("p");
            files.CreateDirectoryDurably("q");
            Write(files, $"{to}/current", "old");
            files.SyncDirectory(to);
            Write(files, $"{from}/new", "new");
            files.SyncDirectory(from);
            files.Rename($"{from}/new", $"{to}/current");
            files = files.PowerCut();
            var current = Encoding.UTF8.GetString(files.ReadAllBytes($"{to}/current"));
            outcomes.Add($"{current} {files.FileExists($"{from}/new")}");
        }
        Assert.Equal(["new False", "old True"], outcomes.Order());
    }

    static void Write(IFileSystem files, string path, string text, bool sync = true)
    {
        using var file = files.Create(path);
        file.Append(Encoding.UTF8.GetBytes(text));
        if (sync) file.Sync();
    }

    /// <summary>Replaces a file the right way, or without the sync that the right way needs.</summary>
    static void Replace(IFileSystem files, string text, bool syncContent, bool syncName)
    {
        Write(files, "d/current.tmp", text, syncContent);
        files.Rename("d/current.tmp", "d/current");
        if (syncName) files.SyncDirectory("d");
    }

    /// <summary>Cuts the workload at every change in turn and counts how often the file was not the last acknowledged text or a later
    /// one.</summary>
    static int CountLosses(bool syncContent, bool syncName, bool kill)
    {
        var losses = 0;
        for (var cut = 1L; ; cut++)
        {
            var files = new FaultyFileSystem((ulong)cut);
            files.CreateDirectoryDurably("d");
            Replace(files, "text 0", true, true);
            if (kill) files.Plan.KillAt = files.ChangeCount + cut;
            else files.Plan.PowerCutAt = files.ChangeCount + cut;
            var acknowledged = 0;
            try
            {
                for (var i = 1; i <= 30; i++)
                {
                    Replace(files, $"text {i}", syncContent, syncName);
                    acknowledged = i;
                }
            }
            catch (AevumException e) when (e.Code == ErrorCode.Closed) { }
            if (files.Successor is not { } next) return losses;     // the workload ended before the cut came
            var found = next.FileExists("d/current") ? Encoding.UTF8.GetString(next.ReadAllBytes("d/current")) : "";
            if (found != $"text {acknowledged}" && found != $"text {acknowledged + 1}") losses++;
        }
    }

    [Fact]
    public void Cutting_at_every_change_shows_that_each_sync_is_needed()
    {
        Assert.Equal(0, CountLosses(syncContent: true, syncName: true, kill: false));
        Assert.NotEqual(0, CountLosses(syncContent: false, syncName: true, kill: false));
        Assert.NotEqual(0, CountLosses(syncContent: true, syncName: false, kill: false));
        Assert.Equal(0, CountLosses(syncContent: false, syncName: false, kill: true));      // a kill needs no sync
    }

    [Fact]
    public void The_same_seed_leaves_the_same_bytes_and_another_seed_others()
    {
        static string Run(ulong seed)
        {
            var random = new SeededRandom(5);
            var files = new FaultyFileSystem(seed);
            files.Plan.FailWithProbability(FileOperation.Append, 0.1);
            var trace = new StringBuilder();
            for (var i = 0; i < 20; i++)
            {
                var bytes = new byte[random.Next(20_000)];
                random.Fill(bytes);
                using var file = files.Create($"f{i % 7}");
                try
                {
                    file.Append(bytes);
                    if (i % 3 == 0) file.Sync();
                }
                catch (AevumException e)
                {
                    trace.Append(i).Append(e.Code).Append(' ');
                }
                if (i % 5 == 0) files.SyncDirectory("/");
            }
            files = files.PowerCut();
            foreach (var name in files.ListFiles("/"))
                trace.Append(name).Append(' ').Append(Convert.ToHexString(SHA256.HashData(files.ReadAllBytes(name)))).Append('\n');
            return trace.ToString();
        }

        Assert.Equal(Run(1), Run(1));
        Assert.Equal(10, Enumerable.Range(1, 10).Select(seed => Run((ulong)seed)).Distinct().Count());
    }
}
