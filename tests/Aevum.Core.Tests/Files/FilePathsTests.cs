using Aevum.Core.Files;

namespace Aevum.Core.Tests.Files;

public sealed class FilePathsTests
{
    [Theory]
    [InlineData("a/b/c", "a/b", "c")]
    [InlineData("a/b/", "a", "b")]
    [InlineData("/a", "/", "a")]
    [InlineData("a", ".", "a")]
    public void Directory_and_name_of_a_path(string path, string directory, string name)
    {
        path = path.Replace('/', Path.DirectorySeparatorChar);
        Assert.Equal(directory.Replace('/', Path.DirectorySeparatorChar), FilePaths.DirectoryOf(path));
        Assert.Equal(name, FilePaths.NameOf(path));
    }
}
