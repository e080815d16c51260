namespace Aevum.Server.Resp.Protocol;

/// <summary>Words of the protocol: letters of ASCII, the same in small and large.</summary>
static class Words
{
    /// <param name="lower">In small letters.</param>
    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
    {
        if (text.Length != lower.Length) return false;
        for (var i = 0; i < text.Length; i++)
            if (ToLower(text[i]) != lower[i]) return false;
        return true;
    }

    public static byte ToLower(byte letter) => (uint)(letter - 'A') <= 'Z' - 'A' ? (byte)(letter | 0x20) : letter;
}
