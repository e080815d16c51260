namespace Aevum.Storage.Log;

/// <summary>One record of a group that is appended as a whole: data of a stream, or the removal of a stream's suffix.</summary>
public readonly struct LogEntry
{
    LogEntry(LogStream stream, ulong position, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, bool truncates)
    {
        Stream = stream;
        Position = position;
        Head = head;
        Body = body;
        Truncates = truncates;
    }

    public LogStream Stream { get; }

    public ulong Position { get; }

    /// <summary>First part of the payload; may be empty.</summary>
    public ReadOnlyMemory<byte> Head { get; }

    /// <summary>The rest of the payload.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    internal bool Truncates { get; }

    public static LogEntry Data(LogStream stream, ulong position, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> head = default) =>
        new(stream, position, head, body, false);

    /// <summary>Removes the stream's records from <paramref name="position"/> on, before the entries that follow in the group.</summary>
    public static LogEntry TruncateSuffix(LogStream stream, ulong position) => new(stream, position, default, default, true);
}
