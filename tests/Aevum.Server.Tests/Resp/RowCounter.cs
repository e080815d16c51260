using Aevum.Core.Batches;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Server.Tests.Resp;

/// <summary>Counts rows themselves, whatever commands say.</summary>
static class RowCounter
{
    /// <summary>Rows of elements in the first database, whoever they belong to.</summary>
    public static int Elements(RespWorld world) => Count(world, world.Server.Databases.IdOf(0), key => StructureKey.HeadLengthOf(key) < key.Length);

    /// <summary>Rows for the collector.</summary>
    public static int Garbage(RespWorld world) => Count(world, SystemKeyspaces.Garbage, _ => true);

    static int Count(RespWorld world, KeyspaceId keyspace, Func<byte[], bool> counts)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace);
        var rows = new Counter(counts);
        new ViewReader(world.Database.Router) { View = ReadView.Present, Time = world.Database.Clock.Now }.Scan(start, end, rows);
        return rows.Found;
    }

    sealed class Counter(Func<byte[], bool> counts) : IRowVisitor
    {
        public int Found { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            if (counts(key.ToArray())) Found++;
            return true;
        }
    }
}
