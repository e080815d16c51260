// LineReader: reads a line from a terminal, key by key, and shows it as it grows: one row, redrawn in place after each key.

using System.Globalization;
using Aevum.Cli.Terminals;

namespace Aevum.Cli.Editing;

sealed class LineReader(Terminal terminal, LineHistory history, Func<string, int, Completions> complete)
{
    const int ListedMax = 60;

    /// <summary>The next line.</summary>
    /// <returns>Null: the end of input. Empty where a line was given up.</returns>
    public string? ReadLine(string prompt)
    {
        var line = new LineBuffer(history.Lines);
        while (true)
        {
            Show(prompt, line);
            switch (line.Press(terminal.ReadKey!()))
            {
                case KeyOutcome.Line:
                    terminal.Out.WriteLine();
                    history.Add(line.Text);
                    return line.Text;
                case KeyOutcome.EndOfInput:
                    return null;
                case KeyOutcome.GiveUp:
                    terminal.Out.WriteLine("^C");
                    return "";
                case KeyOutcome.ClearScreen:
                    terminal.Out.Write("\e[H\e[2J");
                    break;
                case KeyOutcome.Complete:
                    Complete(line);
                    break;
                default:
                    break;
            }
        }
    }

    void Show(string prompt, LineBuffer line)
    {
        var view = LineView.Of(prompt, line.Text, line.Cursor, terminal.Width());
        terminal.Out.Write($"\r{prompt}{view.Text}\e[K\r");
        if (view.Column > 0) terminal.Out.Write(string.Create(CultureInfo.InvariantCulture, $"\e[{view.Column}C"));
        terminal.Out.Flush();
    }

    void Complete(LineBuffer line)
    {
        var found = complete(line.Text, line.Cursor);
        var word = found.Words.Count == 0 ? "" : line.Text[found.Start..line.Cursor];
        if (found.Words.Count == 1) line.Replace(found.Start, found.Words[0] + " ");
        else if (found.Common.Length > word.Length) line.Replace(found.Start, found.Common);
        else if (found.Words.Count == 0) terminal.Out.Write("\a");
        else List(found.Words);
    }

    void List(IReadOnlyList<string> words)
    {
        terminal.Out.WriteLine();
        var shown = words.Take(ListedMax).ToList();
        var cells = shown.Max(w => LineView.CellsOf(w)) + 2;
        var columns = Math.Max(1, terminal.Width() / cells);
        for (var i = 0; i < shown.Count; i++)
        {
            var isLast = i % columns == columns - 1 || i == shown.Count - 1;
            terminal.Out.Write(isLast ? shown[i] : shown[i] + new string(' ', cells - LineView.CellsOf(shown[i])));
            if (isLast) terminal.Out.WriteLine();
        }
        if (words.Count > shown.Count) terminal.Out.WriteLine("...");
    }
}
