namespace Aevum.Core.Errors;

/// <summary>Every failure the database reports carries an <see cref="ErrorCode"/>; callers branch on the code, people read the message.</summary>
public class AevumException : Exception
{
    public AevumException(ErrorCode code, string message, Exception? innerException = null) : base(message, innerException) => Code = code;

    public ErrorCode Code { get; }
}

/// <summary>Stored bytes are not what they must be. Nothing was repaired and nothing was returned as data.</summary>
public sealed class CorruptionException : AevumException
{
    public CorruptionException(string message, Exception? innerException = null) : base(ErrorCode.Corruption, message, innerException) { }

    /// <summary>The damaged file, where one is known; the message names it too.</summary>
    public string? File { get; init; }

    /// <summary>Where in that file, in bytes from its start.</summary>
    public long Offset { get; init; }
}

/// <summary>Somebody else holds a lock file.</summary>
public sealed class LockedException : AevumException
{
    /// <param name="path">Of the lock file.</param>
    /// <param name="text">What the holder wrote into it: his name, and in a second line where he can be reached.</param>
    public LockedException(string path, string text) : base(ErrorCode.Locked, $"{path} is locked by {NameIn(text)}")
    {
        Holder = NameIn(text);
        Endpoint = text.Split('\n') is [_, var endpoint, ..] ? endpoint.Trim() : "";
    }

    /// <summary>The name that the holder gave himself.</summary>
    public string Holder { get; }

    /// <summary>Where the holder takes requests; empty: nowhere.</summary>
    public string Endpoint { get; }

    static string NameIn(string text) => text.Split('\n')[0].Trim() is { Length: > 0 } name ? name : "a holder that has not yet written his name";
}

/// <summary>A read asked for a moment below the history floor.</summary>
public sealed class HistoryUnavailableException : AevumException
{
    public HistoryUnavailableException(Time.SystemTime asked, Time.SystemTime floor)
        : base(ErrorCode.HistoryUnavailable, $"history at {asked} is not available: the history floor stands at {floor}")
    {
        Asked = asked;
        Floor = floor;
    }

    public Time.SystemTime Asked { get; }

    public Time.SystemTime Floor { get; }
}
