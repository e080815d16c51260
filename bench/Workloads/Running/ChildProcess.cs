// ChildProcess: the outer side of the protocol. Starts this same program as "child ENGINE" and speaks with it line by line.

using System.Diagnostics;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Running;

sealed class ChildProcess : IDisposable
{
    readonly Process _process;

    public ChildProcess(string engine)
    {
        // Run by its own starter, ProcessPath is this program; run by "dotnet x.dll", it is dotnet and wants the file first.
        var self = Environment.ProcessPath ?? throw new BenchException("this program does not know its own path");
        var isHost = Path.GetFileNameWithoutExtension(self).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        string[] arguments = isHost ? [typeof(ChildProcess).Assembly.Location, "child", engine] : ["child", engine];
        _process = Process.Start(new ProcessStartInfo(self, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new BenchException($"{self} cannot be started");
    }

    public int Id => _process.Id;

    public RoundReply Run(RoundTask task)
    {
        try
        {
            _process.StandardInput.WriteLine(task.ToLine());
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            return Ended();
        }
        // Output that is no reply is a stray word of an engine or of the runtime: shown, not believed.
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith('{')) return RoundReply.Parse(line);
            Console.Error.WriteLine(line);
        }
        return Ended();
    }

    RoundReply Ended()
    {
        _process.WaitForExit();
        return new() { Error = $"the process ended with code {_process.ExitCode}" };
    }

    /// <summary>SIGKILL, as a power button for this process alone.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(10_000)) Kill();
        }
        _process.Dispose();
    }
}
