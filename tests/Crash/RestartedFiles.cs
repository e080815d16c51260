// RestartedFiles: the real file system as it looks after the machine was started again: another boot id. An image of what a power cut leaves is
// opened through it.

using Aevum.Core.Files;
using Aevum.Testing;

namespace Aevum.Crash;

sealed class RestartedFiles(IFileSystem files) : ForwardingFiles(files)
{
    public override string BootId => "another boot";
}
