using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>A command about one row of a collection: its first argument names the collection, its second the key.</summary>
abstract class VectorRowCommand : DataCommand
{
    public sealed override ReadOnlySpan<byte> FindRow(DataSurroundings surroundings, CommandArguments args, KeyBuffer buffer) =>
        args.Count > 2 && surroundings.Collections?.Find(args[1]) is { } collection ? buffer.RowOf(collection.Id, args[2]) : default;

    /// <summary>The collection as of where the command stands; else the reply says that there is none.</summary>
    protected static bool TryFind(DataCall call, ReadOnlySpan<byte> name, out KeyspaceEntry collection)
    {
        SystemTime? moment = call.Rows is ViewReader { View.IsPresent: false } reader ? reader.View.At : null;
        collection = call.Surroundings.Collections?.Find(name, moment)!;
        if (collection is not null) return true;
        call.Reply.Error(VectorArguments.NoSuchIndex);
        return false;
    }
}
