// WriteVerbs: the shell's commands that write. Each put or delete is a batch of its own, acknowledged before its time is printed.

using Aevum.Core.Time;

namespace Aevum.Cli.Shell;

static class WriteVerbs
{
    public static ShellVerb[] All { get; } =
    [
        new("put KEY VALUE...", "write a value; several words are joined by one blank each", Put),
        new("delete KEY", "make a key absent from now on; its history stays", Delete),
        new("flush", "write what is in memory to tables", Flush),
        new("compact", "merge all tables", Compact),
    ];

    static void Put(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        var value = arguments[1].ToList();
        foreach (var word in arguments.Skip(2))
        {
            value.Add((byte)' ');
            value.AddRange(word);
        }
        var time = session.Store.NextTime();
        session.Tree.Put(arguments[0], value.ToArray(), time);
        session.Out.WriteLine($"written at {SystemTimeText.ToRfc3339(time)}");
    }

    static void Delete(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        var time = session.Store.NextTime();
        session.Tree.Delete(arguments[0], time);
        session.Out.WriteLine($"deleted at {SystemTimeText.ToRfc3339(time)}");
    }

    static void Flush(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.Tree.Flush();
        session.Out.WriteLine("flushed");
    }

    static void Compact(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.Tree.CompactAll();
        session.Out.WriteLine("compacted");
    }
}
