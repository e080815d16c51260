// Elements: rows of large structures that are gone. Deleting or overwriting a structure writes its head only; that its elements may go is put down for
// the collector (GarbageRow), in the same commit.

using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

static class Elements
{
    /// <summary>Puts elements down that may go.</summary>
    /// <param name="due">When; None: now.</param>
    public static void PutDown(DataCall call, ReadOnlySpan<byte> headKey, ulong incarnation, SystemTime due = default)
    {
        var row = new byte[GarbageRow.LengthOf(headKey.Length)];
        GarbageRow.Write(row, due == SystemTime.None ? call.Now : due, headKey, incarnation);
        call.Writes.Put(row, default);
    }
}
