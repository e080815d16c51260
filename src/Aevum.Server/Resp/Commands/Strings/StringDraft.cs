// StringDraft: a string's next value while it is put together: the row itself, kind first, so that nothing is copied between this and the batch.
//
// A string is one row, so whoever changes one byte of it writes all of it anew. What is begun here is valid until another one is.

using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Strings;

static class StringDraft
{
    /// <summary>Bytes of a string at most. What clients of Redis know as proto-max-bulk-len is 512 MiB; a batch of ours holds 64 MiB, key and all.</summary>
    public const int BytesMax = (64 << 20) - (128 << 10);

    /// <summary>Begins with what the key holds now, and zeros behind it.</summary>
    /// <param name="length">Not below the length of the old value.</param>
    public static Span<byte> Begin(DataCall call, ReadOnlySpan<byte> old, int length)
    {
        var draft = call.Scratch(1 + length);
        draft[0] = StructureHead.TagOf(StructureKind.String);
        old.CopyTo(draft[1..]);
        draft[(1 + old.Length)..].Clear();
        return draft[1..];
    }

    /// <summary>Writes the beginning of what was begun.</summary>
    public static void Save(DataCall call, ReadOnlySpan<byte> key, int length, SystemTime expiry)
    {
        var draft = call.Scratch(1 + length);
        if (KeyExpiry.IsFar(expiry)) call.PutString(key, draft[1..].ToArray(), expiry);
        else call.Writes.Put(call.HeadKey(key), draft, expiry);
    }

    /// <summary>Whether a string may become so long; else the reply says that it may not.</summary>
    public static bool TryLength(DataCall call, long length)
    {
        if (length <= BytesMax) return true;
        call.Reply.Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"u8);
        return false;
    }
}
