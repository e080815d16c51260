namespace Aevum.Cli;

/// <summary>What a process says when it ends. docs/cli.md tells people; scripts rely on it.</summary>
static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The command ran, and found or met something wrong: a damaged file, a shell command that failed.</summary>
    public const int Problems = 1;

    /// <summary>The command could not run: no store there, the store is locked, the disk is full.</summary>
    public const int CouldNotRun = 2;

    /// <summary>The arguments make no command (EX_USAGE of sysexits.h).</summary>
    public const int Usage = 64;

    /// <summary>A mistake of this program's own (EX_SOFTWARE).</summary>
    public const int InternalError = 70;

    /// <summary>The configuration of a server is wrong (EX_CONFIG of sysexits.h).</summary>
    public const int Configuration = 78;
}
