using System.Text;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>Errors that name a key and a group, as clients of Redis know them.</summary>
static class NoGroup
{
    public static void KeyOrGroup(DataCall call, ReadOnlySpan<byte> key, ReadOnlySpan<byte> group, string where = "") =>
        Error(call, "NOGROUP No such key '", key, "' or consumer group '", group, $"'{where}");

    public static void Group(DataCall call, ReadOnlySpan<byte> key, ReadOnlySpan<byte> group) =>
        Error(call, "NOGROUP No such consumer group '", group, "' for key name '", key, "'");

    static void Error(DataCall call, string start, ReadOnlySpan<byte> first, string middle, ReadOnlySpan<byte> second, string end)
    {
        byte[] text =
        [
            .. Encoding.ASCII.GetBytes(start), .. Shown(first), .. Encoding.ASCII.GetBytes(middle), .. Shown(second), .. Encoding.ASCII.GetBytes(end),
        ];
        foreach (ref var letter in text.AsSpan())
            if (letter is (byte)'\r' or (byte)'\n') letter = (byte)' ';   // a reply is one line
        call.Reply.Error(text);
    }

    // Names end at their first zero, where they are shown.
    static ReadOnlySpan<byte> Shown(ReadOnlySpan<byte> name) => name.IndexOf((byte)0) is >= 0 and var end ? name[..end] : name;
}
