// LineView: what of a line a terminal of some width shows: one row, moved so that the cursor is in it. A character takes one cell, two (East Asian wide,
// most emoji) or none (marks on another one); so the cells are counted, not the characters.

using System.Globalization;
using System.Text;

namespace Aevum.Cli.Editing;

/// <param name="Text">What is shown behind the prompt.</param>
/// <param name="Column">Where the cursor stands, in cells from the start of the row.</param>
readonly record struct LineView(string Text, int Column)
{
    /// <param name="prompt">Shown before the line.</param>
    /// <param name="text">The line.</param>
    /// <param name="cursor">In it.</param>
    /// <param name="width">Cells of a row.</param>
    public static LineView Of(string prompt, string text, int cursor, int width)
    {
        var first = CellsOf(prompt);
        var room = Math.Max(width - first - 1, 8);   // the cursor may stand behind the last character
        var starts = StringInfo.ParseCombiningCharacters(text).Append(text.Length).ToArray();
        var from = 0;
        while (starts[from] < cursor && CellsOf(text.AsSpan(starts[from], cursor - starts[from])) > room) from++;
        var to = from;
        while (to + 1 < starts.Length && CellsOf(text.AsSpan(starts[from], starts[to + 1] - starts[from])) <= room) to++;
        return new LineView(text[starts[from]..starts[to]], first + CellsOf(text.AsSpan(starts[from], cursor - starts[from])));
    }

    public static int CellsOf(ReadOnlySpan<char> text)
    {
        var cells = 0;
        foreach (var rune in text.EnumerateRunes())
            cells += Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control => 0,
                _ => IsWide(rune.Value) ? 2 : 1,
            };
        return cells;
    }

    // The great ranges of Unicode's East Asian Width W and F (UAX 11).
    static bool IsWide(int value) => value is >= 0x1100 and <= 0x115F or >= 0x2E80 and <= 0x303E or >= 0x3041 and <= 0xA4CF or >= 0xAC00 and <= 0xD7A3
        or >= 0xF900 and <= 0xFAFF or >= 0xFE30 and <= 0xFE6F or >= 0xFF00 and <= 0xFF60 or >= 0xFFE0 and <= 0xFFE6 or >= 0x1F300 and <= 0x1F64F
        or >= 0x1F680 and <= 0x1F6FF or >= 0x1F900 and <= 0x1F9FF or >= 0x20000 and <= 0x3FFFD;
}
