// CommandWords: the words of a line as redis-cli takes them apart: white space between them; in "double quotes" anything, with \n \r \t \b \a, \xHH for
// a byte, and \ before anything else for itself; in 'single quotes' anything, with \' for a quote. A quote ends with its word.

using System.Globalization;
using System.Text;

namespace Aevum.Cli.Connecting;

static class CommandWords
{
    /// <returns>Null: a quote is not closed, or goes on after it.</returns>
    public static List<byte[]>? Split(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        var words = new List<byte[]>();
        var at = 0;
        while (true)
        {
            while (at < bytes.Length && IsSpace(bytes[at])) at++;
            if (at == bytes.Length) return words;
            var word = new List<byte>();
            if (!ReadWord(bytes, ref at, word)) return null;
            words.Add([.. word]);
        }
    }

    static bool ReadWord(byte[] line, ref int at, List<byte> word)
    {
        while (at < line.Length && !IsSpace(line[at]))
        {
            var quote = line[at];
            if (quote is not ((byte)'"' or (byte)'\''))
            {
                word.Add(line[at++]);
                continue;
            }
            at++;
            while (true)
            {
                if (at == line.Length) return false;
                if (line[at] == quote) break;
                if (quote == '"' && line[at] == '\\' && at + 1 < line.Length) ReadEscape(line, ref at, word);
                else if (quote == '\'' && line[at] == '\\' && at + 1 < line.Length && line[at + 1] == '\'')
                {
                    word.Add((byte)'\'');
                    at += 2;
                }
                else word.Add(line[at++]);
            }
            at++;
            return at == line.Length || IsSpace(line[at]);
        }
        return true;
    }

    static void ReadEscape(byte[] line, ref int at, List<byte> word)
    {
        if (line[at + 1] == 'x' && at + 3 < line.Length
            && byte.TryParse(line.AsSpan(at + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            word.Add(value);
            at += 4;
            return;
        }
        word.Add((char)line[at + 1] switch
        {
            'n' => (byte)'\n',
            'r' => (byte)'\r',
            't' => (byte)'\t',
            'b' => (byte)'\b',
            'a' => (byte)'\a',
            _ => line[at + 1],
        });
        at += 2;
    }

    static bool IsSpace(byte letter) => letter is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or 11 or 12;
}
