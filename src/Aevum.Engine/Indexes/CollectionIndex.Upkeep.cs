// CollectionIndex, upkeep of the graph: live vectors of a quantized collection become codes, codes and history merge (VectorIndex.Maintain). In the background,
// while the indexer, searches and saves go on. Where there are new codes, the index is saved, for they leave native memory when they are in a file.
//
// Looked for after so many changes, and when the history floor has risen. Where it fails (memory, the disk), the graph answers as it is, and it is tried again
// at the next look.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

public sealed partial class CollectionIndex
{
    const int LooksOfSeal = 16;           // for each graph or history segment that fills

    BackgroundTask? _upkeep;
    bool _isKept;
    long _nextLook;                       // entries of the tail

    void StartUpkeepIfDue(IScheduler scheduler)
    {
        // While writes are refused for want of memory nothing is taken, and codes may be what makes room.
        if ((_refusal is null && _tail.Taken < _nextLook) || Volatile.Read(ref _isKept) || _graph is not { } graph) return;
        _nextLook = _tail.Taken + Math.Max(1, _sealRows / LooksOfSeal);
        if (!IsUpkeepDue(graph)) return;
        Volatile.Write(ref _isKept, true);
        _upkeep = scheduler.Start($"seal index {_keyspace}", WorkClass.Background, async cancellation =>
        {
            try
            {
                while (!_disposed && IsUpkeepDue(graph))
                {
                    // First what could not be saved before: in files it makes room for what is to be done.
                    var isSaved = !HasCodesToSave(graph) || await TrySaveAsync(cancellation);
                    while (!_disposed && graph.Maintain(cancellation)) await scheduler.Yield();
                    if (!isSaved) break;
                }
            }
            catch (OperationCanceledException)
            {
            }
            catch (AevumException)
            {
            }
            finally
            {
                Volatile.Write(ref _isKept, false);
            }
        });
        if (_disposed) _upkeep.Cancel();  // Dispose may have looked before there was anything to cancel
    }

    async Task<bool> TrySaveAsync(CancellationToken cancellation)
    {
        try
        {
            return await SaveAsync(cancellation);
        }
        catch (AevumException)
        {
            return false;
        }
    }

    bool IsUpkeepDue(VectorIndex graph) => graph.IsUpkeepDue || HasCodesToSave(graph);

    bool HasCodesToSave(VectorIndex graph) => _directory is not null && graph.HasUnsavedCodes;
}
