// IProcedure: a step that reads before it writes: an increment, a put that counts what is new. It runs where batches are put in order, so what
// it reads cannot change before what it writes is in.
//
// Only its effects and its result are written down, never the procedure itself: replays and replicas do not run it again. So it may change from
// one version of the program to the next. It must ask nothing but its context: no clock, no randomness, no files.

using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public interface IProcedure
{
    /// <summary>The same in every process: by it a step is handed to a shard elsewhere.</summary>
    string Name { get; }

    /// <summary>Runs under the sequencer: quick, and without waiting for anything.</summary>
    /// <param name="context">What it may read and write.</param>
    /// <param name="key">The step's key. Keys it reads beside this one should be few, and near.</param>
    /// <param name="argument">The step's argument.</param>
    /// <exception cref="AevumException">The step has failed; its effects are dropped.</exception>
    void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument);
}

/// <summary>A procedure that knows beforehand which rows it will ask for beside its step's own.</summary>
public interface IForeseeingProcedure : IProcedure
{
    /// <summary>True if a batch of one step has something to gain, too.</summary>
    bool ForeseesMany { get; }

    /// <summary>Hints at keys. Called before the batch is decided, on whatever thread commits it: what it reads may change until then.</summary>
    void Foresee(IRowReader rows, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument, Bytes.KeyList found);
}

/// <summary>What a procedure may read and write.</summary>
public interface IProcedureContext : IRowReader
{
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default);

    void Delete(ReadOnlySpan<byte> key);

    void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand);

    void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end);

    /// <summary>The step's result as a number.</summary>
    void Return(long number);

    /// <summary>The step's result as bytes, beside the number.</summary>
    void Return(ReadOnlySpan<byte> bytes);
}
