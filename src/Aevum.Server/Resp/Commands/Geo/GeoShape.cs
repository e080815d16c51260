// GeoShape: what a search asks for: a circle, or a box along meridians and parallels, around a place; and the cells that cover it: the one that the place
// lies in and those around it, of a size that no part of the shape lies outside of all nine.
//
// Which cells are looked at, and in which order, decides what a search without order answers first, and at the poles and across the date line also what it
// finds at all: it is done as Redis does it.

namespace Aevum.Server.Resp.Commands.Geo;

/// <param name="Width">Of a circle its radius, in units.</param>
/// <param name="Height">Of a circle its radius.</param>
/// <param name="Unit">Meters.</param>
readonly record struct GeoShape(GeoPoint Center, bool IsBox, double Width, double Height, double Unit)
{
    const double MercatorMeters = 20037726.37;   // half of the way around the square

    // Where the next cells lie, in the order in which they are looked at: north, south, east, west, and the corners.
    static readonly (int East, int North)[] Around = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

    /// <summary>True if a place lies within.</summary>
    /// <param name="distance">From the center, in meters.</param>
    public bool Contains(GeoPoint point, out double distance)
    {
        if (!IsBox)
        {
            distance = Center.DistanceTo(point);
            return !(distance > Width * Unit);
        }
        distance = 0;
        if (GeoPoint.LatitudeDistance(point.Latitude, Center.Latitude) > Height * Unit / 2) return false;
        if (point.DistanceTo(new GeoPoint(Center.Longitude, point.Latitude)) > Width * Unit / 2) return false;
        distance = Center.DistanceTo(point);
        return true;
    }

    /// <summary>The cells that cover it, in the order in which they are looked at; a cell may come twice if cells are very large.</summary>
    public List<GeoCell> Cells()
    {
        var (west, south, east, north) = Bounds();
        var step = Step();
        var cell = GeoCell.Of(Center, step);
        var isTooSmall = cell.Move(0, 1).North < north || cell.Move(0, -1).South > south || cell.Move(1, 0).East < east || cell.Move(-1, 0).West > west;
        if (isTooSmall && step > 1) cell = GeoCell.Of(Center, --step);
        var cells = new List<GeoCell>(9) { cell };
        foreach (var (toEast, toNorth) in Around)
        {
            // Sides that the shape does not reach need not be looked at; of the largest cells each side may be the other one too.
            if (step >= 2 && ((toNorth < 0 && cell.South < south) || (toNorth > 0 && cell.North > north) ||
                (toEast < 0 && cell.West < west) || (toEast > 0 && cell.East > east))) continue;
            var next = cell.Move(toEast, toNorth);
            if (cells.Count == 1 || next != cells[^1]) cells.Add(next);
        }
        return cells;
    }

    // Degrees. The edge nearer to a pole spans more of them.
    (double West, double South, double East, double North) Bounds()
    {
        var height = Unit * (IsBox ? Height / 2 : Height);
        var width = Unit * (IsBox ? Width / 2 : Width);
        var latitudes = GeoPoint.ToDegrees(height);
        var edge = Center.Latitude < 0 ? Center.Latitude - latitudes : Center.Latitude + latitudes;
        var longitudes = WidthAt(width, edge);
        return (Center.Longitude - longitudes, Center.Latitude - latitudes, Center.Longitude + longitudes, Center.Latitude + latitudes);
    }

    static double WidthAt(double width, double latitude) => GeoPoint.ToDegrees(width, Math.Cos(GeoPoint.ToRadians(latitude)));

    // The finest cells of which three by three hold the shape, as far as can be told without looking.
    int Step()
    {
        var meters = (IsBox ? Math.Sqrt((Width / 2 * (Width / 2)) + (Height / 2 * (Height / 2))) : Width) * Unit;
        if (meters == 0) return GeoCell.StepMax;
        var step = 1;
        for (; meters < MercatorMeters; meters *= 2) step++;
        step -= 2;
        if (Math.Abs(Center.Latitude) > 66) step--;
        if (Math.Abs(Center.Latitude) > 80) step--;
        return Math.Clamp(step, 1, GeoCell.StepMax);
    }
}
