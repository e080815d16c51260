// GeoArguments: what the commands about places have in common: a pair of coordinates, a unit, a distance as Redis shows it.

using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

static class GeoArguments
{
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryPoint(DataCall call, CommandArguments args, int at, out GeoPoint point)
    {
        point = default;
        if (!call.TryDouble(args[at], out var longitude) || !call.TryDouble(args[at + 1], out var latitude)) return false;
        point = new GeoPoint(longitude, latitude);
        if (point.IsInRange) return true;
        call.Reply.Error(string.Create(CultureInfo.InvariantCulture, $"ERR invalid longitude,latitude pair {Shown(longitude)},{Shown(latitude)}"));
        return false;
    }

    static string Shown(double number) =>
        double.IsInfinity(number) ? number > 0 ? "inf" : "-inf" : number.ToString("F6", CultureInfo.InvariantCulture);

    /// <summary>A unit, in meters.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryUnit(DataCall call, CommandArguments args, int at, out double meters)
    {
        meters = args.Is(at, "m"u8) ? 1 : args.Is(at, "km"u8) ? 1000 : args.Is(at, "ft"u8) ? 0.3048 : args.Is(at, "mi"u8) ? 1609.34 : 0;
        if (meters != 0) return true;
        call.Reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI"u8);
        return false;
    }

    /// <summary>A number and a unit.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRadius(DataCall call, CommandArguments args, int at, out double radius, out double unit)
    {
        unit = 0;
        if (!Numbers.TryDouble(args[at], out radius))
        {
            call.Reply.Error("ERR need numeric radius"u8);
            return false;
        }
        if (radius < 0)
        {
            call.Reply.Error("ERR radius cannot be negative"u8);
            return false;
        }
        return TryUnit(call, args, at + 1, out unit);
    }

    /// <summary>Two numbers and a unit.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryBox(DataCall call, CommandArguments args, int at, out double width, out double height, out double unit)
    {
        (height, unit) = (0, 0);
        if (!Numbers.TryDouble(args[at], out width))
        {
            call.Reply.Error("ERR need numeric width"u8);
            return false;
        }
        if (!Numbers.TryDouble(args[at + 1], out height))
        {
            call.Reply.Error("ERR need numeric height"u8);
            return false;
        }
        if (width < 0 || height < 0)
        {
            call.Reply.Error("ERR height or width cannot be negative"u8);
            return false;
        }
        return TryUnit(call, args, at + 2, out unit);
    }

    /// <summary>Four digits behind the point, as text in any version of the protocol.</summary>
    public static void WriteDistance(ReplyWriter reply, double distance)
    {
        var scaled = (long)Math.Round(distance * 10000.0, MidpointRounding.ToEven);
        Span<byte> text = stackalloc byte[32];
        var at = 0;
        if (scaled < 0) text[at++] = (byte)'-';
        var value = scaled < 0 ? unchecked(0UL - (ulong)scaled) : (ulong)scaled;
        Utf8Formatter.TryFormat(value / 10000, text[at..], out var whole);
        at += whole;
        text[at++] = (byte)'.';
        Utf8Formatter.TryFormat(value % 10000, text[at..], out var parts, new System.Buffers.StandardFormat('D', 4));
        reply.Bulk(text[..(at + parts)]);
    }

    /// <summary>A place as two numbers with at most 17 digits behind the point.</summary>
    public static void WritePoint(ReplyWriter reply, GeoPoint point)
    {
        reply.Array(2);
        WriteCoordinate(reply, point.Longitude);
        WriteCoordinate(reply, point.Latitude);
    }

    static void WriteCoordinate(ReplyWriter reply, double degrees)
    {
        var text = Encoding.ASCII.GetBytes(degrees.ToString("F17", CultureInfo.InvariantCulture).TrimEnd('0').TrimEnd('.'));
        if (reply.Version < 3)
        {
            reply.Bulk(text);
            return;
        }
        reply.Raw(","u8);
        reply.Raw(text);
        reply.Raw("\r\n"u8);
    }
}
