// Places on earth: searches against a walk over all members, and against Redis itself where it is installed, near poles and the date line too.
// Single commands: testdata/transcripts/geo.txt.

using System.Globalization;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Commands.Geo;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class GeoTests
{
    static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    static string RandomAdd(SeededRandom random, int members, int range)
    {
        // Spread over the earth, near one place, near the date line, near a pole.
        var words = new List<string> { "GEOADD", "g" };
        for (var i = 0; i < members; i++)
        {
            var (longitude, latitude) = range switch
            {
                0 => ((random.NextDouble() * 360) - 180, (random.NextDouble() * 170) - 85),
                1 => (13 + random.NextDouble(), 52 + random.NextDouble()),
                2 => (random.OneIn(2) ? 179.5 + (random.NextDouble() / 2) : -180 + (random.NextDouble() / 2), random.NextDouble() * 2),
                _ => ((random.NextDouble() * 360) - 180, (random.OneIn(2) ? -1 : 1) * (80 + (random.NextDouble() * 5))),
            };
            words.AddRange([Text(longitude), Text(latitude), $"m{i}"]);
        }
        return string.Join(' ', words);
    }

    static string RandomSearch(SeededRandom random, int range)
    {
        var (longitude, latitude) = range switch
        {
            0 => ((random.NextDouble() * 360) - 180, (random.NextDouble() * 170) - 85),
            1 => (13 + random.NextDouble(), 52 + random.NextDouble()),
            2 => (random.OneIn(2) ? 179.9 : -179.9, random.NextDouble() * 2),
            _ => ((random.NextDouble() * 360) - 180, (random.OneIn(2) ? -1 : 1) * (80 + (random.NextDouble() * 5))),
        };
        var from = random.OneIn(3) ? $"FROMMEMBER m{random.Next(50)}" : $"FROMLONLAT {Text(longitude)} {Text(latitude)}";
        string[] units = ["m", "km", "ft", "mi"];
        var unit = units[random.Next(4)];
        var scale = Math.Pow(10, random.Next(1, 8)) / (unit is "km" or "mi" ? 1000 : 1);
        var by = random.OneIn(2)
            ? $"BYRADIUS {Text(random.NextDouble() * scale)} {unit}"
            : $"BYBOX {Text(random.NextDouble() * scale)} {Text(random.NextDouble() * scale)} {unit}";
        string[] orders = ["", " ASC", " DESC"];
        var count = random.Next(4) switch { 0 => $" COUNT {random.Next(1, 20)}", 1 => $" COUNT {random.Next(1, 20)} ANY", _ => "" };
        return $"GEOSEARCH g {from} {by}{orders[random.Next(3)]}{count}{(random.OneIn(2) ? " WITHDIST WITHHASH WITHCOORD" : "")}";
    }

    [TheoryThatNeeds(Program = RealRedis.Program), Seeds(4)]
    public void Searches_answer_as_Redis_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var redis = new RealRedis();
        using var world = new RespWorld();
        for (var range = 0; range < 4; range++)
        {
            var add = RandomAdd(random, 20 + random.Next(400), range);
            redis.Ask("DEL g");
            world.Ask("DEL g");
            Assert.Equal(ReplyText.Of(redis.Ask(add)), world.Ask(add));
            foreach (var request in (string[])["GEOPOS g m0 m1 m2 m3 m4", "GEOHASH g m0 m1 m2 m3 m4", "GEODIST g m1 m2", "GEODIST g m3 m4 mi"])
                Assert.Equal(ReplyText.Of(redis.Ask(request)), world.Ask(request));
            for (var i = 0; i < 150; i++)
            {
                var search = RandomSearch(random, range);
                Assert.Equal((search, ReplyText.Of(redis.Ask(search))), (search, world.Ask(search)));
            }
        }
    }

    [Theory, Seeds(4)]
    public void Searches_find_what_a_walk_over_all_finds(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new RespWorld();
        var places = new Dictionary<string, GeoPoint>();
        for (var i = 0; i < 400; i++)
        {
            var point = new GeoPoint(5 + (random.NextDouble() * 10), 45 + (random.NextDouble() * 10));
            world.Ask($"GEOADD g {Text(point.Longitude)} {Text(point.Latitude)} m{i}");
            places[$"m{i}"] = GeoCell.OfScore(GeoCell.Of(point, GeoCell.StepMax).FirstScore).Center;
        }
        for (var i = 0; i < 60; i++)
        {
            var center = new GeoPoint(5 + (random.NextDouble() * 10), 45 + (random.NextDouble() * 10));
            var isBox = random.OneIn(2);
            double width = random.NextDouble() * 800, height = isBox ? random.NextDouble() * 800 : width;
            var by = isBox ? $"BYBOX {Text(width)} {Text(height)} km" : $"BYRADIUS {Text(width)} km";
            var reply = world.Ask($"GEOSEARCH g FROMLONLAT {Text(center.Longitude)} {Text(center.Latitude)} {by}");
            var wanted = places.Where(p => isBox
                ? GeoPoint.LatitudeDistance(p.Value.Latitude, center.Latitude) <= height * 500
                    && p.Value.DistanceTo(new GeoPoint(center.Longitude, p.Value.Latitude)) <= width * 500
                : center.DistanceTo(p.Value) <= width * 1000).Select(p => p.Key);
            Assert.Equal(wanted.Order(StringComparer.Ordinal), reply[1..^1].Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void A_search_of_a_small_circle_reads_few_of_many()
    {
        using var world = new RespWorld();
        var random = new SeededRandom(1);
        for (var i = 0; i < 2000; i++) world.Ask($"GEOADD g {Text((random.NextDouble() * 360) - 180)} {Text((random.NextDouble() * 170) - 85)} m{i}");
        world.Ask("GEOADD g 13.4 52.5 berlin");
        var cells = new GeoShape(new GeoPoint(13.4, 52.5), false, 1, 1, 1000).Cells();
        Assert.InRange(cells.Count, 1, 9);
        var within = cells.Sum(c => int.Parse(world.Ask($"ZCOUNT g {c.FirstScore} ({c.EndScore}"), CultureInfo.InvariantCulture));
        Assert.InRange(within, 1, 20);
        Assert.Equal("[berlin]", world.Ask("GEOSEARCH g FROMLONLAT 13.4 52.5 BYRADIUS 1 km"));
    }

    [Fact]
    public void The_third_version_of_the_protocol_has_coordinates_as_numbers()
    {
        using var world = new RespWorld();
        world.Ask("GEOADD g 13.361389 38.115556 p");
        world.First.Client.Version = 3;
        world.First.Receive("GEOPOS g p nobody\r\n"u8);
        Assert.Equal("*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n", System.Text.Encoding.ASCII.GetString(world.First.Take()));
    }
}
