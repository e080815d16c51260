// LineHistory: the lines typed before, in a file of the user's: $XDG_STATE_HOME/aevum/shell_history (else ~/.local/state/..., on Windows the local
// application data). Only its owner may read it: what is typed may be a secret. A line that begins with a blank is not kept.
//
// A history that cannot be read or written is none: nobody is kept from working by it.

namespace Aevum.Cli.Editing;

sealed class LineHistory
{
    const int LinesMax = 1000;

    readonly List<string> _lines = [];
    readonly string? _path;

    /// <param name="path">Null: it is kept for this process only.</param>
    public LineHistory(string? path)
    {
        _path = path;
        if (path is null) return;
        Try(() =>
        {
            if (!File.Exists(path)) return;
            _lines.AddRange(File.ReadLines(path).Where(l => l.Length > 0 && !l.Any(char.IsControl)));
            if (_lines.Count <= 2 * LinesMax) return;
            _lines.RemoveRange(0, _lines.Count - LinesMax);
            File.WriteAllLines(path, _lines);
        });
    }

    public IReadOnlyList<string> Lines => _lines;

    public static string? PathFor(Func<string, string?> variable)
    {
        if (OperatingSystem.IsWindows())
            return variable("LOCALAPPDATA") is { Length: > 0 } local ? Path.Combine(local, "aevum", "shell_history") : null;
        var state = variable("XDG_STATE_HOME") is { Length: > 0 } given ? given
            : variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local", "state") : null;
        return state is null ? null : Path.Combine(state, "aevum", "shell_history");
    }

    public void Add(string line)
    {
        if (line.Length == 0 || char.IsWhiteSpace(line[0]) || (_lines.Count > 0 && _lines[^1] == line)) return;
        _lines.Add(line);
        if (_path is null) return;
        Try(() =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new StreamWriter(_path, options);
            file.WriteLine(line);
        });
    }

    static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // See above.
        }
    }
}
