// LocalShards, backup: what a backup is made from, held still while commits go on.
//
//   1  the log lets nothing go       2  each tree's tables are pinned      3  a moment is named, and waited for until it is over on every shard
//   4  the log is synced
//
// So the log holds, of each shard, all batches behind its tables up to the moment; and nothing that a power cut could take back is in a backup.
// The log is held for as long as its records are copied, the tables until the end.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShards
{
    readonly Lock _logGate = new();
    int _logHolds;   // while above 0 no record of the log is let go; under _logGate

    internal BackupSource OpenBackupSource() => new(this);

    void HoldLog()
    {
        lock (_logGate) _logHolds++;
    }

    void LetLogGo()
    {
        lock (_logGate) _logHolds--;
        KeepLogShort();
    }

    internal sealed class BackupSource : IDisposable, IClosing
    {
        readonly LocalShards _owner;
        readonly List<TreePin> _pins = [];
        readonly Signal _ended;
        bool _holdsLog;
        volatile bool _mustStop;
        volatile bool _disposed;

        public BackupSource(LocalShards owner)
        {
            _owner = owner;
            _ended = owner._environment.Scheduler.CreateSignal("the end of a backup");
            owner._environment.Register(this);
            try
            {
                owner.HoldLog();
                _holdsLog = true;
                foreach (var tree in owner._trees) _pins.Add(tree.PinTables());
                foreach (var pin in _pins) owner.Clock.Observe(pin.Image.CompleteFrom);   // the moment never lies before what tables hold
                Moment = owner.TakeNow();
                foreach (var shard in owner._shards) shard.RequireOver(Moment);
                owner._log.SyncNow();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public DatabaseIdentity Identity =>
            new(_owner.DatabaseId, _owner.Timeline, [.. _owner._shards.Select((s, i) => new ShardBounds(s.Id, _owner._starts[i]))]);

        /// <summary>Every commit at or below it is in the pinned tables or in the log, synced.</summary>
        public SystemTime Moment { get; }

        /// <summary>In key order, as the shards.</summary>
        public IReadOnlyList<TreePin> Trees => _pins;

        public IReadOnlyList<LogStream> Streams => [.. _owner._shards.Select(s => s.LogStream)];

        public IScheduler Scheduler => _owner._environment.Scheduler;

        public Core.Files.IFileSystem Files => _owner._storage.Options.Files;

        /// <inheritdoc cref="LocalShards.WithRoom"/>
        public T WithRoom<T>(Func<T> write) => _owner.WithRoom(write);

        /// <summary>The database is closing.</summary>
        public bool MustStop => _mustStop;

        /// <summary>The log has been read.</summary>
        public void ReleaseLog()
        {
            if (!_holdsLog) return;
            _holdsLog = false;
            _owner.LetLogGo();
        }

        public void OnClosing()
        {
            _mustStop = true;
            _ended.WaitUntil(() => _disposed);
        }

        public void Dispose()
        {
            if (_disposed) return;
            foreach (var pin in _pins) pin.Dispose();
            ReleaseLog();
            _owner._environment.Forget(this);
            _disposed = true;
            _ended.Raise();
        }
    }
}
