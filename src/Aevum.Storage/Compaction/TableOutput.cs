// TableOutput: one table being written, and what the manifest will say of it.

using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class TableOutput(ulong id, TableStore store, IWritableFile file, TableWriter writer)
{
    public long EstimatedBytes => writer.EstimatedFileSize;

    public void Add(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ReadOnlySpan<byte> value) =>
        writer.Add(key, version, kind, expiry, end, value);

    public void AddRangeDelete(RangeDelete range) => writer.AddRangeDelete(range.Start, range.End, range.Version);

    public TableMeta Finish()
    {
        try
        {
            var info = writer.Finish();
            writer.Dispose();
            file.Dispose();
            return TableStore.MetaOf(id, info);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    public void Abandon()
    {
        writer.Dispose();
        file.Dispose();
        store.Delete(id);
    }
}
