// OBJECT: what Redis would tell of how it keeps a value: its encoding for a value of that shape (Shape), how long it has been idle (KeyAccesses). Answers
// for the sake of clients that ask; nothing here is kept so.

using System.Text;
using Aevum.Core.Time;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>OBJECT ENCODING, FREQ, IDLETIME, REFCOUNT, HELP: what Redis would tell of how it keeps a value (<see cref="Shape"/>). A key is idle since it
/// was written last, or read (<see cref="Measuring.KeyAccesses"/>).</summary>
sealed class ObjectCommand : DataCommand
{
    static readonly string[] Words = ["encoding", "freq", "help", "idletime", "refcount"];

    static readonly string[] Help =
    [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
        "HELP",
        "    Prints this help.",
    ];

    public override CommandInfo Info { get; } = new("object", CommandGroup.Generic)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = new KeyPlaces(2, 2, 1),
        Since = "2.2.3",
        Summary = "Tells how Redis would keep a value of this shape.",
        Complexity = "O(1), or O(N) with N the elements of a small structure",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var name = Encoding.UTF8.GetString(args[1]).ToLowerInvariant();
        if (!Words.Contains(name))
        {
            call.Reply.Error($"ERR unknown subcommand '{Encoding.UTF8.GetString(args[1])}'. Try OBJECT HELP.");
            return;
        }
        if (args.Count != (name == "help" ? 2 : 3))
        {
            call.Reply.Error($"ERR wrong number of arguments for 'object|{name}' command");
            return;
        }
        if (name == "help")
        {
            call.Reply.Array(Help.Length);
            foreach (var line in Help) call.Reply.Simple(Encoding.ASCII.GetBytes(line));
            return;
        }
        if (!call.TryReadHead(args[2], out _, out var row))
        {
            call.Reply.Null();
            return;
        }
        switch (name)
        {
            case "encoding":
                call.Reply.Bulk(Shape.Of(call, args[2])!);
                return;
            case "freq":
                call.Reply.Error(
                    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at "
                    + "runtime LRU and LFU data will take some time to adjust.");
                return;
            case "idletime":
                call.Surroundings.Accesses.SwitchOn();
                var last = Math.Max((long)(row.Version.Microseconds / 1_000_000), call.Surroundings.Accesses.LastOf(call.Keyspace, args[2]));
                call.Reply.Integer(row.Version == SystemTime.None ? 0 : Math.Max(0, (call.NowMilliseconds / 1000) - last));
                return;
            default:
                call.Reply.Integer(1);
                return;
        }
    }
}
