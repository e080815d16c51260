using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Cli.Benching;

/// <summary>Which requests a load is made of, and how often each.</summary>
sealed class LoadMix
{
    readonly long[] _ends;

    LoadMix(IReadOnlyList<(LoadCommand Command, long Weight)> parts)
    {
        Parts = parts;
        _ends = new long[parts.Count];
        long sum = 0;
        for (var i = 0; i < parts.Count; i++) _ends[i] = sum += parts[i].Weight;
    }

    public IReadOnlyList<(LoadCommand Command, long Weight)> Parts { get; }

    /// <summary>Commands by their weights, as get=80,set=20; a command alone weighs 1.</summary>
    /// <exception cref="AevumException">InvalidArgument.</exception>
    public static LoadMix Parse(string text)
    {
        var parts = new List<(LoadCommand, long)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals];
            if (LoadCommands.Find(name) is not { } command)
                throw new AevumException(ErrorCode.InvalidArgument,
                    $"no load is made of '{name}'; there are {string.Join(' ', LoadCommands.All.Select(c => c.Name))}");
            long weight = 1;
            if (equals >= 0 && (!long.TryParse(part.AsSpan(equals + 1), out weight) || weight is < 1 or > 1_000_000_000))
                Throw.Invalid($"the weight in '{part}' is no number above 0");
            if (parts.Exists(p => p.Item1 == command)) Throw.Invalid($"{name} stands in the mix twice");
            parts.Add((command, weight));
        }
        return new LoadMix(parts);
    }

    /// <summary>Draws the place of a command in <see cref="Parts"/>.</summary>
    public int Draw(SeededRandom random)
    {
        if (_ends.Length == 1) return 0;
        var at = random.Next(_ends[^1]);
        var i = 0;
        while (_ends[i] <= at) i++;
        return i;
    }

    public override string ToString() => string.Join(',', Parts.Select(p => $"{p.Command.Name}={p.Weight}"));
}
