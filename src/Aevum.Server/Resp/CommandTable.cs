// CommandTable: every command by its name. Names are looked up as they come, in any letters, without making text of them.

using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

/// <summary>A command and what is made of it once.</summary>
sealed class KnownCommand(RespCommand command, SignalInterest interest)
{
    public CommandInfo Info { get; } = command.Info;

    public RespCommand Command => command;

    public DataCommand? Data { get; } = command as DataCommand;

    public SessionCommand? Session { get; } = command as SessionCommand;

    /// <summary>Under which it is counted (<see cref="RespStatistics.Register"/>).</summary>
    public int Number { get; set; }

    /// <summary>Takes so short a time that reading the clock for each one would be felt (<see cref="Measuring.LoopMeter"/>).</summary>
    public bool IsQuick { get; } = command.Info.Is(CommandFlags.Fast) || command.Info.Complexity == "O(1)";

    public CommandProcedure? Procedure { get; } = command is DataCommand data ? new CommandProcedure(data, interest) : null;
}

sealed class CommandTable
{
    readonly KnownCommand?[] _slots;
    readonly byte[][] _names;

    /// <param name="interest">Who wants to hear what commands do to keys.</param>
    public CommandTable(IEnumerable<RespCommand> commands, SignalInterest interest)
    {
        All = [.. commands.Select(c => new KnownCommand(c, interest)).OrderBy(c => c.Info.Name, StringComparer.Ordinal)];
        var size = 64;
        while (size < 4 * All.Count) size *= 2;
        _slots = new KnownCommand[size];
        _names = new byte[size][];
        foreach (var known in All)
        {
            var name = Encoding.ASCII.GetBytes(known.Info.Name);
            var at = HashOf(name) & (uint)(size - 1);
            while (_slots[at] is { } other)
            {
                if (other.Info.Name == known.Info.Name) throw new ArgumentException($"two commands are called {known.Info.Name}");
                at = (at + 1) & (uint)(size - 1);
            }
            _slots[at] = known;
            _names[at] = name;
        }
    }

    /// <summary>In the order of names.</summary>
    public IReadOnlyList<KnownCommand> All { get; }

    /// <summary>Null: there is no such command.</summary>
    public KnownCommand? Find(ReadOnlySpan<byte> name)
    {
        var mask = (uint)(_slots.Length - 1);
        for (var at = HashOf(name) & mask; _slots[at] is { } known; at = (at + 1) & mask)
            if (Words.EqualsIgnoreCase(name, _names[at])) return known;
        return null;
    }

    // FNV-1a over small letters: names are short.
    static uint HashOf(ReadOnlySpan<byte> name)
    {
        var hash = 2166136261u;
        foreach (var letter in name) hash = (hash ^ Words.ToLower(letter)) * 16777619u;
        return hash;
    }
}
