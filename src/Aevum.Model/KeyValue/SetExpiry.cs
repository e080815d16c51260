using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.KeyValue;

/// <summary>Gives a key another expiry and leaves its value. Argument: the expiry, u64 little endian, 0 for none. Result: 1, or 0 if the key holds
/// nothing.</summary>
public sealed class SetExpiry : IProcedure
{
    public static SetExpiry Instance { get; } = new();

    public string Name => "kv.expiry";

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        if (argument.Length != sizeof(ulong)) Throw.Invalid("an expiry is a system time of eight bytes");
        var expiry = new SystemTime(BinaryPrimitives.ReadUInt64LittleEndian(argument));
        if (!context.TryRead(key, out var found))
        {
            context.Return(0);
            return;
        }
        context.Return(1);
        if (expiry == found.Expiry) return;
        // The value is read in place, and the put copies it.
        if (expiry != SystemTime.None && expiry <= context.Time) context.Delete(key);
        else context.Put(key, found.Bytes, expiry);
    }
}
