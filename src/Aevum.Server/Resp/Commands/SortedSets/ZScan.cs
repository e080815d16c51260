using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZScan : DataCommand
{
    public override CommandInfo Info { get; } = new("zscan", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.0",
        Summary = "Walks over the members of a sorted set with their scores, some at a time.",
        Complexity = "O(1) for each call, O(n) for a whole scan",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementScan.Run(call, call.SortedSets, args, 2, (member, score) =>
    {
        call.Reply.Bulk(member);
        Span<byte> text = stackalloc byte[32];
        call.Reply.Bulk(text[..ReplyWriter.FormatDouble(SortedSetRows.ScoreOf(score), text)]);
        return true;
    });
}
