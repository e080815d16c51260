// GeoCell: the earth cut into cells, 2^step by 2^step of them, each with a number whose bits are those of its two places by turns (longitude's is the
// upper of each pair). Cells near each other mostly have numbers near each other, and a cell's finer ones follow one another: those of step 26, 52 bits,
// are the scores of a sorted set, and what lies in a cell is a range of scores.
//
// Geohash (Niemeyer 2008), with the latitudes that the Mercator projection shows as a square, as in EPSG:3857: +-85.05112878. Doubles, and the order of
// operations on them, are Redis': positions and distances agree with it to the last digit.

namespace Aevum.Server.Resp.Commands.Geo;

/// <summary>A place on earth, in degrees.</summary>
readonly record struct GeoPoint(double Longitude, double Latitude)
{
    public const double LongitudeMax = 180;
    public const double LatitudeMax = 85.05112878;

    const double RadiusMeters = 6372797.560856;

    const double RadiansPerDegree = Math.PI / 180.0;

    public bool IsInRange =>
        Longitude is >= -LongitudeMax and <= LongitudeMax && Latitude is >= -LatitudeMax and <= LatitudeMax;

    public static double ToRadians(double degrees) => degrees * RadiansPerDegree;

    /// <summary>How many degrees of a circle a way is.</summary>
    /// <param name="circle">The circle's radius beside the earth's.</param>
    public static double ToDegrees(double meters, double circle = 1) => meters / RadiusMeters / circle / RadiansPerDegree;

    /// <summary>Meters along a meridian.</summary>
    public static double LatitudeDistance(double a, double b) => RadiusMeters * Math.Abs(ToRadians(b) - ToRadians(a));

    /// <summary>Meters along a great circle, by the haversine formula, the earth taken for a sphere.</summary>
    public double DistanceTo(GeoPoint other)
    {
        var v = Math.Sin((ToRadians(other.Longitude) - ToRadians(Longitude)) / 2);
        if (v == 0.0) return LatitudeDistance(Latitude, other.Latitude);
        double here = ToRadians(Latitude), there = ToRadians(other.Latitude);
        var u = Math.Sin((there - here) / 2);
        return 2.0 * RadiusMeters * Math.Asin(Math.Sqrt((u * u) + (Math.Cos(here) * Math.Cos(there) * v * v)));
    }
}

/// <param name="X">From the west; the eastern end of the earth itself is one more than there are cells.</param>
/// <param name="Y">From the south, likewise.</param>
/// <param name="Step">Doublings: 1 to <see cref="StepMax"/>.</param>
readonly record struct GeoCell(uint X, uint Y, int Step)
{
    public const int StepMax = 26;

    public const int ScoreBits = 2 * StepMax;

    /// <summary>The cell that a place lies in.</summary>
    /// <param name="latitudeMax">Of the square that is cut; <see cref="GeoPoint.LatitudeMax"/>, but 90 for geohashes as the world writes them.</param>
    public static GeoCell Of(GeoPoint point, int step, double latitudeMax = GeoPoint.LatitudeMax)
    {
        var y = (point.Latitude - -latitudeMax) / (latitudeMax - -latitudeMax);
        var x = (point.Longitude - -GeoPoint.LongitudeMax) / (GeoPoint.LongitudeMax - -GeoPoint.LongitudeMax);
        return new GeoCell((uint)(x * (1UL << step)), (uint)(y * (1UL << step)), step);
    }

    /// <summary>The cell that a score is. Of any number: sorted sets hold what they were given.</summary>
    public static GeoCell OfScore(double score)
    {
        // As machines turn doubles into numbers without sign: negative ones wrap.
        const double half = 9223372036854775808.0;
        var bits = score < half ? (ulong)(long)score : (ulong)(long)(score - half) ^ (1UL << 63);
        return new GeoCell(Squeeze(bits >> 1), Squeeze(bits), StepMax);
    }

    public ulong Bits => Spread(Y) | (Spread(X) << 1);

    /// <summary>The first score in the cell.</summary>
    public ulong FirstScore => Bits << (ScoreBits - (2 * Step));

    /// <summary>The first score behind it.</summary>
    public ulong EndScore => (Bits + 1) << (ScoreBits - (2 * Step));

    public double West => Longitude(X);

    public double East => Longitude(unchecked(X + 1));

    public double South => Latitude(Y);

    public double North => Latitude(unchecked(Y + 1));

    /// <summary>Its middle.</summary>
    public GeoPoint Center => new(
        Math.Clamp((West + East) / 2, -GeoPoint.LongitudeMax, GeoPoint.LongitudeMax),
        Math.Clamp((South + North) / 2, -GeoPoint.LatitudeMax, GeoPoint.LatitudeMax));

    double Longitude(uint x) => -GeoPoint.LongitudeMax + (x * 1.0 / (1UL << Step) * (GeoPoint.LongitudeMax - -GeoPoint.LongitudeMax));

    double Latitude(uint y) => -GeoPoint.LatitudeMax + (y * 1.0 / (1UL << Step) * (GeoPoint.LatitudeMax - -GeoPoint.LatitudeMax));

    /// <summary>A neighbour. Who leaves the square on one side comes back on the other, also over the poles.</summary>
    public GeoCell Move(int east, int north)
    {
        var mask = (uint)((1UL << Step) - 1);
        return new GeoCell(
            east == 0 ? X : unchecked((uint)(X + east)) & mask, north == 0 ? Y : unchecked((uint)(Y + north)) & mask, Step);
    }

    // A zero before each bit.
    static ulong Spread(uint number)
    {
        ulong bits = number;
        bits = (bits | (bits << 16)) & 0x0000FFFF0000FFFF;
        bits = (bits | (bits << 8)) & 0x00FF00FF00FF00FF;
        bits = (bits | (bits << 4)) & 0x0F0F0F0F0F0F0F0F;
        bits = (bits | (bits << 2)) & 0x3333333333333333;
        return (bits | (bits << 1)) & 0x5555555555555555;
    }

    // Every second bit, the lowest first.
    static uint Squeeze(ulong bits)
    {
        bits &= 0x5555555555555555;
        bits = (bits | (bits >> 1)) & 0x3333333333333333;
        bits = (bits | (bits >> 2)) & 0x0F0F0F0F0F0F0F0F;
        bits = (bits | (bits >> 4)) & 0x00FF00FF00FF00FF;
        bits = (bits | (bits >> 8)) & 0x0000FFFF0000FFFF;
        return (uint)(bits | (bits >> 16));
    }
}
