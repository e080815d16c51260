// Tree, checkpoint: a second tree in another directory of the same file system, made of links: no data is copied, and both go on independently.
//
// Everything applied before the call is in it. Its manifest is written last, so a checkpoint that a crash cut short does not open as one.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

public sealed partial class Tree
{
    /// <summary>Makes a tree of the present state in <paramref name="target"/>, which must not exist or be empty. Writers go on meanwhile.</summary>
    /// <exception cref="AevumException">InvalidArgument: the directory holds something. DiskFull, InputOutput: what was made is removed.</exception>
    public void CreateCheckpoint(string target)
    {
        var files = _environment.Files;
        if (files.DirectoryExists(target) && (files.ListFiles(target).Count > 0 || files.ListDirectories(target).Count > 0))
            Throw.Invalid($"{target} is not empty: a checkpoint needs a directory of its own");
        Flush();

        var (state, version) = PinVersion();
        var tables = Path.Combine(target, TableStore.FolderName);
        try
        {
            files.CreateDirectoryDurably(tables);
            foreach (var table in state.Version.AllTables) files.Link(_store.PathOf(table.Id), Path.Combine(tables, TableStore.FileNameOf(table.Id)));
            files.SyncDirectory(tables);
            Manifest.Create(files, target, state).Dispose();
        }
        catch
        {
            RemoveCheckpoint(target, tables);
            throw;
        }
        finally
        {
            version.Release();
        }
    }

    /// <summary>The tables of this moment, held until the pin is disposed, and what the manifest says of them. What memory holds is not in them:
    /// its batches stand in the log behind <see cref="TreePin.AppliedPosition"/>.</summary>
    public TreePin PinTables()
    {
        var (state, version) = PinVersion();
        return new TreePin(state, version, _store);
    }

    // Of one moment: what the manifest says, and the version whose reference keeps its files from being deleted.
    (ManifestState State, LiveVersion Version) PinVersion()
    {
        lock (_installGate)
        {
            lock (_gate)
            {
                if (_closed) Throw.Closed(_directory);
                _version.AddReference();
                return (_manifest!.State, _version);
            }
        }
    }

    void RemoveCheckpoint(string target, string tables)
    {
        var files = _environment.Files;
        try
        {
            foreach (var folder in new[] { target, tables })
                if (files.DirectoryExists(folder))
                    foreach (var name in files.ListFiles(folder)) files.Delete(Path.Combine(folder, name));
            files.DeleteDirectory(tables);
            files.DeleteDirectory(target);
        }
        catch (AevumException)
        {
            // The error that brought us here says more.
        }
    }
}
