// Attempt: one transaction, batch or single write as a client sent it, and what became of it. Everything that it would do to keys is known before it
// is sent, but for what a procedure adds to; so that also of one that nobody was told of it can be said whether it is there, and whether all of it is.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Engine;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

enum Fate
{
    UnderWay,
    Committed,
    GivenUp,

    /// <summary>Nobody knows before the next open.</summary>
    Unknown,
}

/// <summary>A key of one of the run's keyspaces, which are known by their ids.</summary>
readonly record struct Place(uint Keyspace, string Key)
{
    /// <summary>Keeps all history.</summary>
    public const uint Default = 0;

    /// <summary>Keeps little history, or none.</summary>
    public const uint Brief = 1;

    /// <summary>Keeps all history; values are sums that merges add to.</summary>
    public const uint Sums = 2;

    public const uint Keyspaces = 3;

    public byte[] User => Encoding.ASCII.GetBytes(Key);

    public byte[] Full => KeyLayout.Make(new KeyspaceId(NamespaceEntry.DefaultId, Keyspace), User);

    /// <summary>In a history: in the order of full keys.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Keyspace}{Key}");

    public override string ToString() => Name;

    public static Place Of(byte[] full) => KeyspaceId.TryRead(full, out var id)
        ? new(id.Keyspace, Encoding.ASCII.GetString(KeyLayout.UserKeyOf(full)))
        : throw new InvalidOperationException("a key without a keyspace");

    /// <summary>What tells a version of this key from all others. Numbers only ever rise.</summary>
    public string TagOf(ReadOnlySpan<byte> value)
    {
        if (Keyspace == Sums) return string.Create(CultureInfo.InvariantCulture, $"{Name}={BitConverter.ToInt64(value)}");
        var text = Encoding.ASCII.GetString(value);
        if (text[0] != 'T') return $"{Name}={text}";
        var end = text.IndexOf('~', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }
}

sealed class Attempt(int number, HistoryLevel level)
{
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"T{number}");

    public HistoryLevel Level => level;

    /// <summary>The moment of its reads; 0: none.</summary>
    public ulong Moment { get; set; }

    /// <summary>On the run's count of events.</summary>
    public long Began { get; init; }

    public long? Ended { get; set; }

    public Fate Fate { get; set; }

    /// <summary>Of the commit; 0: it wrote nothing.</summary>
    public ulong Time { get; set; }

    /// <summary>It was refused because of a conflict, and the clock stood there.</summary>
    public ulong ConflictAt { get; set; }

    /// <summary>A read for writing met something newer than its moment.</summary>
    public bool EndedByLock { get; set; }

    /// <summary>What it read and wrote; times come later.</summary>
    public List<HistoryStep> Steps { get; } = [];

    /// <summary>Written and then taken back to a savepoint.</summary>
    public List<KeyWrite> TakenBack { get; } = [];

    /// <summary>It went back to a savepoint: what it read behind that one it has forgotten, and the database has not.</summary>
    public bool WentBack { get; set; }

    /// <summary>What it does to keys at its commit.</summary>
    public List<ModelEffect> Effects { get; } = [];

    /// <summary>What a procedure adds to numbers, and the sum that was told, if one was.</summary>
    public List<(Place Place, long Delta, long? Told)> Additions { get; } = [];

    /// <summary>A put of this attempt alone, in a keyspace that keeps it for ever.</summary>
    public (Place Place, string Tag)? Witness { get; set; }

    /// <summary>Under which request it was sent.</summary>
    public string? Request { get; init; }

    public bool Writes => Witness is not null;

    public void Put(Place place, byte[] value)
    {
        Effects.Add(new(EffectKind.Put, place.Full, value, 0));
        if (place.Keyspace == Place.Default && value[0] == 'T') Witness ??= (place, place.TagOf(value));
    }

    public override string ToString() =>
        $"{Name} {Level} at {Moment}: {string.Join(", ", Steps)}; {string.Join(", ", Effects.Select(BatchModel.Show))} -> {Fate} {Time}";
}
