// Increment: a number kept as decimal text, so that every door shows it alike and a value written by hand counts on.
//
//   argument   i64, little endian: what is added
//   result     the sum; the key keeps its expiry

using System.Buffers.Binary;
using System.Buffers.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.KeyValue;

public sealed class Increment : IProcedure
{
    const int TextBytesMax = 20;

    public static Increment Instance { get; } = new();

    public string Name => "kv.increment";

    /// <exception cref="AevumException">InvalidArgument: the value is no decimal number of 64 bits, or the sum would be none.</exception>
    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        if (argument.Length != sizeof(long)) Throw.Invalid("what is added is a number of eight bytes");
        var delta = BinaryPrimitives.ReadInt64LittleEndian(argument);
        long before = 0;
        var expiry = SystemTime.None;
        if (context.TryRead(key, out var found))
        {
            if (!TryParse(found.Bytes, out before)) Throw.Invalid("the value is not an integer or out of range");
            expiry = found.Expiry;
        }
        var sum = unchecked(before + delta);
        if (((before ^ sum) & (delta ^ sum)) < 0) Throw.Invalid("the sum would not fit into 64 bits");
        Span<byte> text = stackalloc byte[TextBytesMax];
        Utf8Formatter.TryFormat(sum, text, out var length);
        context.Put(key, text[..length], expiry);
        context.Return(sum);
    }

    /// <summary>Only what formatting gives: no sign but '-', no leading zeros, nothing behind.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long value)
    {
        if (!Utf8Parser.TryParse(text, out value, out var used) || used != text.Length) return false;
        var digits = text[0] == (byte)'-' ? text[1..] : text;
        return digits[0] is >= (byte)'1' and <= (byte)'9' || (digits.Length == 1 && digits[0] == (byte)'0' && text.Length == 1);
    }
}
