// VectorArguments: how vectors stand in requests, and the errors that are told where they do not.
//
//   a blob                 components in the collection's element type, little endian: of float32 four bytes each
//   VALUES n x1 .. xn      the same as numbers in text
//   KEY key                of a search: the vector that a key holds

using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Model.Vectors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

static class VectorArguments
{
    public static ReadOnlySpan<byte> NoSuchIndex => "ERR no such index"u8;

    /// <summary>How many arguments a vector takes at a place, by its form.</summary>
    /// <returns>False: its VALUES are cut off; the reply says so.</returns>
    public static bool TryMeasure(CommandArguments args, int at, ReplyWriter reply, out int count)
    {
        count = 1;
        if (!args.Is(at, "values"u8) || at + 1 >= args.Count) return true;
        if (!Numbers.TryInteger(args[at + 1], out var components) || components < 1 || components > args.Count - at - 2)
        {
            reply.Error("ERR syntax error"u8);
            return false;
        }
        count = 2 + (int)components;
        return true;
    }

    /// <summary>Reads a vector; else the reply says what is wrong with it.</summary>
    /// <param name="count">Of <see cref="TryMeasure"/>.</param>
    /// <param name="elements">Checked.</param>
    public static bool TryRead(CommandArguments args, int at, int count, CollectionOptions options, ReplyWriter reply, out ReadOnlySpan<byte> elements)
    {
        elements = default;
        if (count == 1)
        {
            if (!TryCheck(args[at], options, reply)) return false;
            elements = args[at];
            return true;
        }
        var vector = new float[count - 2];
        for (var i = 0; i < vector.Length; i++)
        {
            if (!Numbers.TryDouble(args[at + 2 + i], out var component))
            {
                reply.Error("ERR value is not a valid float"u8);
                return false;
            }
            vector[i] = (float)component;
            if (float.IsFinite(vector[i])) continue;
            reply.Error("ERR invalid vector encoding"u8);
            return false;
        }
        try
        {
            elements = VectorElements.FromFloats(options, vector);
            return true;
        }
        catch (AevumException fault)
        {
            reply.Error(RespErrors.TextOf(fault));
            return false;
        }
    }

    static bool TryCheck(ReadOnlySpan<byte> elements, CollectionOptions options, ReplyWriter reply)
    {
        switch (VectorRow.Check(elements, options, out var given))
        {
            case VectorFault.None: return true;
            case VectorFault.Encoding: reply.Error("ERR invalid vector encoding"u8); break;
            case VectorFault.Dimension: reply.Error($"ERR wrong vector dimension: index expects {options.Dimension}, got {given}"); break;
            case VectorFault.Length: reply.Error($"ERR the vector is longer than {VectorRow.LengthMax:g3}, so that distances from it would overflow"); break;
            default: reply.Error("ERR the vector is zero everywhere, and so has no direction to be compared by cosine"u8); break;
        }
        return false;
    }
}
