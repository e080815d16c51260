// RowTsv: KEY TAB VALUE, a put a line.
//
//   \t \n \r \0 \\     stand for themselves' bytes in either field; any other byte is itself, text or not
//   0x...              with hex fields allowed, a field that begins so is hex digits; text that begins so is then given in hex too
//
// A line has exactly one TAB. An empty key and an empty value are values like any other.

using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

static class RowTsv
{
    /// <exception cref="BadRowException">The line is no row.</exception>
    public static Row Read(ReadOnlySpan<byte> line, bool hex)
    {
        var tab = line.IndexOf((byte)'\t');
        if (tab < 0) throw new BadRowException("there is no TAB between a key and a value");
        var value = line[(tab + 1)..];
        if (value.Contains((byte)'\t')) throw new BadRowException("there is more than one TAB; one within a field is written \\t");
        return new Row(Field(line[..tab], hex), ValueChange.Put, Field(value, hex));
    }

    static byte[] Field(ReadOnlySpan<byte> field, bool hex)
    {
        if (hex && field.StartsWith("0x"u8)) return Hex(field[2..]);
        if (!field.Contains((byte)'\\')) return field.ToArray();
        var bytes = new byte[field.Length];
        var length = 0;
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] != '\\')
            {
                bytes[length++] = field[i];
                continue;
            }
            var escape = ++i < field.Length ? field[i] : (byte)' ';
            bytes[length++] = escape switch
            {
                (byte)'t' => (byte)'\t',
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'0' => 0,
                (byte)'\\' => (byte)'\\',
                _ => throw new BadRowException("a backslash begins no escape: \\t \\n \\r \\0 and \\\\ are"),
            };
        }
        return bytes[..length];
    }

    static byte[] Hex(ReadOnlySpan<byte> digits)
    {
        var bytes = new byte[digits.Length / 2];
        var status = Convert.FromHexString(digits, bytes, out _, out _);
        return status == System.Buffers.OperationStatus.Done && digits.Length % 2 == 0
            ? bytes : throw new BadRowException("what follows 0x is not an even number of hex digits");
    }
}
