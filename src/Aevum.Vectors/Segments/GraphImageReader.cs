// GraphImageReader: what the header and the sections of a graph's file say, checked. Checksums are trusted for bytes and nothing is trusted for
// structure: whatever leads somewhere (links, blocks, places, the entry) is checked to lead to a row that is there, before anything walks.
//
//   constructor   facts within their ranges; every section there, of the length that the facts ask for
//   Check         a state and a level for each row, lists of upper links dealt out in order; links; places of ids; the entry
//
// The loops over all rows run once, when a process has just begun, so they are compiled at their best at once.
// What a good file cannot hold but a forged one may (two places for one row, links in one direction) costs answers, never memory that is not ours.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

sealed unsafe class GraphImageReader
{
    const int PieceRows = 16_384;

    readonly SegmentImage _image;
    readonly IScheduler? _scheduler;
    readonly int _cut, _front, _rest;
    readonly uint _blocks;
    readonly double _energy;
    readonly byte* _records, _rests, _facts, _levels, _upper, _from, _to;
    readonly uint* _places;
    readonly float* _rotation;
    readonly int _placeCount, _recordStride, _linkOffset;

    public GraphImageReader(SegmentImage image, IScheduler? scheduler)
    {
        (_image, _scheduler) = (image, scheduler);
        var bytes = image.Facts;
        Shape = image.ReadShape(canBeBits: true);
        _image.Require(bytes[2] <= (int)LifetimeKind.FromTo, "lifetimes or none");
        Options = new()
        {
            M = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]), EfConstruction = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]),
            EfSearch = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]), RotateAfterRows = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            Seed = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), Lifetimes = (LifetimeKind)bytes[2],
        };
        try
        {
            Options.Validate();
        }
        catch (AevumException)
        {
            _image.Require(false, "parameters within their ranges");
        }
        _image.Require((image.Kind == SegmentKind.History) == (Options.Lifetimes == LifetimeKind.FromTo), "lifetimes of the kind");
        Facts = new(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]));
        _cut = BinaryPrimitives.ReadInt32LittleEndian(bytes[72..]);
        _blocks = BinaryPrimitives.ReadUInt32LittleEndian(bytes[76..]);
        _energy = BinaryPrimitives.ReadDoubleLittleEndian(bytes[80..]);
        MinFrom = BinaryPrimitives.ReadUInt64LittleEndian(bytes[88..]);
        MaxTo = BinaryPrimitives.ReadUInt64LittleEndian(bytes[96..]);
        var rows = Facts.Rows;
        _image.Require(rows is >= 0 and <= HnswIndex.RowsMax && Facts.Count >= 0 && Facts.Count <= rows, "a number of rows");
        var canLead = GraphMaker.CanRotate(Shape) && Shape.Dimension <= PrincipalAxes.DimensionMax;
        _image.Require(_cut == 0 || (_cut > 0 && _cut < Shape.Dimension && canLead), "a number of leading elements");
        _image.Require(_blocks <= rows * UpperLinks.LevelMax, "a number of upper lists");

        _front = _cut == 0 ? Shape.Bytes : _cut * sizeof(float);
        _rest = Shape.Bytes - _front;
        using var plan = new VectorStore(_front, _rest, 2 * Options.M, false, MemoryBudget.Unlimited());
        (_recordStride, _linkOffset) = (plan.RecordStride, plan.LinkOffset);
        _records = image.Section(SectionKind.Records, plan.RecordStride, rows * plan.RecordStride);
        if (plan.RestStride > 0) _rests = image.Section(SectionKind.Rests, plan.RestStride, rows * plan.RestStride);
        _facts = image.Section(SectionKind.Facts, RowTable.FactBytes, rows * RowTable.FactBytes);
        _levels = image.Section(SectionKind.Levels, RowTable.LevelBytes, rows * RowTable.LevelBytes);
        _upper = image.Section(SectionKind.UpperLinks, Options.M * sizeof(uint), (long)_blocks * Options.M * sizeof(uint));
        if (Options.Lifetimes != LifetimeKind.None)
        {
            _from = image.Section(SectionKind.From, sizeof(ulong), rows * sizeof(ulong));
            if (Options.Lifetimes == LifetimeKind.FromTo) _to = image.Section(SectionKind.To, sizeof(ulong), rows * sizeof(ulong));
        }
        if (_cut > 0)
        {
            var learnt = LeadingRotation.LearntCount(_cut, Shape.Dimension);
            _rotation = (float*)image.Section(SectionKind.Rotation, sizeof(float), learnt * sizeof(float));
        }
        if (image.Kind != SegmentKind.Live) return;
        var length = image.LengthOf(SectionKind.Ids);
        var places = length / sizeof(uint);
        _image.Require(length >= 0 && places <= int.MaxValue && (places == 0 ? Facts.Count == 0 : places > Facts.Count), "more places than ids");
        _placeCount = (int)places;
        _places = (uint*)image.Section(SectionKind.Ids, sizeof(uint), length);
    }

    public VectorShape Shape { get; }

    public HnswOptions Options { get; }

    public HnswFacts Facts { get; }

    public ulong MinFrom { get; }

    public ulong MaxTo { get; }

    public HnswTables Tables(MemoryBudget budget) => new()
    {
        Records = _records, Rests = _rests, Facts = _facts, Levels = _levels, Upper = _upper, UpperBlocks = _blocks,
        From = _from, To = _to, GreatestFrom = MaxTo,
        Places = new(_places, _placeCount),
        Rotation = _cut == 0 ? null : new(_cut, Shape.Dimension, _energy, new(_rotation, (int)LeadingRotation.LearntCount(_cut, Shape.Dimension)), budget),
    };

    public void Check()
    {
        // First, for it tells how many upper lists each row has.
        CheckRows();
        ParallelPieces.Run(checked((int)((Facts.Rows + PieceRows - 1) / PieceRows)) + 2, CheckPiece, _scheduler);
        var (entry, level) = ((uint)Facts.Entry, Facts.Entry >> 32);
        // An index without a live row may begin nowhere; what is live must be reached.
        if (Facts.Entry == -1) _image.Require(Facts.Count == 0, "an entry");
        else
        {
            var isRow = Facts.Entry >= 0 && entry < Facts.Rows;
            _image.Require(isRow && StateOf(entry) != RowTable.Free && level <= _levels[entry * RowTable.LevelBytes], "an entry that is there");
        }
        for (var i = 0L; _rotation != null && i < LeadingRotation.LearntCount(_cut, Shape.Dimension); i++)
            _image.Require(float.IsFinite(_rotation[i]), SectionKind.Rotation, "finite numbers");
    }

    void CheckPiece(int piece)
    {
        if (piece == 0) CheckPlaces();
        else if (piece == 1) CheckUpper();
        else CheckLinks(piece - 2);
    }

    uint StateOf(uint row) => *(uint*)(_facts + (row * (long)RowTable.FactBytes) + 8);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckRows()
    {
        var (live, blocks) = (0L, 0u);
        for (var row = 0u; row < Facts.Rows; row++)
        {
            var state = StateOf(row);
            var upper = *(uint*)(_facts + (row * (long)RowTable.FactBytes) + 12);
            var level = _levels[row * (long)RowTable.LevelBytes];
            var isGood = state is RowTable.Free or RowTable.Live or RowTable.FirstDeath && level <= UpperLinks.LevelMax
                && _levels[(row * (long)RowTable.LevelBytes) + 1] == 0 && (state != RowTable.Free || level == 0)
                && upper == (level == 0 ? RowTable.None : blocks);
            if (!isGood) _image.Require(false, SectionKind.Facts, $"a row {row} with a state, a level and its upper lists");
            if (state == RowTable.Live) live++;
            blocks += level;
        }
        _image.Require(live == Facts.Count && blocks == _blocks, SectionKind.Facts, $"{Facts.Count} live rows and {_blocks} upper lists");
    }

    // Each link below the rows, or the end, which is one less than zero: so the greatest of (link + 1) tells.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckLinks(int piece)
    {
        var (most, rows) = (2 * Options.M, (uint)Facts.Rows);
        var end = Math.Min(Facts.Rows, (piece + 1L) * PieceRows);
        for (var row = (long)piece * PieceRows; row < end; row++)
        {
            var links = (uint*)(_records + (row * _recordStride) + _linkOffset);
            var greatest = Vector256<uint>.Zero;
            var i = 0;
            for (; i <= most - 8; i += 8) greatest = Vector256.Max(greatest, Vector256.Load(links + i) + Vector256<uint>.One);
            var isGood = !Vector256.GreaterThanAny(greatest, Vector256.Create(rows));
            for (; i < most; i++) isGood &= links[i] + 1 <= rows;
            if (!isGood) _image.Require(false, SectionKind.Records, $"links of row {row} to one of {rows} rows");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckUpper()
    {
        var links = (uint*)_upper;
        for (var row = 0u; row < Facts.Rows; row++)
        {
            int level = _levels[row * (long)RowTable.LevelBytes];
            for (var layer = 1; layer <= level; layer++)
                for (var i = 0; i < Options.M; i++)
                {
                    var link = *links++;
                    if (link == VectorStore.End) continue;
                    if (link >= Facts.Rows || _levels[link * (long)RowTable.LevelBytes] < layer)
                        _image.Require(false, SectionKind.UpperLinks, $"links of row {row} on layer {layer} to rows that reach it");
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CheckPlaces()
    {
        var taken = 0L;
        for (var i = 0; i < _placeCount; i++)
        {
            if (_places[i] == uint.MaxValue) continue;
            taken++;
            if (_places[i] >= Facts.Rows || StateOf(_places[i]) != RowTable.Live) _image.Require(false, SectionKind.Ids, "places of live rows");
        }
        _image.Require(_placeCount == 0 || taken == Facts.Count, SectionKind.Ids, $"{Facts.Count} places taken");
    }
}
