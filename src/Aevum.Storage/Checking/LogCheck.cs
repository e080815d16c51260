// LogCheck: the log of a tree, or of all trees of a database, held against their manifests: whose it is, that it begins where tables end, that every
// batch can be read and carries a time. Whether the log itself is whole, LogInspector says, by the rules of the recovery.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Storage.Log;

namespace Aevum.Storage.Checking;

sealed class LogCheck(IFileSystem files, string directory, CheckFindings findings)
{
    /// <param name="owner">Whose it must be, and who says so; null if that cannot be read.</param>
    /// <param name="applied">Of each stream the position up to which everything is in tables; null where that cannot be read. Null for all: the log is
    /// checked alone.</param>
    /// <param name="advance">Told of records looked at.</param>
    public LogInspection Run((Guid DatabaseId, uint Timeline, string Says)? owner, IReadOnlyDictionary<uint, ulong?>? applied, Action<long> advance)
    {
        var log = LogInspector.Inspect(files, directory, (record, payload) =>
        {
            advance(1);
            if (record.Kind == RecordKind.Data) CheckBatch(record, payload);
        });
        foreach (var segment in log.Segments)
        {
            if (segment.Problem is not null) ReportText(segment.Path, segment.Problem);
            else if (owner is { } its && (segment.DatabaseId != its.DatabaseId || segment.Timeline != its.Timeline))
                findings.Report(segment.Path, 32,
                    $"the log belongs to database {segment.DatabaseId}, timeline {segment.Timeline}; {its.Says} to {its.DatabaseId}, {its.Timeline}");
        }
        if (log.Refusal is not null) findings.Report(directory, log.Refusal);
        if (log.Recovery is { CutBytes: > 0 } recovery)
            findings.Notes.Add(
                $"{recovery.EndFile} from byte {recovery.End.Offset}: {recovery.CutBytes} bytes that a crash left unfinished; the next open cuts them");
        if (applied is not null && log.Refusal is null) CheckStart(applied, log);
        return log;
    }

    void ReportText(string path, string message)
    {
        var at = $"{path} at byte ";
        // The inspector keeps messages, not exceptions; they begin with file and offset.
        var end = message.StartsWith(at, StringComparison.Ordinal) ? message.IndexOf(": ", at.Length, StringComparison.Ordinal) : -1;
        if (end > 0 && long.TryParse(message.AsSpan(at.Length, end - at.Length), out var offset))
            findings.Report(path, offset, message[(end + 2)..].Replace(" The file is left untouched.", "", StringComparison.Ordinal));
        else findings.Report(path, null, message);
    }

    void CheckBatch(LogRecordInfo record, ReadOnlySpan<byte> payload)
    {
        var path = LogFiles.SegmentPath(directory, record.Address.Segment);
        try
        {
            var batch = new BatchReader(payload);
            if (batch.SystemTime == SystemTime.None || batch.SystemTime >= SystemTime.Max)
                findings.Report(
                    path, record.Address.Offset, $"the batch at position {record.Position} carries the time {batch.SystemTime}, which no batch can have");
            while (batch.TryRead(out _)) { }
        }
        catch (CorruptionException failure)
        {
            findings.Report(path, record.Address.Offset, $"the record at position {record.Position} is whole, and holds no batch: {failure.Message}");
        }
    }

    void CheckStart(IReadOnlyDictionary<uint, ulong?> applied, LogInspection log)
    {
        if (log.Segments.Count == 0)
        {
            // A tree makes its log when it is made, so only one that holds nothing yet may be without.
            var reached = applied.Values.Max() ?? 0;
            if (reached > 0) findings.Report(directory, null, $"the log is missing: what was written after position {reached} is not here");
            return;
        }
        foreach (var (stream, first, last) in log.Streams)
        {
            if (!applied.TryGetValue(stream, out var known))
            {
                findings.Report(directory, null, $"the log holds stream {stream}, which is nobody's");
                continue;
            }
            if (known is not { } position) continue;
            var name = applied.Count == 1 ? "the log" : $"stream {stream} of the log";
            if (first > position + 1)
                findings.Report(directory, null, $"{name} begins at position {first}; positions from {position + 1} on are in no table");
            if (last < position)
                findings.Notes.Add($"{directory}: {name} ends at position {last}, tables reach {position}: a power cut took what tables hold anyway");
        }
    }
}
