using Aevum.Core.Time;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HPersist : DataCommand
{
    public override CommandInfo Info { get; } = new("hpersist", CommandGroup.Hash)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "7.4.0",
        Summary = "Lets fields of a hash live as long as the hash; of each: 1, -1 if it did, -2 if it is not there.",
        Complexity = "O(N) with N the fields named",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!FieldArguments.TryRead(call, args, 2, out var first)) return;
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var changed = 0;
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
            hash.SetExpiry(args[i], SystemTime.None);
            changed++;
            call.Reply.Integer(1);
        }
        if (changed == 0) return;
        hash.Save();
        call.Signal(args[1], "hpersist", NotificationClass.Hash);
    }
}
