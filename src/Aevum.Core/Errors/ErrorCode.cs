namespace Aevum.Core.Errors;

/// <summary>What went wrong, as a value that every door can translate into its own protocol's form.</summary>
public enum ErrorCode
{
    Unknown = 0,

    /// <summary>A stored checksum or structural rule does not hold. The message names file and offset.</summary>
    Corruption = 1,

    /// <summary>The device or the file system reported an error.</summary>
    InputOutput = 2,

    /// <summary>No space is left; writes are refused, reads go on.</summary>
    DiskFull = 3,

    /// <summary>The question lies below the history floor.</summary>
    HistoryUnavailable = 4,

    /// <summary>A key, value, batch or other size lies above its limit.</summary>
    LimitExceeded = 5,

    /// <summary>An argument has no meaning here.</summary>
    InvalidArgument = 6,

    /// <summary>Another process holds the directory. The message names the holder.</summary>
    Locked = 7,

    /// <summary>The object was closed, or the database stopped after an earlier failure.</summary>
    Closed = 8,

    /// <summary>The file was written by a version of the format that this program does not know.</summary>
    UnsupportedFormat = 9,

    /// <summary>The wall clock jumped beyond the allowed bound; stamping has stopped.</summary>
    ClockJump = 10,

    /// <summary>A log record asked for is no longer there.</summary>
    Compacted = 11,

    /// <summary>What was asked for is not there.</summary>
    NotFound = 12,

    /// <summary>No system time is left below the ceiling that stands in the log; a higher one must be logged first.</summary>
    CeilingReached = 13,

    /// <summary>Another transaction wrote what this one read or wants to write. Nothing was done; the whole transaction may be tried again.</summary>
    Conflict = 14,

    /// <summary>Transactions wait for each other in a circle, and this one was chosen to give way. Nothing was done; try again.</summary>
    Deadlock = 15,

    /// <summary>A lock was not to be had in the allowed time. Nothing was done.</summary>
    LockTimeout = 16,

    /// <summary>Whether the commit happened is not known: the log stopped, or the caller left, before there was an answer.</summary>
    OutcomeUnknown = 17,

    /// <summary>The subscriber fell further behind than what is kept for it.</summary>
    Lagging = 18,

    /// <summary>The database, session or transaction takes no writes.</summary>
    ReadOnly = 19,

    /// <summary>Something of that name is there already.</summary>
    AlreadyExists = 20,

    /// <summary>The caller cancelled the operation; it was not done.</summary>
    Cancelled = 21,
}
