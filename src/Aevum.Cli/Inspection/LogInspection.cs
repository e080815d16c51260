// LogInspection: aevum inspect log PATH: segments, records and the effects of their batches; of a whole log also what an open would say.

using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Cli.Inspection;

static class LogInspection
{
    const int EffectsMax = 3;

    public static bool Run(IFileSystem files, string path, Dump dump)
    {
        if (!files.DirectoryExists(path))
        {
            if (!files.FileExists(path)) throw new AevumException(ErrorCode.NotFound, $"{path}: there is no such file or directory");
            dump.Begin("records");
            var only = LogInspector.InspectSegment(files, path, (record, payload) => AddRecord(dump, record, payload));
            dump.End();
            AddSegments(dump, [only]);
            return only.Problem is null;
        }
        var inStore = FilePaths.Combine(path, Tree.LogFolderName);
        dump.Begin("records");
        var log = LogInspector.Inspect(files, files.DirectoryExists(inStore) ? inStore : path, (record, payload) => AddRecord(dump, record, payload));
        dump.End();
        AddSegments(dump, log.Segments);
        dump.Begin("streams");
        foreach (var (id, first, last) in log.Streams) dump.Item(("stream", id), ("first", first), ("last", last));
        dump.End();
        if (log.Recovery is { } recovery)
        {
            dump.Field("records whole", recovery.Records);
            dump.Field("end", recovery.End.ToString());
            dump.Field("durable up to", recovery.LastMark.ToString());
            dump.Field("unfinished bytes", recovery.CutBytes);
        }
        if (log.Refusal is { } refusal) dump.Field("damage", refusal.Message);
        return log.Refusal is null && log.Segments.All(s => s.Problem is null);
    }

    static void AddSegments(Dump dump, IReadOnlyList<LogSegmentInfo> segments)
    {
        dump.Begin("segments");
        foreach (var segment in segments)
            dump.Item(
                ("file", segment.Path), ("number", segment.Number), ("epoch", $"{segment.Epoch:x16}"), ("database", segment.DatabaseId),
                ("timeline", segment.Timeline), ("bytes", segment.FileBytes), ("records", segment.Records), ("sealed", segment.IsSealed),
                ("gaps", segment.Gaps.Count == 0 ? null : string.Join(", ", segment.Gaps.Select(g => $"{g.Start} to {g.End}"))),
                ("damage", segment.Problem));
        dump.End();
    }

    static void AddRecord(Dump dump, LogRecordInfo record, ReadOnlySpan<byte> payload)
    {
        var isData = record.Kind == RecordKind.Data;
        dump.Item(
            ("at", record.Address.ToString()), ("kind", record.Kind.ToString().ToLowerInvariant()), ("stream", record.Stream == 0 ? null : record.Stream),
            ("position", record.Position == 0 ? null : record.Position), ("bytes", record.PayloadBytes == 0 ? null : record.PayloadBytes),
            ("value", record.Kind == RecordKind.Mark ? new LogAddress(record.Value).ToString() : record.Value == 0 ? null : $"{record.Value}"),
            ("batch", isData && dump.WantsItems ? Describe(payload) : null));
    }

    // Safe on any payload: the checksum of a record says that it is as written, not that it was a batch.
    static string Describe(ReadOnlySpan<byte> payload)
    {
        var text = new StringBuilder();
        try
        {
            var batch = new BatchReader(payload);
            text.Append($"{InspectCommand.Time(batch.SystemTime.Value)}, {batch.Count} effects:");
            for (var i = 0; batch.TryRead(out var effect); i++)
            {
                if (i < EffectsMax) text.Append(i == 0 ? " " : "; ").Append(Describe(effect));
                else if (i == EffectsMax) text.Append("; ...");
            }
        }
        catch (CorruptionException damage)
        {
            text.Append($" {damage.Message}");
        }
        return text.ToString();
    }

    static string Describe(Effect effect)
    {
        var kind = effect.Kind switch { EffectKind.Put => "put", EffectKind.Delete => "delete", EffectKind.Merge => "merge", _ => "delete range" };
        var value = effect.Kind switch
        {
            EffectKind.Delete => "",
            EffectKind.DeleteRange => $" to {ByteText.OfStoredKey(effect.Value)}",
            _ => $" ({effect.Value.Length} bytes)",
        };
        return $"{kind} {ByteText.OfStoredKey(effect.Key)}{value}";
    }
}
