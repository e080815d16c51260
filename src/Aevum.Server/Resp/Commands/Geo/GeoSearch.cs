// GeoSearch: GEOSEARCH, GEOSEARCHSTORE, and their elders GEORADIUS and GEORADIUSBYMEMBER with or without _RO: one search, arguments in other orders.
//
// Each of at most nine cells is a range of scores (GeoShape.Cells); what lies in one is decoded and held against the shape. So a search costs what lies in
// those cells, however large the sorted set is.

using System.Text;
using Aevum.Core.Bytes;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Commands.Keys;
using Aevum.Server.Resp.Commands.SortedSets;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

enum GeoSearchForm
{
    /// <summary>GEORADIUS: around coordinates.</summary>
    Radius,

    /// <summary>GEORADIUSBYMEMBER.</summary>
    RadiusByMember,

    /// <summary>GEOSEARCH.</summary>
    Search,

    /// <summary>GEOSEARCHSTORE.</summary>
    SearchStore,
}

sealed class GeoSearch(string name, GeoSearchForm form, bool mayStore) : DataCommand
{
    readonly record struct Found(byte[] Member, double Score, GeoPoint Point, double Distance);

    bool IsSearch => form is GeoSearchForm.Search or GeoSearchForm.SearchStore;

    int SourceAt => form == GeoSearchForm.SearchStore ? 2 : 1;

    public override CommandInfo Info { get; } = new(name, CommandGroup.Geo)
    {
        Arity = form switch { GeoSearchForm.Radius => -6, GeoSearchForm.RadiusByMember => -5, GeoSearchForm.Search => -7, _ => -8 },
        Flags = (mayStore ? CommandFlags.Write | CommandFlags.DenyOom : CommandFlags.ReadOnly)
            | (mayStore && form != GeoSearchForm.SearchStore ? CommandFlags.MovableKeys : CommandFlags.None),
        Keys = form == GeoSearchForm.SearchStore ? KeyPlaces.Two : KeyPlaces.One,
        Since = form is GeoSearchForm.Search or GeoSearchForm.SearchStore ? "6.2.0" : mayStore ? "3.2.0" : "3.2.10",
        Summary = form == GeoSearchForm.SearchStore ? "Keeps the members of a circle or a box as a sorted set."
            : "Answers the members that lie in a circle or a box.",
        Complexity = "O(N + log M) with N the members of the at most nine cells around, M those of the sorted set",
    };

    public override bool FindKeys(CommandArguments args, List<int> found)
    {
        base.FindKeys(args, found);
        if (mayStore && !IsSearch && StoreAt(args) is > 0 and var at) found.Add(at);
        return true;
    }

    public override bool Writes(CommandArguments args) => form == GeoSearchForm.SearchStore || (mayStore && StoreAt(args) > 0);

    // Where the key to store under stands; the last one counts. 0: there is none.
    int StoreAt(CommandArguments args)
    {
        var at = 0;
        for (var i = form == GeoSearchForm.Radius ? 6 : 5; i + 1 < args.Count; i++)
            if (args.Is(i, "store"u8) || args.Is(i, "storedist"u8)) at = ++i;
            else if (args.Is(i, "count"u8)) i++;
        return at;
    }

    public override bool MayTakeSeveralCommits => mayStore;

    // How much lies in the shape nobody knows before; all that is there is written at most.
    public override WriteForecast Forecast(DataCall call, CommandArguments args) =>
        WriteForecast.OfMembers(call, args[SourceAt], args[form == GeoSearchForm.SearchStore ? 1 : StoreAt(args)]) with { Elements = 0 };

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[SourceAt]);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[SourceAt]) is not { } set) return;
        var options = new GeoSearchOptions { StoreAt = form == GeoSearchForm.SearchStore ? 1 : 0 };
        if (!TryOptions(call, args, set, ref options)) return;
        if (options.StoreAt > 0 && (options.WithDistance || options.WithHash || options.WithCoordinates))
        {
            var what = form == GeoSearchForm.SearchStore ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
            call.Reply.Error($"ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
            return;
        }
        if (IsSearch && !(options.HasMember || options.HasPoint))
        {
            call.Reply.Error($"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {Encoding.UTF8.GetString(args[0])}");
            return;
        }
        if (IsSearch && !(options.HasRadius || options.HasBox))
        {
            call.Reply.Error($"ERR exactly one of BYRADIUS and BYBOX can be specified for {Encoding.UTF8.GetString(args[0])}");
            return;
        }
        if (options.Any && options.Count == 0)
        {
            call.Reply.Error("ERR the ANY argument requires COUNT argument"u8);
            return;
        }
        var found = set.Exists ? Find(set, options, call.MayBlock ? WriteForecast.ElementsMax : long.MaxValue) : [];
        if (call.MayBlock && found.Count > WriteForecast.ElementsMax) call.Block();
        else if (options.StoreAt > 0) Store(call, args[options.StoreAt], found, options);
        else Tell(call.Reply, found, options);
    }

    // ------------------------------------------------------------------------------------------------ arguments

    bool TryOptions(DataCall call, CommandArguments args, SortedSetRows set, ref GeoSearchOptions options)
    {
        var first = 0;
        switch (form)
        {
            case GeoSearchForm.Radius:
                if (!GeoArguments.TryPoint(call, args, 2, out var point) || !GeoArguments.TryRadius(call, args, 4, out var radius, out var unit)) return false;
                options.Shape = new GeoShape(point, false, radius, radius, unit);
                first = 6;
                break;
            case GeoSearchForm.RadiusByMember:
                // Of a key that holds nothing the reply is the same whatever the radius.
                if (set.Exists && (!TryMember(call, set, args[2], ref options) || !TryRadius(call, args, 3, ref options))) return false;
                first = 5;
                break;
            default:
                first = SourceAt + 1;
                break;
        }
        for (var i = first; i < args.Count; i++)
        {
            var behind = args.Count - i - 1;
            if (args.Is(i, "withdist"u8)) options.WithDistance = true;
            else if (args.Is(i, "withhash"u8)) options.WithHash = true;
            else if (args.Is(i, "withcoord"u8)) options.WithCoordinates = true;
            else if (args.Is(i, "any"u8)) options.Any = true;
            else if (args.Is(i, "asc"u8)) options.Order = 1;
            else if (args.Is(i, "desc"u8)) options.Order = -1;
            else if (args.Is(i, "count"u8) && behind >= 1)
            {
                if (!call.TryInteger(args[++i], out var count)) return false;
                options.Count = count;
                if (count > 0) continue;
                call.Reply.Error("ERR COUNT must be > 0"u8);
                return false;
            }
            else if (!IsSearch && mayStore && behind >= 1 && (args.Is(i, "store"u8) || args.Is(i, "storedist"u8)))
            {
                options.StoresDistance = args.Is(i, "storedist"u8);
                options.StoreAt = ++i;
            }
            else if (form == GeoSearchForm.SearchStore && args.Is(i, "storedist"u8)) options.StoresDistance = true;
            else if (IsSearch && behind >= 1 && !options.HasPoint && args.Is(i, "frommember"u8))
            {
                options.HasMember = true;
                i++;
                if (set.Exists && !TryMember(call, set, args[i], ref options)) return false;
            }
            else if (IsSearch && behind >= 2 && !options.HasMember && args.Is(i, "fromlonlat"u8))
            {
                if (!GeoArguments.TryPoint(call, args, i + 1, out var center)) return false;
                options.Shape = options.Shape with { Center = center };
                options.HasPoint = true;
                i += 2;
            }
            else if (IsSearch && behind >= 2 && !options.HasBox && args.Is(i, "byradius"u8))
            {
                if (!TryRadius(call, args, i + 1, ref options)) return false;
                options.HasRadius = true;
                i += 2;
            }
            else if (IsSearch && behind >= 3 && !options.HasRadius && args.Is(i, "bybox"u8))
            {
                if (!GeoArguments.TryBox(call, args, i + 1, out var width, out var height, out var unit)) return false;
                options.Shape = options.Shape with { IsBox = true, Width = width, Height = height, Unit = unit };
                options.HasBox = true;
                i += 3;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }
        return true;
    }

    static bool TryMember(DataCall call, SortedSetRows set, ReadOnlySpan<byte> member, ref GeoSearchOptions options)
    {
        if (set.TryGetScore(member, out var score))
        {
            options.Shape = options.Shape with { Center = GeoCell.OfScore(score).Center };
            return true;
        }
        call.Reply.Error("ERR could not decode requested zset member"u8);
        return false;
    }

    static bool TryRadius(DataCall call, CommandArguments args, int at, ref GeoSearchOptions options)
    {
        if (!GeoArguments.TryRadius(call, args, at, out var radius, out var unit)) return false;
        options.Shape = options.Shape with { IsBox = false, Width = radius, Height = radius, Unit = unit };
        return true;
    }

    // ------------------------------------------------------------------------------------------------ search

    // Most: where there are more, one above it will do, of whichever.
    static List<Found> Find(SortedSetRows set, GeoSearchOptions options, long most)
    {
        var found = new List<Found>();
        var above = most == long.MaxValue ? most : most + 1;
        var limit = options.Any ? Math.Min(options.Count, above) : above;
        foreach (var cell in options.Shape.Cells())
        {
            if (found.Count >= limit) break;
            set.WalkScores(new ScoreRange(cell.FirstScore, false, cell.EndScore, true), descending: false, (member, score) =>
            {
                var point = GeoCell.OfScore(score).Center;
                if (options.Shape.Contains(point, out var distance)) found.Add(new Found(member.ToArray(), score, point, distance));
                return found.Count < limit;
            });
        }
        if (found.Count > most) return found;
        // Who wants a number of them wants the nearest, unless any will do.
        var order = options.Order == 0 && options.Count > 0 && !options.Any ? 1 : options.Order;
        IEnumerable<Found> sorted = order > 0 ? found.OrderBy(f => f.Distance) : order < 0 ? found.OrderByDescending(f => f.Distance) : found;
        return [.. options.Count > 0 ? sorted.Take((int)Math.Min(options.Count, int.MaxValue)) : sorted];
    }

    static void Tell(ReplyWriter reply, List<Found> found, in GeoSearchOptions options)
    {
        var parts = 1 + (options.WithDistance ? 1 : 0) + (options.WithHash ? 1 : 0) + (options.WithCoordinates ? 1 : 0);
        reply.Array(found.Count);
        foreach (var one in found)
        {
            if (parts > 1) reply.Array(parts);
            reply.Bulk(one.Member);
            if (options.WithDistance) GeoArguments.WriteDistance(reply, one.Distance / options.Shape.Unit);
            if (options.WithHash) reply.Integer((long)one.Score);
            if (options.WithCoordinates) GeoArguments.WritePoint(reply, one.Point);
        }
    }

    void Store(DataCall call, ReadOnlySpan<byte> key, List<Found> found, in GeoSearchOptions options)
    {
        call.Reply.Integer(found.Count);
        if (found.Count == 0)
        {
            if (Delete.TryDelete(call, key)) call.Signal(key, "del", NotificationClass.Generic);
            return;
        }
        var target = call.SortedSets.Replace(key);
        // Of the largest cells one may have been looked at twice.
        var seen = new HashSet<byte[]>(KeyComparer.Instance);
        foreach (var one in found)
            if (seen.Add(one.Member)) target.Change(one.Member, options.StoresDistance ? one.Distance / options.Shape.Unit : one.Score, exists: false, 0);
        target.Save();
        call.Signal(key, IsSearch ? "geosearchstore" : "georadiusstore", NotificationClass.SortedSet, isReady: true);
    }
}

/// <summary>What a search was told.</summary>
struct GeoSearchOptions
{
    public GeoShape Shape;
    public bool HasMember, HasPoint, HasRadius, HasBox;
    public bool WithDistance, WithHash, WithCoordinates;

    /// <summary>1: nearest first; -1: farthest first; 0: as they come.</summary>
    public int Order;

    /// <summary>0: all.</summary>
    public long Count;

    /// <summary>The first that are found will do.</summary>
    public bool Any;

    /// <summary>Where the key to store under stands; 0: the members are the reply.</summary>
    public int StoreAt;

    public bool StoresDistance;
}
