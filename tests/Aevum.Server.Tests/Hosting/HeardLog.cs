using System.Collections.Concurrent;
using Aevum.Core.Diagnostics;

namespace Aevum.Server.Tests.Hosting;

/// <summary>What a server that is at work has told so far. Any thread.</summary>
sealed class HeardLog : ILog
{
    readonly ConcurrentQueue<string> _messages = [];

    public bool Has(string part) => _messages.Any(m => m.Contains(part, StringComparison.Ordinal));

    public bool Logs(LogLevel level) => true;

    public void Write(LogLevel level, string message, params ReadOnlySpan<(string Name, object? Value)> fields) => _messages.Enqueue(message);
}
