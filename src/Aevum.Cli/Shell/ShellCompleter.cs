// ShellCompleter: what Tab means in the shell: a command first; then, as the command has it, a keyspace, a mark, or a key of the keyspace in use that
// begins so.

using System.Text;
using Aevum.Cli.Editing;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Shell;

static class ShellCompleter
{
    const int KeysMax = 60;

    static readonly string[] KeyVerbs = ["get", "put", "delete", "scan", "history", "ttl", "incr", "cas", "expire", "delete-prefix"];

    public static Completions Complete(ShellSession session, string line, int cursor)
    {
        var before = line[..cursor];
        var start = WordStart(before);
        var word = before[start..];
        var words = before[..start].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return Completions.Among(start, word, ShellSession.VerbNames);
        try
        {
            return words[0] switch
            {
                "use" or "drop" when words.Length == 1 => Completions.Among(start, word, session.View.ListKeyspaces().Select(Typed)),
                "asof" or "diff" => Completions.Among(start, word, session.Marks.Keys.Append("now")),
                "begin" => Completions.Among(start, word, ["serializable", "repeatable-read", "read-committed"]),
                _ when words.Length == 1 && KeyVerbs.Contains(words[0]) => Keys(session, start, word),
                _ => Completions.None,
            };
        }
        catch (AevumException)
        {
            return Completions.None;   // half a quote; a keyspace that is gone
        }
    }

    static string Typed(string text) => ByteText.OfKey(Encoding.UTF8.GetBytes(text));

    // Blanks within double quotes do not end a word.
    static int WordStart(string before)
    {
        var (start, isQuoted) = (0, false);
        for (var i = 0; i < before.Length; i++)
        {
            if (before[i] == '\\' && isQuoted) i++;
            else if (before[i] == '"') isQuoted = !isQuoted;
            else if (before[i] == ' ' && !isQuoted) start = i + 1;
        }
        return start;
    }

    static Completions Keys(ShellSession session, int start, string word)
    {
        var typed = word.StartsWith('"') ? ByteText.SplitWords(word + "\"") : ByteText.SplitWords(word);
        if (typed.Count > 1) return Completions.None;
        var options = typed is [{ Length: > 0 } prefix] ? ScanOptions.OfPrefix(prefix) : ScanOptions.All;
        var keys = session.Keyspace.Scan(options).Take(KeysMax).Select(e => ByteText.OfKey(e.Key)).ToList();
        if (keys.Count == 0) return Completions.None;
        // The last of all, so that what is common is common to those that are not listed too.
        var last = keys.Count < KeysMax ? keys[^1] : session.Keyspace.Scan(options with { Descending = true }).Select(e => ByteText.OfKey(e.Key)).First();
        var isPlain = !keys[0].StartsWith('"') && !last.StartsWith('"') && keys.All(k => !k.StartsWith('"'));
        var common = isPlain ? Completions.CommonOf(keys[0], last) : "";
        return new Completions(start, keys, common);
    }
}
