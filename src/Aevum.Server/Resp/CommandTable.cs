// CommandTable: every command by its name. Names are looked up as they come, in any letters, without making text of them.

using System.Text;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

/// <summary>A command and what is made of it once.</summary>
/// <param name="info">What is to be known of it: of a subcommand whose class serves all of them its own; else the command's.</param>
sealed class KnownCommand(RespCommand command, DataSurroundings surroundings, CommandInfo info)
{
    public CommandInfo Info { get; } = info;

    /// <summary>What access lists and COMMAND tell of it.</summary>
    public CommandFacts Facts { get; } = CommandFacts.Find(info.Name) ?? CommandFacts.Of(info);

    /// <summary>Of a subcommand the command that it belongs to; else null.</summary>
    public KnownCommand? Parent { get; private init; }

    /// <summary>Of a command that is only the first word of others.</summary>
    public KnownCommand[] Subcommands { get; private set; } = [];

    /// <summary>What a request asks for: this, or the subcommand that its second word names.</summary>
    /// <returns>Null: there is no such subcommand.</returns>
    public KnownCommand? Resolve(CommandArguments args)
    {
        if (Subcommands.Length == 0 || args.Count < 2) return this;
        return FindSubcommand(args[1]);
    }

    public KnownCommand? FindSubcommand(ReadOnlySpan<byte> name)
    {
        foreach (var subcommand in Subcommands)
            if (Words.EqualsIgnoreCase(name, subcommand._word)) return subcommand;
        return null;
    }

    /// <summary>With all that belongs to it.</summary>
    public static KnownCommand Of(RespCommand command, DataSurroundings surroundings)
    {
        var known = new KnownCommand(command, surroundings, command.Info);
        // Some classes serve all subcommands of a command; each is known by itself nevertheless.
        IEnumerable<KnownCommand> subcommands = command.Subcommands.Count > 0
            ? command.Subcommands.Select(s => new KnownCommand(s, surroundings, s.Info) { Parent = known })
            : CommandFacts.SubcommandsOf(command.Info.Name).Select(f => new KnownCommand(command, surroundings, f.InfoOf(command.Info)) { Parent = known });
        known.Subcommands = [.. subcommands.OrderBy(s => s.Info.Name, StringComparer.Ordinal)];
        return known;
    }

    readonly byte[] _word = Encoding.ASCII.GetBytes(info.Name[(info.Name.IndexOf('|', StringComparison.Ordinal) + 1)..]);

    /// <summary>Must not stand between MULTI and EXEC.</summary>
    public bool IsNeverQueued { get; } = CommandFacts.Find(info.Name)?.Flags.Contains("no_multi") == true;

    public RespCommand Command => command;

    public DataCommand? Data { get; } = command as DataCommand;

    public SessionCommand? Session { get; } = command as SessionCommand;

    /// <summary>Under which it is counted (<see cref="RespStatistics.Register"/>).</summary>
    public int Number { get; set; }

    /// <summary>Takes so short a time that reading the clock for each one would be felt (<see cref="Measuring.LoopMeter"/>).</summary>
    public bool IsQuick { get; } = info.Is(CommandFlags.Fast) || info.Complexity == "O(1)";

    /// <summary>True of a command whose reply may come of several rows: others may commit between its reads of the present.</summary>
    public bool ReadsSeveralRows { get; } = command is DataCommand && info.Group != CommandGroup.Vector && !ReadsOneRow(info);

    static bool ReadsOneRow(CommandInfo info) => info.Keys == KeyPlaces.One
        && (info.Group is CommandGroup.String or CommandGroup.Bitmap or CommandGroup.HyperLogLog
            || (info.Group == CommandGroup.Generic && info.Is(CommandFlags.Fast)));

    public CommandProcedure? Procedure { get; } = ProcedureOf(command, surroundings);

    static CommandProcedure? ProcedureOf(RespCommand command, DataSurroundings surroundings) => command switch
    {
        DataCommand data when ForeseeingProcedure.Suits(data) => new ForeseeingProcedure(data, surroundings),
        DataCommand data => new CommandProcedure(data, surroundings),
        _ => null,
    };
}

sealed class CommandTable
{
    readonly KnownCommand?[] _slots;
    readonly byte[][] _names;

    public CommandTable(IEnumerable<RespCommand> commands, DataSurroundings surroundings)
    {
        All = [.. commands.Select(c => KnownCommand.Of(c, surroundings)).OrderBy(c => c.Info.Name, StringComparer.Ordinal)];
        Flat = [.. All.SelectMany(c => c.Subcommands.Prepend(c))];
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

    /// <summary>The same, each with its subcommands behind it: by <see cref="KnownCommand.Number"/>.</summary>
    public IReadOnlyList<KnownCommand> Flat { get; }

    /// <summary>What a request asks for. Null: there is no such command, or no such subcommand.</summary>
    public KnownCommand? Find(CommandArguments args)
    {
        var command = Find(args[0]);
        return command is { Subcommands.Length: > 0 } ? command.Resolve(args) : command;
    }

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
