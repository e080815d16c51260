namespace Aevum.Core.Files;

/// <summary>What can fail, as a caller of <see cref="IFileSystem"/> sees it.</summary>
public enum FileOperation
{
    OpenRead,
    Read,
    Create,
    Append,
    CreateRegion,
    OpenRegion,
    Prepare,

    /// <summary>Fails only where regions are not mapped: a mapped one is published without a call.</summary>
    Publish,
    Sync,
    Rename,
    Delete,
    Link,
    CreateDirectory,
    DeleteDirectory,
    List,
    SyncDirectory,
    Lock,
}
