// Varint: unsigned integers in groups of seven bits, least significant first, the top bit set on all bytes but the last (LEB128).

namespace Aevum.Core.Bytes;

public static unsafe class Varint
{
    public const int MaxBytes32 = 5;
    public const int MaxBytes64 = 10;

    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> target, uint value) => Write(target, (ulong)value);

    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> target, ulong value)
    {
        var at = 0;
        while (value >= 0x80)
        {
            target[at++] = (byte)(value | 0x80);
            value >>= 7;
        }
        target[at++] = (byte)value;
        return at;
    }

    /// <returns>False if the bytes end early or hold more than 32 bits; then nothing is consumed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out uint value, out int consumed)
    {
        if (TryRead(source, out ulong wide, out consumed) && wide <= uint.MaxValue)
        {
            value = (uint)wide;
            return true;
        }
        value = 0;
        consumed = 0;
        return false;
    }

    /// <returns>False if the bytes end early or hold more than 64 bits; then nothing is consumed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out ulong value, out int consumed)
    {
        value = 0;
        for (var i = 0; i < source.Length && i < MaxBytes64; i++)
        {
            ulong part = source[i];
            if (i == MaxBytes64 - 1 && part > 1) break;
            value |= (part & 0x7F) << (7 * i);
            if (part < 0x80)
            {
                consumed = i + 1;
                return true;
            }
        }
        value = 0;
        consumed = 0;
        return false;
    }

    /// <summary>Reads from trusted (already verified) native memory and moves the pointer on.</summary>
    public static uint ReadTrusted(ref byte* at)
    {
        uint value = *at++;
        if (value < 0x80) return value;
        value &= 0x7F;
        for (var shift = 7; ; shift += 7)
        {
            uint part = *at++;
            value |= (part & 0x7F) << shift;
            if (part < 0x80) return value;
        }
    }

    /// <returns>Bytes that <see cref="Write(Span{byte}, ulong)"/> will take.</returns>
    public static int Size(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;
}
