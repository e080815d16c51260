using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Versions;

public sealed class ManifestTests
{
    static readonly Guid Database = new("00112233-4455-6677-8899-aabbccddeeff");

    static TableMeta Table(ulong id, string smallest, string largest, SeededRandom? random = null) => new()
    {
        Id = id,
        FileBytes = 1000 + (long)id,
        Smallest = Encoding.ASCII.GetBytes(smallest),
        Largest = Encoding.ASCII.GetBytes(largest),
        LargestExclusive = random?.OneIn(3) ?? false,
        Entries = 10,
        Deletes = 1,
        RangeDeletes = 2,
        MinVersion = 5,
        MaxVersion = 500,
        MinExpiry = random?.OneIn(2) ?? false ? 77UL : 0,
        MaxEnd = random?.OneIn(2) ?? false ? 99UL : 0,
        ClipStart = random?.OneIn(3) ?? false ? "c"u8.ToArray() : null,
        ClipEnd = random?.OneIn(3) ?? false ? "d"u8.ToArray() : null,
    };

    static string Describe(ManifestState state) =>
        Convert.ToHexString(VersionEditCodec.Encode(state.AsEdit())) + string.Join(',', state.Version.Levels[0].Select(t => t.Id));

    // A few states, one after the other, as a tree would go through them.
    static List<VersionEdit> Edits(ulong seed, int count)
    {
        var random = new SeededRandom(seed);
        var edits = new List<VersionEdit>();
        var living = new List<(int Level, ulong Id)>();
        for (ulong i = 1; i <= (ulong)count; i++)
        {
            var edit = new VersionEdit { NextTableId = i + 1, AppliedPosition = i * 10, GreatestTime = i * 100 };
            edit.Added.Add((false, 0, Table(i, "a", "z", random)));
            living.Add((0, i));
            if (random.OneIn(3)) edit.Floors[(ulong)random.Next(3)] = i;
            if (living.Count > 3)
            {
                var gone = living[random.Next(living.Count - 1)];
                living.Remove(gone);
                edit.Removed.Add((false, gone.Level, gone.Id));
            }
            edits.Add(edit);
        }
        return edits;
    }

    static (MemoryFileSystem Files, string Name, List<string> States) Write(int edits)
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("db");
        using var manifest = Manifest.Create(files, "db", new ManifestState { DatabaseId = Database, Timeline = 1 });
        var states = new List<string> { Describe(manifest.State) };
        foreach (var edit in Edits(7, edits))
        {
            manifest.Append(edit);
            states.Add(Describe(manifest.State));
        }
        return (files, manifest.FileName, states);
    }

    static byte[] Bytes(MemoryFileSystem files, string path)
    {
        using var file = files.OpenRead(path);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes;
    }

    static void Replace(MemoryFileSystem files, string path, ReadOnlySpan<byte> bytes)
    {
        using var file = files.Create(path);
        file.Append(bytes);
        file.Sync();
    }

    [Fact]
    public void What_was_appended_is_read_back_and_a_new_manifest_says_the_same()
    {
        var (files, _, states) = Write(40);
        for (var i = 0; i < 3; i++)
        {
            using var manifest = Manifest.Open(files, "db", out var cut);
            manifest.StartAnew();
            Assert.Equal(0, cut);
            Assert.Equal(states[^1], Describe(manifest.State));
            Assert.Equal(Database, manifest.State.DatabaseId);
        }
        Assert.Equal(2, files.ListFiles("db").Count);   // CURRENT and one manifest
    }

    [Fact]
    public void A_file_cut_anywhere_behind_the_first_record_opens_at_an_earlier_state()
    {
        var (files, name, states) = Write(6);
        var path = "db/" + name;
        var whole = Bytes(files, path);
        var seen = new HashSet<string>();
        for (var length = whole.Length; length > 0; length--)
        {
            Replace(files, path, whole.AsSpan(0, length));
            try
            {
                var (state, _, cut) = Manifest.Read(files, "db");
                Assert.Contains(Describe(state), states);
                Assert.True(cut >= 0 && cut < whole.Length);
                seen.Add(Describe(state));
            }
            catch (CorruptionException)
            {
                // Only once the first record is hurt: by then every later state was seen.
                Assert.Equal(states.Count, seen.Count);
            }
        }
        Assert.Equal(states.Count, seen.Count);
    }

    [Fact]
    public void A_flipped_bit_is_named_or_costs_the_last_record_alone()
    {
        var (files, name, states) = Write(5);
        var path = "db/" + name;
        var whole = Bytes(files, path);
        var refused = 0;
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var bytes = whole.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Replace(files, path, bytes);
            try
            {
                var (state, _, cut) = Manifest.Read(files, "db");
                Assert.True(cut > 0);
                Assert.Equal(states[^2], Describe(state));
            }
            catch (AevumException e) when (e.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat)
            {
                Assert.Contains(name, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.True(refused > whole.Length * 4);
    }

    [Theory, Seeds(20)]
    public void Any_bytes_are_an_edit_or_corruption(ulong seed)
    {
        var random = new SeededRandom(seed);
        var sound = Edits(seed, 10).Select(VersionEditCodec.Encode).ToArray();
        for (var i = 0; i < 500; i++)
        {
            var bytes = random.OneIn(2) ? new byte[random.Next(60)] : sound[random.Next(sound.Length)].ToArray();
            if (random.OneIn(2) || bytes.Length == 0) random.Fill(bytes);
            else for (var flips = random.Next(1, 5); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                var edit = VersionEditCodec.Decode(bytes);
                Assert.Equal(VersionEditCodec.Encode(edit), VersionEditCodec.Encode(VersionEditCodec.Decode(VersionEditCodec.Encode(edit))));
            }
            catch (CorruptionException)
            {
            }
        }
    }

    [Fact]
    public void Many_edits_do_not_make_a_long_file()
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("db");
        using var manifest = Manifest.Create(files, "db", new ManifestState(), bytesMax: 4096);
        foreach (var edit in Edits(3, 500))
        {
            manifest.Append(edit);
            Assert.True(manifest.FileBytes < 16 << 10);
        }
        using var again = Manifest.Open(files, "db", out _);
        Assert.Equal(Describe(manifest.State), Describe(again.State));
    }

    [Fact]
    public void The_sample_of_the_format_page_is_what_is_written()
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("db");
        using (Manifest.Create(files, "db", new ManifestState { DatabaseId = Database, Timeline = 1 }))
        {
        }
        var written = Convert.ToHexStringLower(Bytes(files, "db/" + Manifest.NameOf(1)));
        var lines = string.Join('\n', written.Chunk(32).Select(c => string.Join(' ', new string(c).Chunk(8).Select(w => new string(w)))));
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs/formats/manifest.md"));
        Assert.True(page.Contains(lines, StringComparison.Ordinal), "docs/formats/manifest.md should show\n" + lines);
    }

    [Fact]
    public void The_fixture_of_version_1_opens()
    {
        var folder = Path.Combine(TestFolders.Project, "testdata/manifest/v1");
        var (state, number, cut) = Manifest.Read(new DiskFileSystem(), folder);
        Assert.Equal(0, cut);
        Assert.Equal(1UL, number);
        Assert.Equal(Database, state.DatabaseId);
        Assert.Equal(60UL, state.AppliedPosition);
        Assert.Equal(Write(6).States[^1], Describe(state));
    }
}
