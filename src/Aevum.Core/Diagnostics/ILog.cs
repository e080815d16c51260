namespace Aevum.Core.Diagnostics;

/// <summary>How grave it is.</summary>
public enum LogLevel
{
    /// <summary>For whoever looks for a mistake.</summary>
    Debug = 0,

    /// <summary>What happens in the life of a server.</summary>
    Info = 1,

    /// <summary>It works, and somebody should look.</summary>
    Warning = 2,

    /// <summary>Something that was to be done was not.</summary>
    Error = 3,

    /// <summary>Nothing is logged.</summary>
    Off = 4,
}

/// <summary>Where a process tells what happens in it. Never what keys hold, never passwords.</summary>
/// <remarks>Any thread. Never throws: a log that cannot be written stops nothing.</remarks>
public interface ILog
{
    bool Logs(LogLevel level);

    /// <param name="message">A few words, always the same for the same thing: what differs stands in the fields.</param>
    /// <param name="fields">Names in lower case with underscores, and values: texts, numbers, true and false; others as their text.</param>
    void Write(LogLevel level, string message, params ReadOnlySpan<(string Name, object? Value)> fields);
}

/// <summary>Logs nothing.</summary>
public sealed class NoLog : ILog
{
    public static NoLog Instance { get; } = new();

    public bool Logs(LogLevel level) => false;

    public void Write(LogLevel level, string message, params ReadOnlySpan<(string Name, object? Value)> fields) { }
}
