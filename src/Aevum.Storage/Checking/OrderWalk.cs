// OrderWalk: one merge over all tables of a store, main and history, that checks what no single table can show.
//
//   main      sources in the order of reads (level 0 newest first, then levels 1 to 6): walking a key from its newest version to its oldest
//             must go from source to deeper source, or a lookup would stop at an old version
//   deletes   what a source's range delete covers in deeper sources is older, and what lies above it is not
//   history   each version ends after it began (a delete that nothing followed may end where it begins), and a value is hidden by newer ones
//             from the next version's beginning until its own end
//   both      no version of a key is there twice; only history tables carry ends
//
// Tables in which something else is wrong are left out; the order among the others holds without them.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Checking;

sealed class OrderWalk : IDisposable
{
    const int AdvanceEvery = 1 << 14;

    /// <summary>One sorted run: a table of level 0 or all of a sorted level.</summary>
    sealed record SortedRun(string Name, bool History, TableMeta[] Tables, RangeDeletes[] Ranges);

    readonly IFileSystem _files;
    readonly Func<ulong, string> _pathOf;
    readonly BlockCache _cache;
    readonly CheckFindings _findings;
    readonly List<SortedRun> _runs = [];
    readonly bool _hasRanges;
    readonly MergingCursor? _cursor;
    byte[] _key = [];
    int _keyLength = -1;
    ulong _newer;         // the version before the current one, of the same key
    ulong _hiddenTo;      // from _newer on until here, newer versions answer instead of older ones
    int _newerMain = -1;  // the source of the last version in a main table

    /// <param name="sound">The tables to look at, by id, with their range deletes.</param>
    public OrderWalk(
        IFileSystem files, Func<ulong, string> pathOf, TreeVersion version, IReadOnlyDictionary<ulong, RangeDeletes> sound, BlockCache cache,
        CheckFindings findings)
    {
        _files = files;
        _pathOf = pathOf;
        _cache = cache;
        _findings = findings;
        foreach (var history in (bool[])[false, true])
            for (var level = 0; level < TreeVersion.LevelCount; level++)
            {
                var tables = version.Shape(history)[level].Where(t => sound.ContainsKey(t.Id)).ToArray();
                var name = $"{(history ? "history " : "")}level {level}";
                if (level == 0) _runs.AddRange(tables.Select(t => new SortedRun(name, history, [t], [sound[t.Id]])));
                else if (tables.Length > 0) _runs.Add(new SortedRun(name, history, tables, [.. tables.Select(t => sound[t.Id])]));
            }
        Entries = _runs.Sum(r => r.Tables.Sum(t => t.Entries));
        _hasRanges = _runs.Any(r => !r.History && r.Ranges.Any(d => !d.IsEmpty));
        if (_runs.Count > 0)
            _cursor = new MergingCursor([.. _runs.Select(run => new LevelCursor(run.Tables, index => Open(run.Tables[index])))]);
    }

    /// <summary>How many versions will be walked over.</summary>
    public long Entries { get; }

    public void Run(Action<long> advance)
    {
        if (_cursor is null) return;
        try
        {
            long seen = 0;
            for (_cursor.SeekToFirst(); _cursor.Valid && !_findings.IsFull; _cursor.Next())
            {
                Visit();
                if (++seen % AdvanceEvery == 0) advance(AdvanceEvery);
            }
            advance(seen % AdvanceEvery);
        }
        catch (AevumException failure)
        {
            // Each table was read whole before; so this one changed, or the disk answers differently.
            _findings.Report("tables", failure);
        }
    }

    public void Dispose() => _cursor?.Dispose();

    VersionCursor Open(TableMeta meta)
    {
        var reader = TableReader.Open(_files, _pathOf(meta.Id), meta.Id, _cache);
        var cursor = reader.CreateCursor(TableCursorOptions.Bypass, reader);
        return meta.IsClipped ? new ClippedCursor(cursor, meta.ClipStart, meta.ClipEnd) : cursor;
    }

    void Visit()
    {
        var cursor = _cursor!;
        var source = cursor.Source;
        var version = cursor.Version;
        var isSame = _keyLength >= 0 && cursor.Key.SequenceEqual(_key.AsSpan(0, _keyLength));
        if (isSame && version == _newer) Report(source, $"version {version} of key {Show()} is there twice");
        if (_runs[source].History) VisitHistory(source, isSame);
        else VisitMain(source, isSame);
        if (!isSame) Remember(cursor.Key);
        // A version in a main table hides all older ones for good; one in a history table until its end, and on if a newer one takes over there.
        if (!_runs[source].History) _hiddenTo = ulong.MaxValue;
        else _hiddenTo = isSame && cursor.End >= _newer ? Math.Max(cursor.End, _hiddenTo) : cursor.End;
        _newer = version;
    }

    void VisitMain(int source, bool isSame)
    {
        var cursor = _cursor!;
        if (!isSame) _newerMain = -1;
        if (cursor.End != 0) Report(source, $"version {cursor.Version} of key {Show()} has an end, and lies in no history table");
        if (source < _newerMain)
            Report(source, $"version {cursor.Version} of key {Show()} lies above a newer one in {_runs[_newerMain].Name}");
        _newerMain = source;
        if (_hasRanges) VisitRanges(source);
    }

    void VisitRanges(int source)
    {
        var cursor = _cursor!;
        for (var other = 0; other < _runs.Count && !_runs[other].History; other++)
        {
            if (other == source || FragmentOver(_runs[other], cursor.Key) is not { } fragment) continue;
            if (other < source && fragment.Oldest < cursor.Version)
                Report(source, $"version {cursor.Version} of key {Show()} lies below an older range delete in {_runs[other].Name}");
            if (other > source && fragment.Newest > cursor.Version)
                Report(source, $"version {cursor.Version} of key {Show()} lies above a newer range delete in {_runs[other].Name}");
        }
    }

    static RangeDeleteFragment? FragmentOver(SortedRun run, ReadOnlySpan<byte> key)
    {
        var index = TreeVersion.FirstNotEndingBefore(run.Tables, key);
        return index < run.Ranges.Length && !run.Ranges[index].IsEmpty ? run.Ranges[index].FragmentOver(key) : null;
    }

    void VisitHistory(int source, bool isSame)
    {
        var cursor = _cursor!;
        if (!isSame) _newerMain = -1;
        if (cursor.End < cursor.Version || (cursor.End == cursor.Version && cursor.Kind != EffectKind.Delete))
            Report(source, $"version {cursor.Version} of key {Show()} ends at {cursor.End}, not after it began");
        // Where a range delete ended both it and a newer version that had left the main tables before, both carry its time; the newer hides the
        // older. What may not be: a time at which the newer one has ended and the older has not. Merges of one chain may (VersionSieve).
        else if (isSame && cursor.Kind == EffectKind.Put && cursor.End > Math.Max(_newer, _hiddenTo))
            Report(source, $"version {cursor.Version} of key {Show()} ends at {cursor.End}, after the next version, of {_newer}, ended at {_hiddenTo}");
    }

    void Remember(ReadOnlySpan<byte> key)
    {
        if (key.Length > _key.Length) _key = new byte[Math.Max(key.Length, 2 * _key.Length)];
        key.CopyTo(_key);
        _keyLength = key.Length;
    }

    void Report(int source, string text)
    {
        var run = _runs[source];
        var index = Math.Min(TreeVersion.FirstNotEndingBefore(run.Tables, _cursor!.Key), run.Tables.Length - 1);
        _findings.Report(_pathOf(run.Tables[index].Id), null, text);
    }

    string Show() => "0x" + Convert.ToHexStringLower(_cursor!.Key[..Math.Min(_cursor.KeyLength, 48)]) + (_cursor.KeyLength > 48 ? "..." : "");
}
