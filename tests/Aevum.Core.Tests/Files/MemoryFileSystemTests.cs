using Aevum.Core.Files;

namespace Aevum.Core.Tests.Files;

public sealed class MemoryFileSystemTests : FileSystemContract
{
    public MemoryFileSystemTests() => Files.CreateDirectory(Home);

    protected override IFileSystem Files { get; } = new MemoryFileSystem();

    protected override string Home => FilePaths.Combine("some", "home");
}
