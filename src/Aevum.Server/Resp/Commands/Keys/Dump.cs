// Dump: DUMP, which walks over what a key holds and has DumpWriter write it in Redis' own encoding, so that RESTORE of either takes it.
//
// Order matters where Redis' does: a list from its left, a sorted set from its greatest member. A count stands before the elements, so it must be
// the count of what follows: hashes, whose fields may expire between the two, are read as a list first.
//
// Not here: the encoding and its checksum (Dumps/DumpWriter); streams, which are a format of their own (Streams/StreamDump); RESTORE (Restore).

using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Keys.Dumps;
using Aevum.Server.Resp.Commands.SortedSets;
using Aevum.Server.Resp.Commands.Streams;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>DUMP: what a key holds as bytes that RESTORE takes, here and of Redis itself (<see cref="DumpWriter"/>). Expiries of fields are not
/// in it.</summary>
sealed class Dump : DataCommand
{
    public override CommandInfo Info { get; } = new("dump", CommandGroup.Generic)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.6.0",
        Summary = "Answers what a key holds as bytes that RESTORE takes.",
        Complexity = "O(N) with N the bytes of all elements",
    };

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);

    public override void Run(DataCall call, CommandArguments args)
    {
        var key = args[1];
        if (!call.TryReadHead(key, out var head, out _))
        {
            call.Reply.Null();
            return;
        }
        var dump = new DumpWriter();
        switch (head.Kind)
        {
            case StructureKind.String:
                dump.Begin(head.Kind);
                dump.String(head.Rest);
                break;
            case StructureKind.List:
                var list = call.Lists.Open(key)!;
                dump.Begin(StructureKind.List, list.Count);
                list.Walk(0, descending: false, (_, value) =>
                {
                    dump.String(value);
                    return true;
                });
                break;
            case StructureKind.Hash:
                // As a list of its own: a field may expire between the count and the walk.
                var fields = call.Hashes.Open(key)!.ToList();
                dump.Begin(StructureKind.Hash, fields.Count);
                foreach (var (field, value) in fields)
                {
                    dump.String(field);
                    dump.String(value);
                }
                break;
            case StructureKind.Set:
                var set = call.Sets.Open(key)!;
                dump.Begin(StructureKind.Set, set.Count);
                set.ForEach((member, _) =>
                {
                    dump.String(member);
                    return true;
                });
                break;
            case StructureKind.SortedSet:
                // The greatest first, as Redis does: who restores then always inserts at the front.
                var sorted = call.SortedSets.Open(key)!;
                dump.Begin(StructureKind.SortedSet, sorted.Count);
                sorted.WalkScores(new ScoreRange(double.NegativeInfinity, false, double.PositiveInfinity, false), descending: true, (member, score) =>
                {
                    dump.String(member);
                    dump.Score(score);
                    return true;
                });
                break;
            default:
                StreamDump.Write(call, call.Streams.Open(key)!, dump);
                break;
        }
        dump.End();
        call.Reply.Bulk(dump.Written);
    }
}
