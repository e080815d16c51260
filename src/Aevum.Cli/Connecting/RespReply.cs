namespace Aevum.Cli.Connecting;

/// <summary>What a reply is.</summary>
enum RespKind
{
    Nil = 0,
    Status = 1,
    Error = 2,
    Text = 3,
    Integer = 4,
    Double = 5,
    Boolean = 6,

    /// <summary>A whole number of any size, as text.</summary>
    BigNumber = 7,

    /// <summary>Text for people, with its format before it.</summary>
    Verbatim = 8,

    Array = 9,
    Set = 10,

    /// <summary>Keys and values in turn.</summary>
    Map = 11,

    /// <summary>Sent without having been asked for.</summary>
    Push = 12,
}

/// <summary>One reply of a server.</summary>
/// <param name="Bytes">Of those that are text, as they came.</param>
/// <param name="Number">Of whole numbers; of a boolean 0 or 1.</param>
/// <param name="Parts">Of those that have any.</param>
sealed record RespReply(RespKind Kind, byte[] Bytes, long Number, IReadOnlyList<RespReply> Parts)
{
    public static RespReply Nil { get; } = new(RespKind.Nil, [], 0, []);

    public static RespReply Of(RespKind kind, byte[] bytes) => new(kind, bytes, 0, []);

    public static RespReply Of(RespKind kind, long number) => new(kind, [], number, []);

    public static RespReply Of(RespKind kind, IReadOnlyList<RespReply> parts) => new(kind, [], 0, parts);

    public string Text => System.Text.Encoding.UTF8.GetString(Bytes);
}
