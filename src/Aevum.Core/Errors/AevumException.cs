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
