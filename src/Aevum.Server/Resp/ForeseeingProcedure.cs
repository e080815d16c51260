// ForeseeingProcedure: a command's procedure, for commands whose arguments tell more rows than the first key's: other keys (MSET), elements of a large
// object (HSET, SADD, ZADD). The waits for memory of a whole batch then pass together.
//
// A hint: an object that an earlier step of the batch makes, or makes anew, is not seen here, and costs a wait of its own as ever.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed class ForeseeingProcedure(DataCommand command, DataSurroundings surroundings)
    : CommandProcedure(command, surroundings), IForeseeingProcedure
{
    const int KeysMax = 1024;       // of a batch: more push each other out of the core's cache again
    const int NameBytesMax = 256;

    readonly KeyPlaces _keys = command.Info.Keys;
    readonly KeyPlaces _elements = command.Info.Elements;

    /// <summary>True of a command that knows more rows than its first key's.</summary>
    public static bool Suits(DataCommand command) => command.Info.Elements.First > 0 || (command.Info.Keys is { First: > 0 } keys && keys.Last != keys.First);

    public bool ForeseesMany => _keys.Last != _keys.First;

    public void Foresee(IRowReader rows, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument, KeyList found)
    {
        if (found.Count >= KeysMax) return;
        var args = ArgumentsOf(argument);
        if (ForeseesMany) ForeseeKeys(KeyspaceOf(argument), args, found);
        if (_elements.First > 0 && rows.TryRead(key, out var row)) ForeseeElements(key, StructureHead.Read(row.Bytes), args, found);
    }

    void ForeseeKeys(KeyspaceId keyspace, CommandArguments args, KeyList found)
    {
        var last = LastOf(_keys, args);
        for (var i = _keys.First + _keys.Step; i <= last && found.Count < KeysMax; i += _keys.Step)
        {
            if (args[i].Length > NameBytesMax) continue;
            var target = found.Reserve(StructureKey.HeadBytesMax(args[i].Length));
            found.Take(StructureKey.WriteHead(target, keyspace, args[i]));
        }
    }

    void ForeseeElements(ReadOnlySpan<byte> key, StructureHead head, CommandArguments args, KeyList found)
    {
        if (!head.IsLarge) return;
        if (!head.Home.IsEmpty) key = head.Home;
        var last = LastOf(_elements, args);
        for (var i = _elements.First; i <= last && found.Count < KeysMax; i += _elements.Step)
        {
            if (args[i].Length > NameBytesMax) continue;
            var length = key.Length + StructureKey.ElementPrefixBytes + MemberPosition.Bytes + args[i].Length;
            var target = found.Reserve(length);
            key.CopyTo(target);
            MemberRows.WriteElementKey(target[key.Length..], head.Incarnation, args[i]);
            found.Take(length);
        }
    }

    static int LastOf(KeyPlaces places, CommandArguments args) => Math.Min(places.Last < 0 ? args.Count + places.Last : places.Last, args.Count - 1);
}
