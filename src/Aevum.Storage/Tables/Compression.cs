namespace Aevum.Storage.Tables;

/// <summary>How the blocks of a keyspace are stored. The values are stored, one with each block.</summary>
public enum Compression : byte
{
    None = 0,

    /// <summary>The LZ4 block format, at its fast setting.</summary>
    Lz4 = 1,

    /// <summary>Brotli, quality 4: about twice LZ4's ratio at several times its cost. For cold data.</summary>
    Brotli = 2,
}
