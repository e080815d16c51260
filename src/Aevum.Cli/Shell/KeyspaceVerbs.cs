using Aevum.Cli.Terminals;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Shell;

/// <summary>Keyspaces: named sets of keys, each with a history of its own length.</summary>
static class KeyspaceVerbs
{
    public static ShellVerb[] All { get; } =
    [
        new("keyspaces", "the keyspaces of the namespace, and how long each keeps its history", List),
        new("use KEYSPACE", "work on the keys of a keyspace", Use),
        new("create KEYSPACE [HISTORY]", "make a keyspace that keeps its history for ever, none, or for a duration", Create),
        new("drop KEYSPACE", "drop a keyspace and all its keys", Drop),
    ];

    static void List(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        foreach (var name in session.View.ListKeyspaces())
        {
            var history = session.View.RowsOf(name).Options.History.ToString();
            session.Say($"{session.Terminal.Paint(Tone.Key, name)}  history {history}", json =>
            {
                json.WriteString("keyspace", name);
                json.WriteString("history", history);
            });
        }
    }

    static void Use(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        var name = ShellWords.Text(arguments[0]);
        session.Use(name);
        session.Say($"using {name}", json => json.WriteString("keyspace", name));
    }

    static void Create(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        var name = ShellWords.Text(arguments[0]);
        var history = arguments.Count > 1 ? ShellWords.History(arguments[1]) : HistoryPolicy.Forever;
        session.Present.CreateKeyspace(name, new KeyspaceOptions { History = history });
        session.Say($"created {name}", json => json.WriteString("keyspace", name));
    }

    static void Drop(ShellSession session, IReadOnlyList<byte[]> arguments)
    {
        session.RequireNoTransaction();
        var name = ShellWords.Text(arguments[0]);
        _ = session.Present.Keyspace(name);   // refuses one that is not there before anybody is asked
        session.Confirm($"drop the keyspace {name} and all its keys");
        session.Present.DropKeyspace(name);
        session.LeaveKeyspace(name);
        session.Say($"dropped {name}", json => json.WriteString("keyspace", name));
    }
}
