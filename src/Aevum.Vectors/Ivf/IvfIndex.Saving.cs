// Saving and opening. A file is the index as it was between two changes: searches go on beside it, Put and Delete wait. Bytes are IvfImage's.
//
// Opened, lists are used where the file lies: in the mapping, or in memory it was read into. Changes work as before and never reach the file: the mapping
// is copy on write, and a list that outgrows its room moves to memory of its own. Where rows are (IvfPlaces) is noted anew at opening, which also finds a row
// that is in two lists.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe partial class IvfIndex
{
    SegmentImage? _image;

    /// <summary>Whether it was opened from a file that is mapped; what of it lies there counts against no budget.</summary>
    public bool IsMapped => _image is { IsMapped: true };

    /// <summary>Writes centroids, codebook and lists to a new file, which is durable on return; its name is the caller's to sync. Whole vectors that a coded
    /// index compares with are not in it.</summary>
    /// <exception cref="AevumException">InvalidArgument: the file this index was opened from, which must stay as it is. What the file system throws. Closed.
    /// </exception>
    public void Save(IFileSystem files, string path)
    {
        lock (_changing)
        {
            ThrowIfClosed();
            if (_image?.Path == path) Throw.Invalid($"the index was opened from {path} and uses it; save it under another name");
            IvfImage.Write(files, path, this, new(_centroids, _codes, _lists));
        }
    }

    /// <summary>Opens a file that <see cref="Save"/> wrote: mapped where the file system maps. Every byte is compared with its checksum first; nothing is
    /// learnt. It answers as the saved one did, and takes changes, which never reach the file.</summary>
    /// <param name="source">As <see cref="Train"/> takes it: of a coded index, the whole vectors to compare the best estimates with. Must be what it was for
    /// answers to be what they were.</param>
    /// <param name="scheduler">Whose threads help to verify; null: the caller alone.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat; LimitExceeded: no room for where rows are (17 bytes a row), or for the file
    /// where it is not mapped; what the file system throws.</exception>
    public static IvfIndex Open(IFileSystem files, string path, IVectorSource? source, MemoryBudget budget, IScheduler? scheduler = null)
    {
        var image = SegmentImage.Open(files, path, budget, scheduler);
        CentroidTable? centroids = null;
        ProductQuantizer? codes = null;
        IvfIndex? index = null;
        try
        {
            var reader = new IvfImageReader(image);
            codes = reader.ReadCodebook();
            centroids = reader.ReadCentroids();
            index = new(reader.Shape, reader.Options, centroids, codes, reader.Options.IsCoded ? source : null, budget);
            reader.ReadLists(index._lists, index.EntryBytes);
            index.NotePlaces(image);
            index._image = image;
            return index;
        }
        catch
        {
            if (index is not null) index.Dispose();
            centroids?.Dispose();
            codes?.Dispose();
            image.Dispose();
            throw;
        }
    }

    void NotePlaces(SegmentImage image)
    {
        _places.EnsureRoom(_lists.Sum(l => (long)l.Count));
        for (var number = 0; number < _lists.Length; number++)
        {
            var list = _lists[number];
            for (var place = 0; place < list.Count; place++)
            {
                var row = list.Rows[place];
                if (_places.TryGet(row, out _, out _)) image.Require(false, SectionKind.ListRows, $"row {row} in one list");
                _places.Set(row, number, place);
            }
            Count += list.Count;
        }
    }
}
