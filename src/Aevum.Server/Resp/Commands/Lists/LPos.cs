// LPOS: where a value stands in a list: the n-th place from an end (RANK), several (COUNT), among the first ones looked at (MAXLEN).

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LPos : DataCommand
{
    public override CommandInfo Info { get; } = new("lpos", CommandGroup.List)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "6.0.6",
        Summary = "Returns the places of a list that hold a value.",
        Complexity = "O(n), n the values of the list",
    };

    static ReadOnlySpan<byte> ZeroRank => "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second "u8 +
        "... or use negative to start from the end of the list"u8;

    public override void Run(DataCall call, CommandArguments args)
    {
        long rank = 1, count = -1, most = 0;
        for (var i = 3; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count)
            {
                call.SyntaxError();
                return;
            }
            if (args.Is(i, "rank"u8))
            {
                if (!call.TryInteger(args[i + 1], out rank)) return;
                if (rank == 0 || rank == long.MinValue)
                {
                    call.Reply.Error(rank == 0 ? ZeroRank : "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"u8);
                    return;
                }
            }
            else if (args.Is(i, "count"u8))
            {
                if (!TryNatural(call, args[i + 1], "ERR COUNT can't be negative"u8, out count)) return;
            }
            else if (args.Is(i, "maxlen"u8))
            {
                if (!TryNatural(call, args[i + 1], "ERR MAXLEN can't be negative"u8, out most)) return;
            }
            else
            {
                call.SyntaxError();
                return;
            }
        }
        if (call.Lists.Open(args[1]) is not { } list) return;
        var found = Find(list, args[2].ToArray(), rank, count < 0 ? 1 : count, most);
        if (count >= 0)
        {
            call.Reply.Array(found.Count);
            foreach (var place in found) call.Reply.Integer(place);
        }
        else if (found.Count > 0)
        {
            call.Reply.Integer(found[0]);
        }
        else
        {
            call.Reply.Null();
        }
    }

    static bool TryNatural(DataCall call, ReadOnlySpan<byte> argument, ReadOnlySpan<byte> refusal, out long number)
    {
        if (Numbers.TryInteger(argument, out number) && number >= 0) return true;
        call.Reply.Error(refusal);
        return false;
    }

    static List<long> Find(ListRows list, byte[] wanted, long rank, long count, long most)
    {
        var found = new List<long>();
        var (skip, looked) = (Math.Abs(rank) - 1, 0L);
        list.Walk(rank < 0 ? list.Count - 1 : 0, descending: rank < 0, (index, value) =>
        {
            if (value.SequenceEqual(wanted) && skip-- <= 0) found.Add(index);
            return (count == 0 || found.Count < count) && (most == 0 || ++looked < most);
        });
        return found;
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
