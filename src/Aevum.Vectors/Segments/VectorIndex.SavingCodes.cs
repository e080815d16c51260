// Saving and opening live rows that are codes. A segment of codes is written once; a save writes only which of its rows are dead by then, in one small file for
// all of them. When the manifest is in force, the mapped file takes the place of the memory that the segment was made in.

using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    // Which file of _savedIn holds a segment, by its rows. Replaced under _saveGate, and never changed.
    volatile Dictionary<DeadRows, ulong> _savedCoded = [];

    /// <summary>Whether there are codes that no file has yet, or a file but not the manifest of the last save. Waits for no save that runs.</summary>
    public bool HasUnsavedCodes
    {
        get
        {
            if (_parts is null || _closed) return false;
            var parts = AcquireParts();
            try
            {
                var saved = _savedCoded;
                return parts.Coded.Length != saved.Count || parts.Coded.Any(c => !saved.ContainsKey(c.Dead));
            }
            finally
            {
                parts.Release();
            }
        }
    }

    sealed class NotedParts(LiveParts parts, HnswSnapshot? frozen, ulong[][] dead) : IDisposable
    {
        public LiveParts Parts => parts;

        public HnswSnapshot? Frozen => frozen;

        public ulong[][] Dead => dead;

        public void Dispose()
        {
            frozen?.Dispose();
            parts.Release();
        }
    }

    // While nobody writes. Null: without codes.
    NotedParts? NoteParts()
    {
        if (_parts is null) return null;
        var parts = AcquireParts();
        try
        {
            return new(parts, parts.Frozen?.Snapshot(), [.. parts.Coded.Select(c => c.Dead.Copy())]);
        }
        catch
        {
            parts.Release();
            throw;
        }
    }

    // Under _saveGate. The manifest with what was written added.
    VectorManifest WriteParts(IFileSystem files, string directory, NotedParts noted, VectorManifest manifest, ulong number)
    {
        var parts = noted.Parts;
        if (noted.Frozen is { } frozen)
        {
            var path = FilePaths.Combine(directory, VectorManifest.LiveName(number));
            GraphImage.Write(files, path, SegmentKind.Live, Shape, parts.Frozen!.Options, frozen, 0, manifest.LastTime);
            manifest = manifest with { Frozen = number++ };
        }
        if (parts.Coded.Length == 0) return manifest;
        var coded = new List<ulong>();
        foreach (var segment in parts.Coded)
        {
            if (!_savedCoded.TryGetValue(segment.Dead, out var file))
            {
                file = number++;
                segment.Write(files, FilePaths.Combine(directory, VectorManifest.CodedName(file)));
            }
            coded.Add(file);
        }
        WriteDead(files, FilePaths.Combine(directory, VectorManifest.DeadName(number)), noted.Dead);
        return manifest with { Coded = coded, Dead = number };
    }

    // Under _saveGate, the manifest in force.
    void NoteSaved(IFileSystem files, string directory, NotedParts noted, VectorManifest manifest)
    {
        var coded = noted.Parts.Coded;
        _savedCoded = Enumerable.Range(0, coded.Length).ToDictionary(i => coded[i].Dead, i => manifest.Coded[i]);
        for (var i = 0; i < coded.Length; i++)
        {
            var segment = coded[i];
            if (segment.Graph.IsMapped) continue;
            try
            {
                Map(files, FilePaths.Combine(directory, VectorManifest.CodedName(manifest.Coded[i])), segment);
            }
            catch (AevumException)
            {
                // It answers from memory, as before; the next open will say what is wrong with the file.
            }
        }
    }

    void Map(IFileSystem files, string path, CodedSegment segment)
    {
        if (CodedSegment.TryMap(files, path, Shape, Options.KeepHistory, segment.Dead, _budget) is not { } mapped) return;
        var isTaken = false;
        try
        {
            Exchange(parts =>
            {
                isTaken = parts.Coded.Contains(segment);
                return parts.Replace(segment, mapped);
            });
        }
        finally
        {
            if (!isTaken) mapped.Dispose();
        }
    }

    static void WriteDead(IFileSystem files, string path, ulong[][] dead)
    {
        var facts = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(facts, dead.Length);
        using var writer = new SegmentWriter(files, path, SegmentKind.Dead, facts,
            [new(SectionKind.Dead, sizeof(ulong), dead.Sum(d => (long)d.Length) * sizeof(ulong))]);
        writer.Begin(SectionKind.Dead);
        foreach (var words in dead) writer.Write<ulong>(words);
        writer.Finish();
    }

    static CodedSegment[] OpenCoded(
        IFileSystem files, string directory, VectorManifest manifest, VectorShape shape, MemoryBudget budget, IScheduler? scheduler)
    {
        var coded = new CodedSegment[manifest.Coded.Count];
        if (coded.Length == 0) return coded;
        var opened = 0;
        try
        {
            var path = FilePaths.Combine(directory, VectorManifest.DeadName(manifest.Dead));
            using var image = SegmentImage.Open(files, path, budget, scheduler);
            var isOne = image.Kind == SegmentKind.Dead && BinaryPrimitives.ReadInt32LittleEndian(image.Facts) == coded.Length;
            image.Require(isOne, $"the dead rows of {coded.Length} segments");
            var length = image.LengthOf(SectionKind.Dead);
            var at = 0L;
            for (; opened < coded.Length; opened++)
            {
                var name = FilePaths.Combine(directory, VectorManifest.CodedName(manifest.Coded[opened]));
                coded[opened] = CodedSegment.Open(files, name, shape, manifest.KeepsHistory, null, budget, scheduler);
                var words = (coded[opened].Rows + 63) / 64;
                image.Require(at + ((long)words * sizeof(ulong)) <= length, SectionKind.Dead, "a bit for each row");
                unsafe
                {
                    var bits = image.Section(SectionKind.Dead, sizeof(ulong), length) + at;
                    coded[opened].Dead.Load(new ReadOnlySpan<ulong>(bits, words), path);
                }
                at += (long)words * sizeof(ulong);
            }
            image.Require(at == length, SectionKind.Dead, "a bit for each row, and no more");
            return coded;
        }
        catch
        {
            for (var i = 0; i <= Math.Min(opened, coded.Length - 1); i++) coded[i]?.Dispose();
            throw;
        }
    }
}
