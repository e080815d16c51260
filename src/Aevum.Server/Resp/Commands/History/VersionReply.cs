// VersionReply: one version of a key, in the one form in which AEVUM.GETV and AEVUM.HISTORY tell of it:
//
//   version   v:<system time>
//   value     the string; nil if the key held an object with parts (AEVUM.ASOF shows it), or nothing
//   type      as TYPE answers it; none: deleted
//   expiry    Unix time in milliseconds; -1: never
//   note      actor, run and source as far as they were told; empty: nobody told

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Keys;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

static class VersionReply
{
    public static void Write(ReplyWriter reply, SystemTime version, in StructureHead head, bool exists, SystemTime expiry, CommitNote? note)
    {
        reply.Array(5);
        reply.Bulk(MomentText.OfVersion(version));
        if (exists && head.Kind == StructureKind.String) reply.Bulk(head.Rest);
        else reply.Null();
        reply.Bulk(exists ? TypeOf.NameOf(head.Kind) : "none"u8);
        expiry = head.ExpiryOf(expiry);
        reply.Integer(expiry == SystemTime.None ? -1 : KeyExpiry.ToMilliseconds(expiry));
        WriteNote(reply, note);
    }

    static void WriteNote(ReplyWriter reply, CommitNote? note)
    {
        (string Name, string? Value)[] fields = [("actor", note?.Actor), ("run", note?.Run), ("source", note?.Source)];
        reply.Map(fields.Count(f => f.Value is not null));
        foreach (var (name, value) in fields)
        {
            if (value is null) continue;
            reply.Bulk(name);
            reply.Bulk(value);
        }
    }
}
