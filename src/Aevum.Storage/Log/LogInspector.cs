// LogInspector: looks at a log directory without opening it and without writing: for `aevum inspect log` and `aevum check`.
//
// Two answers side by side: what lies in each file, record by record, damaged stretches included; and what an open would say of the whole
// (LogRecovery itself is asked, so the two cannot drift apart). Any bytes may be given; none make it throw, hang or read outside of them.
//
// A log that is open elsewhere may be inspected: its tail then looks like an end, and files may come and go meanwhile (told as problems).

using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Storage.Log;

/// <summary>One record as it lies in its segment.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Stream">Its stream; 0 for marks and seals.</param>
/// <param name="Position">Its position; of bounds the stream's last one.</param>
/// <param name="PayloadBytes">Length of the payload.</param>
/// <param name="Value">Of a mark the address before which everything was durable, of bounds the first position needed, of a seal the epoch
/// of
/// the next segment; otherwise 0.</param>
public readonly record struct LogRecordInfo(
    LogAddress Address, RecordKind Kind, uint Stream, ulong Position, int PayloadBytes, ulong Value);

/// <summary>A stretch of a segment between two records, or behind the last one, that is no record.</summary>
/// <param name="Start">Offset of its first byte.</param>
/// <param name="End">Offset behind its last byte: where the next record begins, or the end of the file.</param>
/// <param name="ClaimedBytes">How long the record that should begin there says it is; 0 if nothing of this epoch begins there, as in the
/// unused
/// rest of a segment.</param>
public readonly record struct LogGap(uint Start, uint End, long ClaimedBytes);

/// <summary>One segment's file.</summary>
public sealed record LogSegmentInfo
{
    public required string Path { get; init; }

    public uint Number { get; init; }

    public ulong Epoch { get; init; }

    public Guid DatabaseId { get; init; }

    public uint Timeline { get; init; }

    /// <summary>A number for the boot of the machine that wrote it; 0 if unknown.</summary>
    public ulong Boot { get; init; }

    public long FileBytes { get; init; }

    public int Records { get; init; }

    /// <summary>True if it ends in a seal, that is, goes on in the next.</summary>
    public bool IsSealed { get; init; }

    /// <summary>What is no record. The unused rest of a segment that is not sealed is one of these.</summary>
    public IReadOnlyList<LogGap> Gaps { get; init; } = [];

    /// <summary>Why the file cannot be read as a segment; null if it can.</summary>
    public string? Problem { get; init; }
}

/// <summary>What an inspection found.</summary>
public sealed record LogInspection
{
    public required IReadOnlyList<LogSegmentInfo> Segments { get; init; }

    /// <summary>What an open would report; null if it would refuse.</summary>
    public LogRecoveryReport? Recovery { get; init; }

    /// <summary>Why an open would refuse; null if it would not.</summary>
    public AevumException? Refusal { get; init; }

    /// <summary>Streams with the first position needed and the last one, in the order of their ids. Empty if an open would
    /// refuse.</summary>
    public IReadOnlyList<(uint Id, ulong First, ulong Last)> Streams { get; init; } = [];
}

public static class LogInspector
{
    /// <param name="files">Where the directory is.</param>
    /// <param name="directory">The log's directory.</param>
    /// <param name="onRecord">Called with each intact record, segment by segment, and its payload, borrowed until the return.</param>
    public static LogInspection Inspect(IFileSystem files, string directory, Action<LogRecordInfo, ReadOnlySpan<byte>>? onRecord = null)
    {
        var segments = new List<LogSegmentInfo>();
        try
        {
            if (files.DirectoryExists(directory))
                foreach (var number in files.ListFiles(directory).Select(LogFiles.NumberOf).Where(number => number > 0).Order())
                    segments.Add(InspectSegment(files, LogFiles.SegmentPath(directory, number), onRecord));
            var log = LogRecovery.Run(files, directory, expected: null);
            foreach (var segment in log.Segments) segment.Dispose();
            return new LogInspection
            {
                Segments = segments,
                Recovery = log.Report,
                Streams = [.. log.Streams.OrderBy(s => s.Key).Select(s => (s.Key, s.Value.First, s.Value.Last))],
            };
        }
        catch (AevumException refusal)
        {
            return new LogInspection { Segments = segments, Refusal = refusal };
        }
    }

    /// <summary>One file alone, of whatever name, without asking what an open would say.</summary>
    /// <param name="files">Where the file is.</param>
    /// <param name="path">The file.</param>
    /// <param name="onRecord">As in <see cref="Inspect"/>.</param>
    public static LogSegmentInfo InspectSegment(IFileSystem files, string path, Action<LogRecordInfo, ReadOnlySpan<byte>>? onRecord)
    {
        var info = new LogSegmentInfo { Path = path };
        var gaps = new List<LogGap>();
        try
        {
            using var file = files.OpenRead(path);
            info = info with { FileBytes = file.Length };
            Span<byte> bytes = stackalloc byte[SegmentHeader.Bytes];
            var header = SegmentHeader.Read(bytes[..file.Read(0, bytes)], path);
            info = info with
            {
                Number = header.Number,
                Epoch = header.Epoch,
                DatabaseId = header.DatabaseId,
                Timeline = header.Timeline,
                Boot = header.Boot,
            };
            var limit = Math.Min(file.Length, header.Capacity);
            var scan = new SegmentScan(path, new SegmentView(file), header.Epoch, limit);
            var records = 0;
            while (true)
            {
                var at = scan.Next;
                if (!scan.MoveNext())
                {
                    if (at >= limit) break;
                    // A seal ends a segment; what a recycled file holds behind it is of another epoch, and nobody's business.
                    if (records > 0 && scan.Record.Kind == RecordKind.Seal) break;
                    var found = scan.FindNext(at);
                    gaps.Add(new LogGap(at, found ? scan.Offset : (uint)limit, scan.ClaimedSize(at)));
                    if (!found) break;
                }
                records++;
                var record = scan.Record;
                var value = record.Kind is RecordKind.Mark or RecordKind.Bounds or RecordKind.Seal ? scan.Value : 0;
                onRecord?.Invoke(
                    new LogRecordInfo(
                        new LogAddress(header.Number, scan.Offset), record.Kind, record.Stream, record.Position, (int)record.Length, value),
                    scan.Payload);
            }
            return info with { Records = records, Gaps = gaps, IsSealed = records > 0 && scan.Record.Kind == RecordKind.Seal };
        }
        catch (AevumException problem)
        {
            return info with { Gaps = gaps, Problem = problem.Message };
        }
    }
}
