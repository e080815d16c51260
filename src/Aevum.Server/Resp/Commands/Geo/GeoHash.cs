using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Geo;

/// <summary>GEOHASH: places as the world writes them: 32 letters, five bits each, latitudes to 90 degrees. Of the eleventh letter two bits are known and
/// none is told: Redis answers 0.</summary>
sealed class GeoHash : DataCommand
{
    const int Letters = 11;
    const int LetterBits = 5;

    public override CommandInfo Info { get; } = new("geohash", CommandGroup.Geo)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "3.2.0",
        Summary = "Answers members' places as geohashes.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        call.Reply.Array(args.Count - 2);
        Span<byte> text = stackalloc byte[Letters];
        for (var i = 2; i < args.Count; i++)
        {
            if (!set.TryGetScore(args[i], out var score))
            {
                call.Reply.Null();
                continue;
            }
            var bits = GeoCell.Of(GeoCell.OfScore(score).Center, GeoCell.StepMax, latitudeMax: 90).Bits;
            for (var letter = 0; letter < Letters - 1; letter++)
                text[letter] = "0123456789bcdefghjkmnpqrstuvwxyz"u8[(int)(bits >> (GeoCell.ScoreBits - ((letter + 1) * LetterBits))) & 31];
            text[Letters - 1] = (byte)'0';
            call.Reply.Bulk(text);
        }
    }
}
