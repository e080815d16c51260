namespace Aevum.Server.Resp.Commands;

/// <summary>Kinds of keyspace notifications, by the letters of notify-keyspace-events.</summary>
[Flags]
enum NotificationClass
{
    None = 0,

    /// <summary>K: published on the key's channel.</summary>
    Keyspace = 1,

    /// <summary>E: published on the event's channel.</summary>
    Keyevent = 2,

    /// <summary>g</summary>
    Generic = 4,

    /// <summary>$</summary>
    String = 8,

    /// <summary>l</summary>
    List = 16,

    /// <summary>s</summary>
    Set = 32,

    /// <summary>h</summary>
    Hash = 64,

    /// <summary>z</summary>
    SortedSet = 128,

    /// <summary>x</summary>
    Expired = 256,

    /// <summary>e</summary>
    Evicted = 512,

    /// <summary>t</summary>
    Stream = 1024,

    /// <summary>m: a read of a key that is not there. Not in A.</summary>
    KeyMiss = 2048,

    /// <summary>d</summary>
    Module = 8192,

    /// <summary>n: a key that was not there before. Not in A.</summary>
    New = 16384,

    /// <summary>A</summary>
    All = Generic | String | List | Set | Hash | SortedSet | Expired | Evicted | Stream | Module,
}
