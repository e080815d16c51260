// VectorCommands: vector collections. VNEW, VADD, VSEARCH, VDEL, VINFO and VSAVE are Engram's, in replies and errors; the others, and the words behind
// their arguments, are ours.
//
// VADD, VDEL, VGET and VEXISTS are about rows, and so steps like any other, in transactions too. The rest is about the collection or its index: it runs
// on a worker beside the loop; inside MULTI behind the commit, in its place.

using System.Globalization;

namespace Aevum.Server.Resp.Commands.Vectors;

static class VectorCommands
{
    public static IEnumerable<RespCommand> Make() =>
        [new VNew(), new VAdd(), new VDel(), new VGet(), new VExists(), new VSearch(), new VInfo(), new VSave(), new VDrop(), new VList()];

    /// <summary>A distance as text: the fewest digits that read back as the same number, without an exponent.</summary>
    public static string TextOf(float distance)
    {
        var text = distance.ToString("R", CultureInfo.InvariantCulture);
        var e = text.IndexOf('E', StringComparison.Ordinal);
        if (e < 0) return text;
        var exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var isNegative = text[0] == '-';
        var digits = text[(isNegative ? 1 : 0)..e];
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var before = point < 0 ? digits.Length : point;
        digits = digits.Replace(".", "", StringComparison.Ordinal);
        var place = before + exponent;   // of the point, from the first digit
        var plain = place <= 0 ? "0." + new string('0', -place) + digits
            : place >= digits.Length ? digits.PadRight(place, '0')
            : digits[..place] + "." + digits[place..];
        return isNegative ? "-" + plain : plain;
    }
}
