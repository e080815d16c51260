namespace Aevum.Core.Network;

/// <summary>How connections are served.</summary>
public sealed record NetworkOptions
{
    /// <summary>Threads that serve connections. The default leaves one core to everything else.</summary>
    public int Loops { get; init; } = Math.Max(1, Environment.ProcessorCount - 1);

    /// <summary>The longest that a loop which is faster than its many clients lets their requests gather before it answers them together. Zero: it
    /// answers each as soon as it can. Does something only where the system tells of readiness itself (epoll).</summary>
    public TimeSpan CoalesceMax { get; init; } = TimeSpan.FromMicroseconds(100);

    /// <summary>Appears in the names of the threads.</summary>
    public string Name { get; init; } = "aevum-net";

    /// <summary>Told on a loop of what a handler, a posted action or a timer threw. A handler's exception ends its connection, no more.
    /// Without this, an exception of an action or a timer ends the process, for nobody else would know of it.</summary>
    public Action<Exception>? OnFailure { get; init; }
}
