using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Cli.Shell;

/// <summary>Transactions: what stands between begin and commit is one commit, over all keyspaces, or nothing.</summary>
static class TransactionVerbs
{
    public static ShellVerb[] All { get; } =
    [
        new("begin [ISOLATION]", "begin a transaction: serializable (unless told), repeatable-read or read-committed", Begin),
        new("commit", "make everything since begin so, at one instant", Commit),
        new("rollback", "give everything since begin up", Rollback),
    ];

    static void Begin(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequirePresent();
        if (session.Transaction is not null) Throw.Invalid("a transaction is open; 'commit' or 'rollback' first");
        var isolation = arguments.Count == 0 ? Isolation.Serializable : ShellWords.Text(arguments[0]) switch
        {
            "serializable" => Isolation.Serializable,
            "repeatable-read" => Isolation.RepeatableRead,
            "read-committed" => Isolation.ReadCommitted,
            var other => throw new AevumException(ErrorCode.InvalidArgument, $"there is no isolation '{other}'"),
        };
        session.Transaction = session.Present.Begin(isolation);
        session.Say("begun", json => json.WriteString("isolation", isolation.ToString()));
    }

    static void Commit(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var time = Open(session).Commit();
        session.Transaction = null;
        if (time == SystemTime.None) session.Say("nothing was to be written", json => json.WriteNull("time"));
        else session.Say($"committed at {ShellWords.Show(time)}", json => json.WriteString("time", time.ToString()));
    }

    static void Rollback(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        Open(session).Rollback();
        session.Transaction = null;
        session.Say("rolled back", json => json.WriteBoolean("done", true));
    }

    static Transaction Open(ShellSession session) =>
        session.Transaction ?? throw new AevumException(ErrorCode.InvalidArgument, "no transaction is open; 'begin' opens one");
}
