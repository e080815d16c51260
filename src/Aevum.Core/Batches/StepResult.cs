using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public enum StepStatus : byte
{
    /// <summary>The batch was not decided, or not as far as this step.</summary>
    NotRun = 0,

    Done = 1,

    /// <summary>Its precondition did not hold; <see cref="StepResult.Version"/> tells what stands there instead.</summary>
    ConditionFailed = 2,

    /// <summary>Its procedure refused; <see cref="StepResult.Code"/> and <see cref="StepResult.Message"/> say why.</summary>
    Failed = 3,
}

/// <summary>What became of one step.</summary>
public struct StepResult
{
    public StepStatus Status;

    /// <summary>The version that made a condition fail; <see cref="SystemTime.None"/> if the key holds nothing.</summary>
    public SystemTime Version;

    /// <summary>What a procedure returned.</summary>
    public long Number;

    public ErrorCode Code;

    public string? Message;

    internal int BytesOffset;
    internal int BytesLength;
}

public enum CommitStatus : byte
{
    /// <summary>Not decided yet.</summary>
    None = 0,

    /// <summary>Its effects are in; or it had none, and every step was done.</summary>
    Committed = 1,

    /// <summary>All or nothing, and a step was not done: nothing is.</summary>
    Refused = 2,

    /// <summary>Its idempotency key was used before: results and time are those of that commit.</summary>
    Repeated = 3,
}
