// Elements: rows of large structures that are gone. Deleting or overwriting a structure writes its head only; that its elements may go is put down for
// the collector (GarbageRow), in the same commit.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

static class Elements
{
    /// <summary>Puts elements down that may go.</summary>
    /// <param name="headKey">The head's behind which they lie.</param>
    /// <param name="due">When; None: now.</param>
    public static void PutDown(DataCall call, ReadOnlySpan<byte> headKey, ulong incarnation, SystemTime due = default)
    {
        if (KeyExpiry.IsFar(due)) return;   // never due
        var row = new byte[GarbageRow.LengthOf(headKey.Length)];
        GarbageRow.Write(row, due == SystemTime.None ? call.Now : due, headKey, incarnation);
        call.Writes.Put(row, default);
    }

    /// <summary>The same for those of a large object.</summary>
    /// <param name="headKey">Of the object.</param>
    public static void PutDown(DataCall call, ReadOnlySpan<byte> headKey, in StructureHead head, SystemTime due = default) =>
        PutDown(call, head.Home.IsEmpty ? headKey : head.Home, head.Incarnation, due);

    /// <summary>An incarnation for an object under a head's key: the command's time, or the next number of which there are no rows (those of an object
    /// that was made and dropped earlier in the same batch).</summary>
    public static ulong UnusedIncarnation(DataCall call, ReadOnlySpan<byte> headKey) =>
        call.Beside?.BeginLarge(headKey) ?? UnusedIncarnation(call.Rows, headKey);

    /// <summary>The same for who has no call.</summary>
    public static ulong UnusedIncarnation(IRowReader rows, ReadOnlySpan<byte> headKey)
    {
        for (var incarnation = rows.Time.Value; ; incarnation++)
        {
            var (start, end) = StructureKey.RangeOf(headKey, incarnation);
            var any = new AnyRow();
            rows.Scan(start, end, any);
            if (!any.IsThere) return incarnation;
        }
    }

    sealed class AnyRow : IRowVisitor
    {
        public bool IsThere { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value) => !(IsThere = true);
    }
}
