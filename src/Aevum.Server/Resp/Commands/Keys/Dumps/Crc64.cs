namespace Aevum.Server.Resp.Commands.Keys.Dumps;

/// <summary>The checksum at the end of a dump: 64 bits, Jones' polynomial ad93d23594c935a9, reflected, beginning with 0 and ending with nothing.</summary>
/// <remarks>Of "123456789" it is e9c6d914c4b8d9ca. Eight bytes at a time by eight tables (Kounavis and Berry, 2005: slicing).</remarks>
static class Crc64
{
    const ulong Polynomial = 0x95AC9329AC4BC9B5;   // its bits the other way around
    const int Slices = 8;

    static readonly ulong[] Tables = MakeTables();

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var crc = 0UL;
        var tables = Tables;
        for (; bytes.Length >= Slices; bytes = bytes[Slices..])
        {
            crc ^= System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            var next = 0UL;
            for (var i = 0; i < Slices; i++) next ^= tables[((Slices - 1 - i) << 8) + (int)((crc >> (8 * i)) & 0xFF)];
            crc = next;
        }
        foreach (var one in bytes) crc = tables[(int)((crc ^ one) & 0xFF)] ^ (crc >> 8);
        return crc;
    }

    static ulong[] MakeTables()
    {
        var tables = new ulong[Slices << 8];
        for (var i = 0; i < 256; i++)
        {
            var crc = (ulong)i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            tables[i] = crc;
        }
        for (var i = 256; i < tables.Length; i++) tables[i] = (tables[i - 256] >> 8) ^ tables[(int)(tables[i - 256] & 0xFF)];
        return tables;
    }
}
