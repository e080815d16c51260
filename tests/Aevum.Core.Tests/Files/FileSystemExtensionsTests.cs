using Aevum.Core.Files;

namespace Aevum.Core.Tests.Files;

public sealed class FileSystemExtensionsTests
{
    readonly MemoryFileSystem _files = new();

    [Fact]
    public void A_tree_is_deleted_with_all_it_holds()
    {
        _files.CreateDirectoryDurably(FilePaths.Combine("a", "b"));
        _files.CreateDirectoryDurably(FilePaths.Combine("a", "b"));
        using (var file = _files.Create(FilePaths.Combine("a", "f"))) file.Append("x"u8);
        Assert.Equal("x"u8, _files.ReadAllBytes(FilePaths.Combine("a", "f")));
        _files.DeleteTree("a");
        _files.DeleteTree("a");
        Assert.False(_files.DirectoryExists("a"));
    }
}
