// DumpReader, size: what a dump holds at most, by its lengths alone: nothing is unpacked. Of streams nobody can tell so: each entry of a node has the fields
// that the node has once.

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

ref partial struct DumpReader
{
    const int ListpackEntryMin = 2;   // bytes

    /// <summary>Counts what is in a dump that may be of anything but a stream.</summary>
    /// <param name="elements">At most; fields and values of a hash are counted both.</param>
    /// <param name="bytes">Unpacked, at most.</param>
    /// <returns>False: it is malformed.</returns>
    public static bool TrySize(ReadOnlySpan<byte> dump, out long elements, out long bytes)
    {
        (elements, bytes) = (0, 0);
        if (dump.Length <= FooterBytes) return false;
        var reader = new DumpReader(dump[..^FooterBytes]) { _at = 1 };
        return reader.TrySize((Type)dump[0], ref elements, ref bytes);
    }

    bool TrySize(Type type, ref long elements, ref long bytes)
    {
        switch (type)
        {
            case Type.String:
                return TryPass(ref bytes);
            case Type.List or Type.Set or Type.Hash or Type.SortedSet or Type.SortedSetText:
                if (!TryLength(out elements) || elements > _bytes.Length) return false;
                for (var i = 0L; i < elements; i++)
                {
                    if (!TryPass(ref bytes)) return false;
                    if (type == Type.Hash && !TryPass(ref bytes)) return false;
                    if (type == Type.SortedSet && !TryScoreBytes(out _)) return false;
                    if (type == Type.SortedSetText && !TryScoreText(out _)) return false;
                }
                if (type == Type.Hash) elements *= 2;
                return true;
            case Type.ListOfZiplists or Type.ListOfListpacks:
                if (!TryLength(out var nodes)) return false;
                for (var i = 0L; i < nodes; i++)
                    if ((type == Type.ListOfListpacks && !TryLength(out _)) || !TryPass(ref bytes)) return false;
                elements = nodes + (bytes / ListpackEntryMin);
                return true;
            default:
                if (!TryPass(ref bytes)) return false;
                elements = bytes / ListpackEntryMin;
                return true;
        }
    }

    // Passes over a string.
    bool TryPass(ref long bytes)
    {
        if (!TryLengthOrForm(out var length, out var isForm)) return false;
        var unpacked = length;
        if (isForm)
        {
            switch (length)
            {
                case 0 or 1 or 2:
                    (unpacked, length) = (11, 1L << (int)length);   // a number as text
                    break;
                case 3 when TryLength(out var packed) && TryLength(out unpacked):
                    length = packed;
                    break;
                default:
                    return false;
            }
        }
        if (length > _bytes.Length - _at || unpacked > BytesMax) return false;
        _at += (int)length;
        bytes += unpacked;
        return true;
    }
}
