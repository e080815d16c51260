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
    const string NewSuffix = ".new";

    SegmentImage? _image;

    /// <summary>Whether it was opened from a file that is mapped; what of it lies there counts against no budget.</summary>
    public bool IsMapped => _image is { IsMapped: true };

    /// <summary>Writes centroids, codebook and lists to a file, which is durable on return; its name is the caller's to sync. A file of that name is replaced
    /// when the new one is whole, also that which the index was opened from: that goes on in the content it has. Whole vectors that a coded index compares
    /// with are not in it.</summary>
    /// <exception cref="AevumException">What the file system throws: a file that was there is still there. Closed.</exception>
    public void Save(IFileSystem files, string path)
    {
        lock (_changing)
        {
            ThrowIfClosed();
            var isDone = false;
            try
            {
                IvfImage.Write(files, path + NewSuffix, this, new(_centroids, _codes, _lists));
                files.Rename(path + NewSuffix, path);
                isDone = true;
            }
            finally
            {
                if (!isDone) TryDelete(files, path + NewSuffix);
            }
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

    // It takes space, and nothing else.
    static void TryDelete(IFileSystem files, string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (AevumException)
        {
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
