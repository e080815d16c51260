using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

/// <summary>Where the key of a row is put together, again and again.</summary>
sealed class KeyBuffer
{
    byte[] _bytes = new byte[256];

    /// <summary>The key of a row of plain keys: of a vector collection. Valid until the next one.</summary>
    public ReadOnlySpan<byte> RowOf(KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        var needed = KeyLayout.LengthOf(userKey.Length);
        if (_bytes.Length < needed) _bytes = new byte[Math.Max(needed, 2 * _bytes.Length)];
        return KeyLayout.Write(_bytes, keyspace, userKey);
    }

    /// <summary>The key of a head. Valid until the next one.</summary>
    public ReadOnlySpan<byte> HeadOf(KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        var needed = StructureKey.HeadBytesMax(userKey.Length);
        if (_bytes.Length < needed) _bytes = new byte[Math.Max(needed, 2 * _bytes.Length)];
        return _bytes.AsSpan(0, StructureKey.WriteHead(_bytes, keyspace, userKey));
    }
}
