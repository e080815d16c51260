// HnswlibSide: hnswlib in a process of its own, spoken to by lines (bench/Hnswlib/harness.cpp has the commands). eng/bench.sh compiles it.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Vectors;

sealed class HnswlibSide : ISide
{
    /// <summary>Says where the compiled harness lies, if not in artifacts/.</summary>
    public const string ProgramVariable = "AEVUM_HNSWLIB_HARNESS";

    public const int M = 16, EfConstruction = 200;

    readonly DataSet _set;
    readonly Process _process;
    readonly string _foundFile;

    public HnswlibSide(DataSet set, string directory)
    {
        _set = set;
        _process = Start();
        _foundFile = Path.Combine(directory, "hnswlib.found");
        Ask($"base {set.Rows.Path}");
        Ask($"queries {set.Queries.Path}");
    }

    static string Program => Environment.GetEnvironmentVariable(ProgramVariable) ?? Path.GetFullPath(Path.Combine(DataSet.Cache, "hnswlib-harness"));

    public static bool IsThere => File.Exists(Program);

    public string Name => "hnswlib";

    public int RowCount => _set.Rows.Count;

    public int QueryCount => _set.Queries.Count;

    public double BytesPerVector => double.Parse(Ask("memory")[0], CultureInfo.InvariantCulture) / _set.Rows.Count;

    public static string Version()
    {
        using var process = Start();
        var words = Ask(process, "version");
        process.StandardInput.Close();
        process.WaitForExit();
        return $"hnswlib {words[0]} ({words[1]}), M={M}, efConstruction={EfConstruction}";
    }

    public BuildCost Build(int threads)
    {
        var words = Ask(string.Create(CultureInfo.InvariantCulture, $"build {M} {EfConstruction} {threads}"));
        return new(double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>For rows that only search: the index of an earlier build of the same library over the same file, else a new one.</summary>
    public void OpenOrBuild(TextWriter progress)
    {
        var file = $"{_set.Rows.Path}.hnswlib-{Ask("version")[0]}";
        if (File.Exists(file))
        {
            Ask($"open {file}");
            return;
        }
        progress.WriteLine($"{_set.Name}: hnswlib builds (kept for the next run)");
        Build(1);
        Ask($"save {file}.part");
        File.Move(file + ".part", file, overwrite: true);
    }

    public double Search(int ef, Span<uint> found)
    {
        var words = Ask(string.Create(CultureInfo.InvariantCulture, $"search {ef} {Truth.K} {_foundFile}"));
        using var file = File.OpenRead(_foundFile);
        file.ReadExactly(MemoryMarshal.AsBytes(found));
        return double.Parse(words[0], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(10_000)) _process.Kill();
        _process.Dispose();
    }

    static Process Start()
    {
        if (!IsThere) throw new BenchException($"{Program} is not there: ./dev bench vectors compiles it where g++ and libhnswlib-dev are installed");
        return Process.Start(new ProcessStartInfo(Program) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    string[] Ask(string command) => Ask(_process, command);

    static string[] Ask(Process process, string command)
    {
        process.StandardInput.WriteLine(command);
        process.StandardInput.Flush();
        var words = (process.StandardOutput.ReadLine() ?? "error the harness ended").Split(' ');
        return words[0] == "ok" ? words[1..] : throw new BenchException($"hnswlib, {command}: {string.Join(' ', words[1..])}");
    }
}
