namespace Aevum.Core.Bytes;

/// <summary>Ranges of keys in the store's order: unsigned bytes, shorter first on a tie.</summary>
public static class KeyRange
{
    /// <summary>The smallest key above every key that begins with <paramref name="prefix"/>; null if there is none
    /// (all bytes are 0xFF).</summary>
    public static byte[]? PrefixEnd(ReadOnlySpan<byte> prefix)
    {
        var length = prefix.Length;
        while (length > 0 && prefix[length - 1] == 0xFF) length--;
        if (length == 0) return null;
        var end = prefix[..length].ToArray();
        end[length - 1]++;
        return end;
    }
}
