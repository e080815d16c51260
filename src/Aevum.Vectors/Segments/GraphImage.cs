// GraphImage: a graph of live rows or of history entries as a segment's sections, and back (docs/formats/index-segment.md).
//
//   records      front of a vector, links; as VectorStore has them          facts    id, state, first upper block; as RowTable has them
//   rests        the other part of turned vectors                           levels   level, zero
//   upper links  blocks, in the order of the rows they belong to            ids      places of RowIds; live rows only
//   from, to     since when, and of history until when                      rotation LeadingRotation.Learnt
//
// Not here: what is checked before an image is used (GraphImageReader).

using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

static unsafe class GraphImage
{
    const int BufferBytes = 1 << 20;
    const int FactsLength = 104;

    /// <summary>Writes a snapshot; the file is durable afterwards, its name is not.</summary>
    /// <returns>Bytes of the file.</returns>
    public static long Write(
        IFileSystem files, string path, SegmentKind kind, VectorShape shape, HnswOptions options, HnswSnapshot snapshot, ulong minFrom, ulong maxTo)
    {
        var (graph, rows) = (snapshot.Graph, snapshot.Facts.Rows);
        var store = graph.Store;
        var blocks = 0u;
        for (var row = 0u; row < rows; row++)
            if (snapshot.IsThere(row)) blocks += (uint)graph.Rows.Level(row);
        var sections = new List<SectionPlan> { new(SectionKind.Records, store.RecordStride, rows * store.RecordStride) };
        if (store.RestStride > 0) sections.Add(new(SectionKind.Rests, store.RestStride, rows * store.RestStride));
        sections.Add(new(SectionKind.Facts, RowTable.FactBytes, rows * RowTable.FactBytes));
        sections.Add(new(SectionKind.Levels, RowTable.LevelBytes, rows * RowTable.LevelBytes));
        sections.Add(new(SectionKind.UpperLinks, graph.Upper.BlockBytes, (long)blocks * graph.Upper.BlockBytes));
        if (kind == SegmentKind.Live) sections.Add(new(SectionKind.Ids, sizeof(uint), (long)snapshot.Places.Length * sizeof(uint)));
        if (snapshot.Lifetimes is not null) sections.Add(new(SectionKind.From, sizeof(ulong), rows * sizeof(ulong)));
        if (snapshot.Lifetimes is { Kind: LifetimeKind.FromTo }) sections.Add(new(SectionKind.To, sizeof(ulong), rows * sizeof(ulong)));
        if (graph.Rotation is { } turn) sections.Add(new(SectionKind.Rotation, sizeof(float), turn.Learnt.Length * sizeof(float)));

        using var writer = new SegmentWriter(files, path, kind, FactsOf(shape, options, snapshot, blocks, minFrom, maxTo), sections);
        writer.Begin(SectionKind.Records);
        WriteRows(writer, rows, store.RecordStride, (row, target) =>
        {
            target.Clear();
            var links = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(target.Slice(store.LinkOffset, store.LinksMax * sizeof(uint)));
            if (!snapshot.IsThere(row)) links.Fill(VectorStore.End);
            else
            {
                new ReadOnlySpan<byte>(store.Front(row), store.FrontBytes).CopyTo(target);
                snapshot.CopyLinks(store.Links(row), links, 0);
            }
        });
        if (store.RestStride > 0)
        {
            writer.Begin(SectionKind.Rests);
            WriteRows(writer, rows, store.RestStride, (row, target) =>
            {
                target.Clear();
                if (snapshot.IsThere(row)) new ReadOnlySpan<byte>(store.Rest(row), store.RestBytes).CopyTo(target);
            });
        }
        var upper = 0u;
        writer.Begin(SectionKind.Facts);
        WriteRows(writer, rows, RowTable.FactBytes, (row, target) =>
        {
            var isThere = snapshot.IsThere(row);
            var level = isThere ? graph.Rows.Level(row) : 0;
            BinaryPrimitives.WriteUInt64LittleEndian(target, isThere ? graph.Rows.Id(row) : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(target[8..], snapshot.IsLive(row) ? RowTable.Live : isThere ? RowTable.FirstDeath : RowTable.Free);
            BinaryPrimitives.WriteUInt32LittleEndian(target[12..], level == 0 ? RowTable.None : upper);
            upper += (uint)level;
        });
        writer.Begin(SectionKind.Levels);
        WriteRows(writer, rows, RowTable.LevelBytes, (row, target) =>
        {
            target[0] = snapshot.IsThere(row) ? (byte)graph.Rows.Level(row) : (byte)0;
            target[1] = 0;
        });
        writer.Begin(SectionKind.UpperLinks);
        WriteUpper(writer, snapshot);
        if (kind == SegmentKind.Live)
        {
            writer.Begin(SectionKind.Ids);
            writer.Write(snapshot.Places);
        }
        if (snapshot.Lifetimes is { } lifetimes)
        {
            writer.Begin(SectionKind.From);
            WriteRows(writer, rows, sizeof(ulong), (row, target) =>
                BinaryPrimitives.WriteUInt64LittleEndian(target, snapshot.IsThere(row) ? lifetimes.From(row) : LifetimeTable.Never));
            if (lifetimes.Kind == LifetimeKind.FromTo)
            {
                writer.Begin(SectionKind.To);
                WriteRows(writer, rows, sizeof(ulong), (row, target) =>
                    BinaryPrimitives.WriteUInt64LittleEndian(target, snapshot.IsThere(row) ? lifetimes.To(row) : LifetimeTable.Never));
            }
        }
        if (graph.Rotation is { } rotation)
        {
            writer.Begin(SectionKind.Rotation);
            writer.Write(rotation.Learnt);
        }
        writer.Finish();
        return writer.Length;
    }

    /// <summary>Opens a file as an index that answers, and that takes writes: rows stay in the mapping, what is stored into becomes a copy.</summary>
    /// <param name="adjust">What of the options the caller wants otherwise than saved; what shapes rows stays as it is.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat; LimitExceeded; what the file system throws.</exception>
    public static HnswIndex Open(
        IFileSystem files, string path, SegmentKind kind, VectorShape? shape, MemoryBudget budget, IScheduler? scheduler, out (ulong MinFrom, ulong MaxTo) span,
        Func<HnswOptions, HnswOptions>? adjust = null)
    {
        var image = SegmentImage.Open(files, path, budget, scheduler);
        HnswIndex? index = null;
        try
        {
            image.Require(image.Kind == kind, $"a segment of the kind {kind}, not {image.Kind}");
            var reader = new GraphImageReader(image, scheduler);
            image.Require(shape is null || shape.Equals(reader.Shape), $"vectors of {shape}, not of {reader.Shape}");
            span = (reader.MinFrom, reader.MaxTo);
            index = new(reader.Shape, adjust is null ? reader.Options : adjust(reader.Options), budget);
            reader.Check();
            index.Adopt(reader.Tables(budget), reader.Facts, image);
            return index;
        }
        catch
        {
            index?.Dispose();
            image.Dispose();
            throw;
        }
    }

    static byte[] FactsOf(VectorShape shape, HnswOptions options, HnswSnapshot snapshot, uint blocks, ulong minFrom, ulong maxTo)
    {
        var bytes = new byte[FactsLength];
        var facts = snapshot.Facts;
        bytes[0] = (byte)shape.Element;
        bytes[1] = (byte)shape.Metric;
        bytes[2] = (byte)(snapshot.Lifetimes?.Kind ?? LifetimeKind.None);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), shape.Dimension);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), options.M);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), options.EfConstruction);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), options.EfSearch);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), options.RotateAfterRows);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), options.Seed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), facts.Rows);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(40), facts.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(48), facts.RowsTaken);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(56), facts.LearnAfter);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(64), facts.Entry);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), snapshot.Graph.Rotation?.Cut ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(76), blocks);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(80), snapshot.Graph.Rotation?.Energy ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(88), minFrom);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(96), maxTo);
        return bytes;
    }

    delegate void RowWriter(uint row, Span<byte> target);

    static void WriteRows(SegmentWriter writer, long rows, int stride, RowWriter write)
    {
        var buffer = new byte[Math.Max(1, BufferBytes / stride) * stride];
        var filled = 0;
        for (var row = 0u; row < rows; row++)
        {
            write(row, buffer.AsSpan(filled, stride));
            filled += stride;
            if (filled < buffer.Length) continue;
            writer.Write(buffer);
            filled = 0;
        }
        writer.Write(buffer.AsSpan(0, filled));
    }

    static void WriteUpper(SegmentWriter writer, HnswSnapshot snapshot)
    {
        var graph = snapshot.Graph;
        var block = new uint[graph.Upper.LinksMax];
        for (var row = 0u; row < snapshot.Facts.Rows; row++)
        {
            if (!snapshot.IsThere(row)) continue;
            for (var layer = 1; layer <= graph.Rows.Level(row); layer++)
            {
                snapshot.CopyLinks(graph.Upper.Links(graph.Rows.Upper(row), layer), block, layer);
                writer.Write<uint>(block);
            }
        }
    }
}
