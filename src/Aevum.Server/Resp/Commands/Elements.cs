// Elements: rows of large structures that are gone. Deleting or overwriting a structure writes its head only; that its elements may go is put down for
// the collector (GarbageRow), in the same commit.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

static class Elements
{
    /// <summary>Puts elements down that may go.</summary>
    /// <param name="due">When; None: now.</param>
    public static void PutDown(DataCall call, ReadOnlySpan<byte> headKey, ulong incarnation, SystemTime due = default)
    {
        if (KeyExpiry.IsFar(due)) return;   // never due
        var row = new byte[GarbageRow.LengthOf(headKey.Length)];
        GarbageRow.Write(row, due == SystemTime.None ? call.Now : due, headKey, incarnation);
        call.Writes.Put(row, default);
    }

    /// <summary>An incarnation for an object under a head's key: the command's time, or the next number of which there are no rows (those of an object
    /// that was made and dropped earlier in the same batch).</summary>
    public static ulong UnusedIncarnation(DataCall call, ReadOnlySpan<byte> headKey)
    {
        var (start, end) = (new byte[headKey.Length + sizeof(ulong)], new byte[headKey.Length + sizeof(ulong)]);
        headKey.CopyTo(start);
        headKey.CopyTo(end);
        for (var incarnation = call.Now.Value; ; incarnation++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(start.AsSpan(headKey.Length), incarnation);
            BinaryPrimitives.WriteUInt64BigEndian(end.AsSpan(headKey.Length), incarnation + 1);
            var any = new AnyRow();
            call.Rows.Scan(start, end, any);
            if (!any.IsThere) return incarnation;
        }
    }

    sealed class AnyRow : IRowVisitor
    {
        public bool IsThere { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value) => !(IsThere = true);
    }
}
