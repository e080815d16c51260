using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Engine.Indexes;
using Aevum.Testing;

namespace Aevum.Engine.Tests.Indexes;

/// <summary>Keys of a saved index as bytes: a committed file of each version is read, the present one is written byte for byte, all else is refused.</summary>
public sealed class KeyFileTests
{
    const ulong Save = 7;
    const string Name = "keys-00000007";
    const string Token = "aevum-stream-1 0:42";

    static readonly string Fixtures = Path.Combine(TestFolders.Project, "testdata", "index-keys", "v1");

    static readonly (string Key, ulong Version, bool IsLive)[] Held =
        [("a", 10, true), ("", 11, false), ("k\0\u00ff", 0, true), (new string('x', 300), ulong.MaxValue >> 1, false)];

    [Fact]
    public void A_fixture_holds_what_was_put_into_it()
    {
        var keys = new KeyTable();
        Assert.Equal((Token, 9UL), KeyFile.Read(new DiskFileSystem(), Fixtures, Save, keys));
        RequireHeld(keys);
    }

    [Fact]
    public void The_present_version_is_written_byte_for_byte()
    {
        var bytes = Written();
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") is not null)
        {
            Directory.CreateDirectory(Fixtures);
            File.WriteAllBytes(Path.Combine(Fixtures, Name), bytes);
        }
        Assert.Equal(File.ReadAllBytes(Path.Combine(Fixtures, Name)), bytes);
    }

    [Fact]
    public void Every_flipped_byte_and_every_truncation_is_refused()
    {
        var bytes = Written();
        for (var at = 0; at < bytes.Length; at++)
        {
            var flipped = bytes.ToArray();
            flipped[at] ^= (byte)(1 << (at % 8));
            Assert.True(CodeOf(flipped) is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"byte {at}");
            Assert.Equal(ErrorCode.Corruption, CodeOf(bytes[..at]));
        }
        Assert.Equal(ErrorCode.Corruption, CodeOf([.. bytes, 0]));
    }

    [Fact]
    public void What_is_forged_under_a_right_checksum_is_refused_or_read()
    {
        var bytes = Written();
        var refused = 0;
        for (var at = 0; at < bytes.Length - 4; at++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                var forged = bytes.ToArray();
                forged[at] = value;
                BinaryPrimitives.WriteUInt32LittleEndian(forged.AsSpan(bytes.Length - 4), Crc32C.Compute(forged.AsSpan(0, bytes.Length - 4)));
                if (CodeOf(forged) is { } code)
                {
                    Assert.True(code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"byte {at}: {code}");
                    refused++;
                }
            }
        }
        Assert.InRange(refused, 50, int.MaxValue);
    }

    [Fact]
    public void Another_save_and_none_are_told_apart()
    {
        var files = new MemoryFileSystem();
        Write(files);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => KeyFile.Read(files, "d", Save + 1, new KeyTable())).Code);
        files.Rename("d/" + Name, "d/keys-00000008");
        Assert.Equal(ErrorCode.Corruption, Assert.ThrowsAny<AevumException>(() => KeyFile.Read(files, "d", Save + 1, new KeyTable())).Code);
        Write(files);
        KeyFile.DeleteOthers(files, "d", Save);
        Assert.Equal([Name], files.ListFiles("d"));
    }

    static byte[] Written()
    {
        var files = new MemoryFileSystem();
        Write(files);
        return files.ReadAllBytes("d/" + Name);
    }

    static void Write(MemoryFileSystem files)
    {
        var keys = new KeyTable();
        foreach (var (key, _, _) in Held) keys.FindOrAdd(Encoding.Latin1.GetBytes(key));
        files.CreateDirectory("d");
        // One key more than is saved: it came meanwhile.
        keys.FindOrAdd("later"u8);
        KeyFile.Write(files, "d", Save, 9, Token, keys, Held.Length, number => (Held[number].Version, Held[number].IsLive));
    }

    static void RequireHeld(KeyTable keys)
    {
        Assert.Equal((Held.Length, Held.Count(h => h.IsLive)), (keys.Count, keys.Live));
        for (var number = 0u; number < Held.Length; number++)
        {
            Assert.Equal(Held[number].Key, Encoding.Latin1.GetString(keys.KeyOf(number)));
            Assert.Equal((Held[number].Version, Held[number].IsLive), (keys.StateOf(number).Version, keys.StateOf(number).IsLive));
        }
    }

    // Null: it was read.
    static ErrorCode? CodeOf(byte[] bytes)
    {
        var files = new MemoryFileSystem();
        files.CreateDirectory("d");
        using (var file = files.Create("d/" + Name)) file.Append(bytes);
        try
        {
            KeyFile.Read(files, "d", Save, new KeyTable());
            return null;
        }
        catch (AevumException refused)
        {
            return refused.Code;
        }
    }
}
