// Saving and opening: an index as files in a directory of its own (VectorManifest, GraphImage).
//
//   Save   1. for a moment no write begins: the live rows and the open history segment are noted as they are (HnswSnapshot)
//          2. files of what is new are written while searches and writes go on; sealed history that is saved already is not written again
//          3. the manifest is replaced; files that it does not name any more are deleted
//   Open   maps the files, verifies every byte, checks every link, and answers; nothing is built. Writes go on from there
//
// A Save that fails leaves the manifest before in force. A file that is open keeps its content when its name is deleted.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    readonly Lock _saveGate = new();

    // Which file holds a history segment, and what it held then; by the directory it is in.
    readonly Dictionary<HistorySegment, (ulong Number, long Changes)> _savedHistory = [];
    string? _savedIn;

    /// <summary>Where in the stream of writes it stood when it was last saved, or when it was saved that it was opened from; 0: never.</summary>
    public ulong SavedPosition { get; private set; }

    /// <summary>Whether there is a saved index in a directory.</summary>
    public static bool Exists(IFileSystem files, string directory) => VectorManifest.Exists(files, directory);

    /// <summary>Saves what the index holds now, while searches and writes go on. On return it survives a power cut.</summary>
    /// <param name="directory">The index's own; it is made if it is not there.</param>
    /// <param name="position">How far the writes reach that were made before this call. Who writes meanwhile may find some of what it wrote saved as
    /// well: writing it again changes nothing.</param>
    /// <exception cref="AevumException">What the file system throws; LimitExceeded: no room to note the state of rows; Closed. What was saved before
    /// stays in force.</exception>
    public void Save(IFileSystem files, string directory, ulong position)
    {
        lock (_saveGate)
        {
            ThrowIfClosed();
            files.CreateDirectoryDurably(directory);
            if (_savedIn != directory)
            {
                _savedHistory.Clear();
                _savedCoded = [];
                _savedIn = directory;
            }
            var history = Note(out var live, out var open, out var manifest, out var parts);
            try
            {
                var number = VectorManifest.NextNumber(files, directory);
                var named = new List<(ulong, bool)>();
                var saved = new Dictionary<HistorySegment, (ulong, long)>();
                for (var i = 0; i < history.Length; i++)
                {
                    var segment = history[i];
                    var isOpen = i == history.Length - 1;
                    var changes = isOpen ? open.Changes : segment.Graph.Changes;
                    if (!_savedHistory.TryGetValue(segment, out var file) || file.Changes != changes)
                    {
                        file = (number++, changes);
                        var path = FilePaths.Combine(directory, VectorManifest.HistoryName(file.Number));
                        if (isOpen) segment.Write(files, path, open.Snapshot!);
                        else
                        {
                            using var whole = segment.Graph.Snapshot();
                            segment.Write(files, path, whole);
                        }
                    }
                    saved[segment] = file;
                    named.Add((file.Number, !isOpen));
                }
                var livePath = FilePaths.Combine(directory, VectorManifest.LiveName(number));
                GraphImage.Write(files, livePath, SegmentKind.Live, Shape, _live.Options, live, 0, manifest.LastTime);
                manifest = manifest with { Position = position, Live = number++, History = named };
                if (parts is not null) manifest = WriteParts(files, directory, parts, manifest, number);
                manifest.Publish(files, directory);
                if (parts is not null) NoteSaved(files, directory, parts, manifest);
                _savedHistory.Clear();
                foreach (var (segment, file) in saved) _savedHistory[segment] = file;
                SavedPosition = position;
            }
            finally
            {
                live.Dispose();
                open.Snapshot?.Dispose();
                parts?.Dispose();
                foreach (var segment in history) segment.Release();
            }
        }
    }

    /// <summary>Opens a saved index. It answers at once and takes writes; what it maps are the files, which stay as they are.</summary>
    /// <param name="shape">What its vectors must be; null: whatever was saved.</param>
    /// <param name="options">Ef of inserts and searches and the size of history segments are taken from here; what shapes the graph, and whether history
    /// is kept, is as saved.</param>
    /// <param name="scheduler">Whose threads help to verify; null: the caller alone.</param>
    /// <exception cref="AevumException">NotFound: no index was saved there. Corruption: a file is damaged, with its name. UnsupportedFormat. LimitExceeded.
    /// What the file system throws.</exception>
    public static VectorIndex Open(
        IFileSystem files, string directory, VectorShape? shape = null, VectorIndexOptions? options = null, MemoryBudget? budget = null,
        IScheduler? scheduler = null)
    {
        var manifest = VectorManifest.Read(files, directory);
        options ??= new();
        budget ??= MemoryBudget.Unlimited();
        var history = new List<HistorySegment>();
        HnswIndex? live = null, frozen = null;
        CodedSegment[] coded = [];
        try
        {
            live = OpenLive(manifest.Live, shape);
            options.Validate(live.Shape);
            if (manifest.Frozen != 0) frozen = OpenLive(manifest.Frozen, live.Shape);
            coded = OpenCoded(files, directory, manifest, live.Shape, budget, scheduler);
            foreach (var (number, isSealed) in manifest.History)
            {
                var path = FilePaths.Combine(directory, VectorManifest.HistoryName(number));
                history.Add(HistorySegment.Open(files, path, live.Shape, live.Options, budget, scheduler));
                if (isSealed) history[^1].Seal();
            }
            options = options with { Graph = live.Options with { Lifetimes = default }, KeepHistory = manifest.KeepsHistory };
            return new(live, frozen, coded, options, budget, [.. history], directory, manifest);
        }
        catch (Exception e)
        {
            live?.Dispose();
            frozen?.Dispose();
            foreach (var segment in coded) segment.Dispose();
            foreach (var segment in history) segment.Dispose();
            // Not the same as an index that was never saved.
            if (e is AevumException { Code: ErrorCode.NotFound }) Throw.Corruption(directory, 0, $"all files that the manifest names ({e.Message})");
            throw;
        }

        HnswIndex OpenLive(ulong number, VectorShape? expected)
        {
            var path = FilePaths.Combine(directory, VectorManifest.LiveName(number));
            var opened = GraphImage.Open(
                files, path, SegmentKind.Live, expected, budget, scheduler, out _,
                saved => saved with { EfConstruction = options.Graph.EfConstruction, EfSearch = options.Graph.EfSearch, ForcedWay = options.Graph.ForcedWay });
            if (manifest.KeepsHistory == (opened.Options.Lifetimes == LifetimeKind.From)) return opened;
            opened.Dispose();
            Throw.Corruption(path, 0, "times where history is kept");
            return opened;
        }
    }

    VectorIndex(
        HnswIndex live, HnswIndex? frozen, CodedSegment[] coded, VectorIndexOptions options, MemoryBudget budget, HistorySegment[] history, string directory,
        VectorManifest manifest)
    {
        (Shape, Options, _budget, _live, _history, _savedIn) = (live.Shape, options, budget, live, history, directory);
        (_floor, _lastTime, SavedPosition) = (manifest.Floor, manifest.LastTime, manifest.Position);
        for (var i = 0; i < history.Length; i++) _savedHistory[history[i]] = (manifest.History[i].Number, history[i].Graph.Changes);
        if (options.Codes is null && !manifest.HasCodes) return;
        _parts = new(live, frozen, coded);
        _savedCoded = Enumerable.Range(0, coded.Length).ToDictionary(i => coded[i].Dead, i => manifest.Coded[i]);
        if (options.Codes is not null && coded.Length > 0) KeepCodebookOf(coded[^1]);
    }

    // What is to be saved, as of one moment between writes.
    HistorySegment[] Note(
        out HnswSnapshot live, out (HnswSnapshot? Snapshot, long Changes) open, out VectorManifest manifest, out NotedParts? parts)
    {
        var held = 0;
        HistorySegment[] history = [];
        HnswSnapshot? noted = null;
        NotedParts? notedParts = null;
        try
        {
            for (; held < Stripes; held++) _stripes[held].Enter();
            manifest = new() { Floor = Volatile.Read(ref _floor), LastTime = Volatile.Read(ref _lastTime), KeepsHistory = Options.KeepHistory };
            history = AcquireHistory();
            noted = _live.Snapshot();
            notedParts = NoteParts();
            open = default;
            if (history.Length > 0)
            {
                var graph = history[^1].Graph;
                var isSaved = _savedHistory.TryGetValue(history[^1], out var file) && file.Changes == graph.Changes;
                open = (isSaved ? null : graph.Snapshot(), graph.Changes);
            }
            (live, parts) = (noted, notedParts);
            return history;
        }
        catch
        {
            noted?.Dispose();
            notedParts?.Dispose();
            foreach (var segment in history) segment.Release();
            throw;
        }
        finally
        {
            while (held > 0) _stripes[--held].Exit();
        }
    }
}
