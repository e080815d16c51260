// SegmentFormat: the frame of an index segment's file (docs/formats/index-segment.md). Little endian.
//
//   [header, 4 KiB]  [sections, each from a multiple of 4 KiB on, zeros between]  [CRC-32C of each 64 KiB from 4 KiB on]  [CRC-32C of these]
//
// The header ends in its own checksum and says how long everything is, so every byte of the file is covered and none more is allowed. Sections are what the
// memory of an index looks like: they are used where they are mapped.
//
// Not here: what sections mean (GraphImage, CodedImage, IvfImage), writing (SegmentWriter), reading (SegmentImage).
// To add a section: a value of SectionKind, its writer and its checked reader in the image, a line on the format page, a higher Version.

namespace Aevum.Vectors;

static class SegmentFormat
{
    /// <summary>`AvIxSegm` in ASCII.</summary>
    public const ulong Magic = 0x6D67655378497641;
    public const uint Version = 1;

    public const int HeaderBytes = 4096;
    public const int SectionAlignment = 4096;
    public const int BlockBytes = 64 << 10;

    /// <summary>Where what a kind of segment says of itself begins in the header, and its room.</summary>
    public const int FactsOffset = 64;
    public const int FactsBytes = 448;

    public const int TableOffset = FactsOffset + FactsBytes;
    public const int TableEntryBytes = 32;
    public const int SectionsMax = 64;

    public static long Aligned(long length) => (length + SectionAlignment - 1) & -SectionAlignment;

    public static long BlocksOf(long sectionsEnd) => (sectionsEnd - HeaderBytes + BlockBytes - 1) / BlockBytes;
}

/// <summary>Written into files; values never change their meaning.</summary>
enum SegmentKind : uint
{
    /// <summary>A graph of live rows: ids name rows, rows have a time they began.</summary>
    Live = 1,

    /// <summary>A graph of history entries: rows have a time they began and one they ended.</summary>
    History = 2,

    /// <summary>A graph of codes.</summary>
    Coded = 3,

    /// <summary>Which rows of the graphs of codes are dead.</summary>
    Dead = 4,

    /// <summary>Inverted lists.</summary>
    Lists = 5,
}

/// <summary>Written into files; values never change their meaning.</summary>
enum SectionKind : uint
{
    Records = 1,
    Rests = 2,
    Facts = 3,
    Levels = 4,
    UpperLinks = 5,
    Ids = 6,
    From = 7,
    Rotation = 8,
    Codebook = 9,
    Codes = 10,
    LinkEnds = 11,
    Links = 12,
    RowIds = 13,
    Layers = 14,
    Vectors = 15,
    To = 16,
    Dead = 17,
    Centroids = 18,
    ListEnds = 19,
    ListRows = 20,
    ListEntries = 21,
}

/// <param name="Stride">Bytes of one row of it.</param>
/// <param name="Length">Bytes.</param>
readonly record struct SectionPlan(SectionKind Kind, int Stride, long Length);
