// HeadWalk: the keys of a database in order: heads only, the elements of large structures passed over in one step each.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys;

delegate bool HeadVisit(ReadOnlySpan<byte> userKey, StructureHead head, SystemTime expiry);

static class HeadWalk
{
    /// <summary>Hands every key to the visitor until it says stop.</summary>
    /// <param name="from">A head's key to begin at; empty: the first.</param>
    /// <param name="before">A key to end before; null: the end of the database.</param>
    public static void Run(IRowReader rows, KeyspaceId keyspace, ReadOnlySpan<byte> from, HeadVisit visit, byte[]? before = null)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace);
        end = before ?? end;
        var walker = new Walker(visit);
        var next = from.IsEmpty ? start : from.ToArray();
        while (true)
        {
            walker.Next = null;
            rows.Scan(next, end, walker);
            if (walker.Next is null || (end is not null && walker.Next.AsSpan().SequenceCompareTo(end) >= 0)) return;
            next = walker.Next;
        }
    }

    // Elements that lie behind a head one by one are walked over; after a few of them a new scan begins behind them all.
    sealed class Walker(HeadVisit visit) : IRowVisitor
    {
        const int StepsMax = 8;

        byte[] _userKey = new byte[256];
        int _steps;

        public byte[]? Next { get; set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            var length = StructureKey.HeadLengthOf(key);
            if (length < 0) throw DataCall.Corrupt("a key of a structure keyspace has no end");
            if (length < key.Length)
            {
                if (++_steps < StepsMax) return true;
                Next = new byte[length];
                StructureKey.WriteEndOf(key[..length], Next);
                return false;
            }
            _steps = 0;
            if (_userKey.Length < key.Length) _userKey = new byte[2 * key.Length];
            var written = StructureKey.ReadUserKey(key, _userKey);
            var head = StructureHead.Read(value.Bytes);
            return visit(_userKey.AsSpan(0, written), head, head.ExpiryOf(value.Expiry));
        }
    }
}
