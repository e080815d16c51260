using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Aevum.Core.Errors;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>A user's key with its keyspace before it, on the caller's stack if it is short.</summary>
ref struct FullKey
{
    /// <summary>What callers put on their stack.</summary>
    public const int StackBytes = 256;

    byte[]? _rented;

    public ReadOnlySpan<byte> Bytes { get; private set; }

    public static FullKey Make(KeyspaceId keyspace, ReadOnlySpan<byte> userKey, Span<byte> stack, int keyBytesMax)
    {
        var length = KeyLayout.LengthOf(userKey.Length);
        if (length > keyBytesMax) TooLong(userKey.Length, keyBytesMax);
        var key = default(FullKey);
        if (length > stack.Length) stack = key._rented = ArrayPool<byte>.Shared.Rent(length);
        key.Bytes = KeyLayout.Write(stack, keyspace, userKey);
        return key;
    }

    [DoesNotReturn]
    static void TooLong(int length, int max) => Throw.Limit("the key's length", length, max - KeyspaceId.PrefixBytes);

    public void Dispose()
    {
        if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
        _rented = null;
    }
}
