namespace Aevum.Server.Resp.Commands.Geo;

static class GeoCommands
{
    public static IEnumerable<RespCommand> Make() =>
    [
        new GeoAdd(), new GeoDist(), new GeoHash(), new GeoPos(),
        new GeoSearch("georadius", GeoSearchForm.Radius, mayStore: true), new GeoSearch("georadius_ro", GeoSearchForm.Radius, mayStore: false),
        new GeoSearch("georadiusbymember", GeoSearchForm.RadiusByMember, mayStore: true),
        new GeoSearch("georadiusbymember_ro", GeoSearchForm.RadiusByMember, mayStore: false),
        new GeoSearch("geosearch", GeoSearchForm.Search, mayStore: false), new GeoSearch("geosearchstore", GeoSearchForm.SearchStore, mayStore: true),
    ];
}
