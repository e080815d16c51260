namespace Aevum.Engine.Sequencing.Locks;

/// <summary>The lock table in numbers; those from Waits on count since it was made.</summary>
/// <param name="Held">Locks, one for each transaction and key.</param>
/// <param name="Keys">Keys that somebody holds.</param>
/// <param name="Waiting">Transactions that wait now.</param>
/// <param name="Waits">Requests that had to wait.</param>
/// <param name="Deadlocks">Circles broken; each has cost one transaction its wait.</param>
/// <param name="Timeouts">Waits that ended with LockTimeout, those of no length included.</param>
/// <param name="Cancellations">Waits that ended by a token.</param>
/// <param name="Waited">The length of all waits that have ended, together.</param>
public readonly record struct LockStatistics(
    long Held, int Keys, int Waiting, long Waits, long Deadlocks, long Timeouts, long Cancellations, TimeSpan Waited);
