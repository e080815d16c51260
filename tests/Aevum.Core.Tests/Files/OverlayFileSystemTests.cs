using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Core.Tests.Files;

public sealed class OverlayFileSystemTests : FileSystemContract, IDisposable
{
    readonly MemoryFileSystem _below = new();
    readonly OverlayFileSystem _files;

    public OverlayFileSystemTests()
    {
        _below.CreateDirectory(FilePaths.Combine(Home, "below"));
        Put("old", "of old");
        Put(FilePaths.Combine("below", "deep"), "far down");
        using (_below.Lock(FilePaths.Combine(Home, "GUARD"), "nobody")) { }
        _files = new OverlayFileSystem(_below, Home, "GUARD");
    }


    protected override IFileSystem Files => _overlay ??= Emptied();

    protected override string Home => FilePaths.Combine("some", "home");

    // The contract's tests begin in an empty directory: what shows through from below has been taken away, above.
    OverlayFileSystem? _overlay;

    OverlayFileSystem Emptied()
    {
        var files = new OverlayFileSystem(_below, Home, "GUARD");
        foreach (var name in files.ListFiles(Home)) files.Delete(At(name));
        files.DeleteTree(At("below"));
        return files;
    }

    public void Dispose()
    {
        _files.Dispose();
        _overlay?.Dispose();
        Assert.Equal("GUARD old below/deep: of old, far down", Below());
        _below.Lock(FilePaths.Combine(Home, "GUARD"), "the next writer").Dispose();
    }

    void Put(string name, string text)
    {
        using var file = _below.Create(FilePaths.Combine(Home, name));
        file.Append(Encoding.UTF8.GetBytes(text));
    }

    string Below() =>
        $"{string.Join(' ', _below.ListFiles(Home))} {string.Join(' ', _below.ListFiles(At("below")).Select(n => "below/" + n))}: " +
        $"{Text(_below, "old")}, {Text(_below, FilePaths.Combine("below", "deep"))}";

    string Text(IFileSystem files, string name) => Encoding.UTF8.GetString(files.ReadAllBytes(FilePaths.Combine(Home, name)));

    [Fact]
    public void What_lies_below_shows_through_until_it_is_written()
    {
        Assert.Equal("of old", Text(_files, "old"));
        Assert.Equal(6, _files.FileLength(At("old")));
        _files.Link(At("old"), At("twin"));
        using (var before = _files.OpenRead(At("old")))
        using (var region = _files.OpenRegion(At("old")))
        {
            "OF"u8.CopyTo(region.GetSpan(0, 2));
            region.Publish(0, 2);
        }
        Assert.Equal("OF old", Text(_files, "old"));
        Assert.Equal("OF old", Text(_files, "twin"));
        Assert.Equal("of old", Text(_below, "old"));
    }

    [Fact]
    public void Names_above_are_of_their_own()
    {
        _files.Rename(At("below"), At("moved"));
        _files.Delete(At("old"));
        Assert.Equal("far down", Text(_files, FilePaths.Combine("moved", "deep")));
        Assert.Equal(["GUARD"], _files.ListFiles(Home));
        Assert.Equal(["moved"], _files.ListDirectories(Home));
    }

    [Fact]
    public void Writers_below_are_kept_out_and_keep_it_out()
    {
        Assert.Equal(ErrorCode.Locked, CodeOf(() => _below.Lock(FilePaths.Combine(Home, "GUARD"), "a writer")));
        using (new OverlayFileSystem(_below, Home, "GUARD")) { }
        _files.Dispose();
        using (_below.Lock(FilePaths.Combine(Home, "GUARD"), "a writer"))
            Assert.Equal(ErrorCode.Locked, CodeOf(() => _ = new OverlayFileSystem(_below, Home, "GUARD")));
    }
}
