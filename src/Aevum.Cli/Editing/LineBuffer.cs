// LineBuffer: a line that is being typed, and what each key does to it: the keys of Emacs, as most shells have them.
//
//   ^A ^E Home End    to the start, the end               ^B ^F arrows     one character
//   M-b M-f ^arrows   one word                            ^P ^N arrows     older and newer lines
//   ^H ^D Del         delete one character                ^K ^U ^W M-d     delete to the end, to the start, a word before, a word behind
//   ^Y                what was deleted last by one of these, again       ^T     swap two characters
//   ^C                give the line up                    ^D on an empty line: the end of input
//
// Always true: the cursor stands between two characters as a person sees them, never within one; the line holds no control character. Pure: no
// terminal, no file.

using System.Globalization;

namespace Aevum.Cli.Editing;

/// <summary>What a key asked for beyond changing the line.</summary>
enum KeyOutcome
{
    More = 0,
    Line = 1,
    EndOfInput = 2,
    GiveUp = 3,
    ClearScreen = 4,
    Complete = 5,
}

/// <param name="history">Lines typed before, the oldest first.</param>
sealed class LineBuffer(IReadOnlyList<string> history)
{
    int _line = history.Count;   // which line of the history is shown; at its end: the one being typed
    string _draft = "";
    string _deleted = "";

    public string Text { get; private set; } = "";

    /// <summary>In UTF-16 units from the start.</summary>
    public int Cursor { get; private set; }

    public KeyOutcome Press(ConsoleKeyInfo key)
    {
        if ((key.Modifiers & ConsoleModifiers.Control) != 0) return PressControl(key.Key);
        if ((key.Modifiers & ConsoleModifiers.Alt) != 0) return PressAlt(key.Key);
        switch (key.Key)
        {
            case ConsoleKey.Enter: return KeyOutcome.Line;
            case ConsoleKey.Tab: return KeyOutcome.Complete;
            case ConsoleKey.Backspace: Delete(Before(Cursor), Cursor); break;
            case ConsoleKey.Delete: Delete(Cursor, Behind(Cursor)); break;
            case ConsoleKey.LeftArrow: Cursor = Before(Cursor); break;
            case ConsoleKey.RightArrow: Cursor = Behind(Cursor); break;
            case ConsoleKey.UpArrow: Show(_line - 1); break;
            case ConsoleKey.DownArrow: Show(_line + 1); break;
            case ConsoleKey.Home: Cursor = 0; break;
            case ConsoleKey.End: Cursor = Text.Length; break;
            default:
                if (!char.IsControl(key.KeyChar)) Insert(key.KeyChar.ToString());
                break;
        }
        return KeyOutcome.More;
    }

    KeyOutcome PressControl(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.A: Cursor = 0; break;
            case ConsoleKey.E: Cursor = Text.Length; break;
            case ConsoleKey.B: Cursor = Before(Cursor); break;
            case ConsoleKey.F: Cursor = Behind(Cursor); break;
            case ConsoleKey.LeftArrow: Cursor = WordBefore(Cursor); break;
            case ConsoleKey.RightArrow: Cursor = WordBehind(Cursor); break;
            case ConsoleKey.P: Show(_line - 1); break;
            case ConsoleKey.N: Show(_line + 1); break;
            case ConsoleKey.D when Text.Length == 0: return KeyOutcome.EndOfInput;
            case ConsoleKey.D: Delete(Cursor, Behind(Cursor)); break;
            case ConsoleKey.H: Delete(Before(Cursor), Cursor); break;
            case ConsoleKey.K: Kill(Cursor, Text.Length); break;
            case ConsoleKey.U: Kill(0, Cursor); break;
            case ConsoleKey.W or ConsoleKey.Backspace: Kill(WordBefore(Cursor), Cursor); break;
            case ConsoleKey.Y: Insert(_deleted); break;
            case ConsoleKey.T: Swap(); break;
            case ConsoleKey.C: return KeyOutcome.GiveUp;
            case ConsoleKey.L: return KeyOutcome.ClearScreen;
            case ConsoleKey.I: return KeyOutcome.Complete;
            case ConsoleKey.J or ConsoleKey.M or ConsoleKey.Enter: return KeyOutcome.Line;
            default: break;
        }
        return KeyOutcome.More;
    }

    KeyOutcome PressAlt(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.B or ConsoleKey.LeftArrow: Cursor = WordBefore(Cursor); break;
            case ConsoleKey.F or ConsoleKey.RightArrow: Cursor = WordBehind(Cursor); break;
            case ConsoleKey.D: Kill(Cursor, WordBehind(Cursor)); break;
            case ConsoleKey.Backspace: Kill(WordBefore(Cursor), Cursor); break;
            default: break;
        }
        return KeyOutcome.More;
    }

    /// <summary>Puts other text in place of what lies between a place and the cursor.</summary>
    public void Replace(int start, string text)
    {
        Text = string.Concat(Text.AsSpan(0, start), text, Text.AsSpan(Cursor));
        Cursor = start + text.Length;
        Settle();
    }

    void Insert(string text) => Replace(Cursor, text);

    void Delete(int start, int end)
    {
        Text = string.Concat(Text.AsSpan(0, start), Text.AsSpan(end));
        Cursor = start;
        Settle();
    }

    void Kill(int start, int end)
    {
        if (start < end) _deleted = Text[start..end];
        Delete(start, end);
    }

    void Swap()
    {
        if (Cursor == 0 || Behind(0) >= Text.Length) return;
        var end = Cursor == Text.Length ? Cursor : Behind(Cursor);
        var middle = Before(end);
        var start = Before(middle);
        Text = string.Concat(Text.AsSpan(0, start), Text.AsSpan(middle, end - middle), Text.AsSpan(start, middle - start)) + Text[end..];
        Cursor = end;
        Settle();
    }

    void Show(int line)
    {
        if (line < 0 || line > history.Count) return;
        if (_line == history.Count) _draft = Text;
        _line = line;
        Text = line == history.Count ? _draft : history[line];
        Cursor = Text.Length;
    }

    // What was put together may have become one character with its neighbour: then the cursor goes behind it.
    void Settle()
    {
        if (Cursor > 0 && Cursor < Text.Length && !Starts().Contains(Cursor)) Cursor = Starts().Append(Text.Length).First(s => s > Cursor);
    }

    int[] Starts() => StringInfo.ParseCombiningCharacters(Text);

    int Before(int place) => Starts().LastOrDefault(s => s < place);

    int Behind(int place) => Starts().Append(Text.Length).FirstOrDefault(s => s > place, Text.Length);

    int WordBefore(int place)
    {
        while (place > 0 && !IsWord(Before(place))) place = Before(place);
        while (place > 0 && IsWord(Before(place))) place = Before(place);
        return place;
    }

    int WordBehind(int place)
    {
        while (place < Text.Length && !IsWord(place)) place = Behind(place);
        while (place < Text.Length && IsWord(place)) place = Behind(place);
        return place;
    }

    bool IsWord(int place) => char.IsLetterOrDigit(Text, place);
}
