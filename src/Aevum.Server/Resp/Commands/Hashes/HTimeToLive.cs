using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME.</summary>
sealed class HTimeToLive(string name, bool isMilliseconds, bool isAbsolute) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Hash)
    {
        Arity = -5,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "7.4.0",
        Summary = "Answers how long fields of a hash live, or until when; -1 for one that does not expire, -2 for one that is not there.",
        Complexity = "O(N) with N the fields named",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!FieldArguments.TryRead(call, args, 2, out var first)) return;
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        call.Reply.Array(args.Count - first);
        for (var i = first; i < args.Count; i++)
        {
            if (!hash.TryGetExpiry(args[i], out var expiry))
            {
                call.Reply.Integer(-2);
                continue;
            }
            if (expiry == SystemTime.None)
            {
                call.Reply.Integer(-1);
                continue;
            }
            var milliseconds = Math.Max(0, KeyExpiry.ToMilliseconds(expiry) - (isAbsolute ? 0 : call.NowMilliseconds));
            call.Reply.Integer(isMilliseconds ? milliseconds : (milliseconds + 999) / 1000);
        }
    }
}
