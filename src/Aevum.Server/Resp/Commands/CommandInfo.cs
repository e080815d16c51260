// CommandInfo: what a command tells of itself, before it is ever run: how many arguments, where its keys stand, what it does to data. One table of these
// serves the checks before a command, COMMAND and its kin, access lists, and the page of the protocol.

namespace Aevum.Server.Resp.Commands;

/// <summary>How a command behaves, as COMMAND tells it.</summary>
[Flags]
enum CommandFlags
{
    None = 0,

    /// <summary>May change data.</summary>
    Write = 1,

    ReadOnly = 2,

    /// <summary>Takes memory: refused where there is none left.</summary>
    DenyOom = 4,

    Admin = 8,
    PubSub = 16,

    /// <summary>Not within MULTI's scripts' like; kept for COMMAND.</summary>
    NoScript = 32,

    /// <summary>May wait for somebody else.</summary>
    Blocking = 64,

    /// <summary>Answers while the data is still being read in.</summary>
    Loading = 128,

    Stale = 256,

    /// <summary>Takes a time that does not grow with the data.</summary>
    Fast = 512,

    /// <summary>Answers before a client has told who it is.</summary>
    NoAuth = 1024,

    /// <summary>Its keys cannot be told from its arguments' places alone.</summary>
    MovableKeys = 2048,

    /// <summary>Is done at once inside MULTI, not kept for EXEC.</summary>
    NotQueued = 4096,
}

enum CommandGroup
{
    Generic,
    String,
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
    Bitmap,
    HyperLogLog,
    Geo,
    PubSub,
    Transactions,
    Connection,
    Server,
    Scripting,

    /// <summary>What Redis has not: versions, moments, retention.</summary>
    History,
    Cluster,

    /// <summary>Vector collections: not of Redis either.</summary>
    Vector,
}

/// <summary>Where the keys stand among a command's arguments.</summary>
/// <param name="First">0: there are none.</param>
/// <param name="Last">Negative: counted from the end, -1 the last argument.</param>
/// <param name="Step">From one key to the next.</param>
readonly record struct KeyPlaces(int First, int Last, int Step)
{
    public static KeyPlaces None => default;

    /// <summary>The first argument.</summary>
    public static KeyPlaces One => new(1, 1, 1);

    /// <summary>The first two.</summary>
    public static KeyPlaces Two => new(1, 2, 1);

    /// <summary>Every argument.</summary>
    public static KeyPlaces All => new(1, -1, 1);
}

/// <summary>What is to be known about a command. Serves COMMAND and its kin, access lists, and the page of the protocol.</summary>
sealed record CommandInfo(string Name, CommandGroup Group)
{
    /// <summary>Arguments, the name among them; negative: at least so many.</summary>
    public required int Arity { get; init; }

    public required CommandFlags Flags { get; init; }

    public KeyPlaces Keys { get; init; }

    /// <summary>Which arguments name elements of the object at the first key; a hint, so it may name others, too.</summary>
    public KeyPlaces Elements { get; init; }

    /// <summary>Beside those that follow from flags and group.</summary>
    public string[] Categories { get; init; } = [];

    /// <summary>The version of Redis that had it first; of an extension "aevum".</summary>
    public required string Since { get; init; }

    /// <summary>One sentence.</summary>
    public required string Summary { get; init; }

    public required string Complexity { get; init; }

    public bool Is(CommandFlags flags) => (Flags & flags) != 0;

    public bool AcceptsCount(int count) => Arity >= 0 ? count == Arity : count >= -Arity;
}
