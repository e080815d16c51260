using System.Text;
using Aevum.Core.Batches;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.NOTE: who writes on this connection, and why: kept beside each of its commits, and told by AEVUM.HISTORY.</summary>
sealed class Note : SessionCommand
{
    public override CommandInfo Info { get; } = new("aevum.note", CommandGroup.History)
    {
        Arity = -1,
        Flags = CommandFlags.Fast,
        Since = "aevum",
        Summary = "Notes an actor, a run and a source beside each commit of this connection; empty: not told; without arguments nothing is noted any more.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count is not (1 or 4))
        {
            reply.Error("ERR a note is an actor, a run and a source; each may be empty"u8);
            return;
        }
        for (var i = 1; i < args.Count; i++)
        {
            if (args[i].Length <= CommitNote.FieldBytesMax) continue;
            reply.Error($"ERR a field of a note has at most {CommitNote.FieldBytesMax} bytes");
            return;
        }
        client.Note = args.Count == 1 ? null : new CommitNote(Field(args[1]), Field(args[2]), Field(args[3]));
        reply.Ok();
    }

    static string? Field(ReadOnlySpan<byte> text) => text.IsEmpty ? null : Encoding.UTF8.GetString(text);
}
