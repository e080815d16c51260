namespace Aevum.Bench.Workloads.Engines;

/// <summary>A row could not be measured: an engine failed or answered wrongly, or the machine lacks something.</summary>
sealed class BenchException : Exception
{
    public BenchException(string message) : base(message) { }

    public BenchException(string message, Exception innerException) : base(message, innerException) { }
}
