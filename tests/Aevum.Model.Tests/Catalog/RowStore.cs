// RowStore: decides batches as a sequencer would, in the slowest way: it tries the steps on a copy of all rows. The oracle for what
// conditions mean.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Tests.Catalog;

sealed class RowStore
{
    SortedDictionary<byte[], (byte[] Value, SystemTime Version)> _rows = new(KeyComparer.Instance);
    ulong _now = 100;

    public SystemTime Now => new(_now);

    public IEnumerable<CatalogRow> CatalogRows => _rows.Where(row => CatalogKey.IsOfCatalog(row.Key))
        .Select(row => new CatalogRow(row.Key, row.Value.Value, row.Value.Version));

    /// <summary>Keyspaces that hold rows, the catalog's apart.</summary>
    public IEnumerable<KeyspaceId> KeyspacesWithRows => _rows.Keys.Where(key => !CatalogKey.IsOfCatalog(key))
        .Select(key => KeyspaceId.TryRead(key, out var id) ? id : throw new InvalidOperationException()).Distinct();

    public bool Commit(StepBatch batch)
    {
        var time = new SystemTime(++_now);
        var rows = new SortedDictionary<byte[], (byte[] Value, SystemTime Version)>(_rows, KeyComparer.Instance);
        batch.BeginResults();
        if (batch.IsPlain) throw new NotSupportedException("a batch without conditions is no change of the catalog");
        for (var i = 0; i < batch.Count; i++)
        {
            var step = batch.StepAt(i);
            var key = step.Key.ToArray();
            var version = rows.TryGetValue(key, out var found) ? found.Version : SystemTime.None;
            var holds = step.Condition switch
            {
                PreconditionKind.None => true,
                PreconditionKind.Absent => version == SystemTime.None,
                PreconditionKind.Present => version != SystemTime.None,
                PreconditionKind.Version => version == step.ConditionTime,
                _ => throw new NotSupportedException(),
            };
            ref var result = ref batch.MutableResult(i);
            result.Status = holds ? StepStatus.Done : StepStatus.ConditionFailed;
            result.Version = version;
            if (!holds)
            {
                batch.EndResults(CommitStatus.Refused, SystemTime.None, i);
                return false;
            }
            switch (step.Kind)
            {
                case StepKind.Check: break;
                case StepKind.Put: rows[key] = (step.Value.ToArray(), time); break;
                case StepKind.Delete: rows.Remove(key); break;
                case StepKind.DeleteRange:
                    var end = step.Value.ToArray();
                    bool IsCovered(byte[] k) => k.AsSpan().SequenceCompareTo(key) >= 0 && k.AsSpan().SequenceCompareTo(end) < 0;
                    foreach (var covered in rows.Keys.Where(IsCovered).ToArray()) rows.Remove(covered);
                    break;
                default: throw new NotSupportedException();
            }
        }
        _rows = rows;
        batch.EndResults(CommitStatus.Committed, time);
        return true;
    }

    public void Put(KeyspaceId keyspace, ReadOnlySpan<byte> key) => _rows[KeyLayout.Make(keyspace, key)] = ([], new SystemTime(++_now));

    public CatalogSnapshot Read() => CatalogSnapshot.FromRows(CatalogRows, Now);
}
