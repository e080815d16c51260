// KeyWaiters: who waits for which key, of all loops, longest first.

using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;

namespace Aevum.Server.Resp;

/// <param name="interest">Told whether anybody waits.</param>
sealed class KeyWaiters(SignalInterest interest)
{
    readonly Lock _gate = new();
    readonly Dictionary<KeyspaceId, Dictionary<byte[], List<BlockedCall>>> _byKey = [];
    readonly HashSet<BlockedCall> _all = [];
    int _count;
    int _forLoss;

    /// <summary>How many wait. Cheap: asked after each write.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>True if somebody waits who wants to know of whatever happens to a key.</summary>
    public bool AnyWaitsForLoss => Volatile.Read(ref _forLoss) > 0;

    public void Add(BlockedCall call)
    {
        lock (_gate)
        {
            if (!_all.Add(call)) return;
            if (call.WaitsForLoss) Volatile.Write(ref _forLoss, _forLoss + 1);
            foreach (var key in call.Keys) AddLocked(call.Keyspace, key, call);
            Volatile.Write(ref _count, _all.Count);
            interest.SetWaiters(true, _forLoss > 0);
        }
    }

    public bool Contains(BlockedCall call)
    {
        lock (_gate) return _all.Contains(call);
    }

    /// <returns>False: it waits no more.</returns>
    public bool Remove(BlockedCall call)
    {
        lock (_gate)
        {
            if (!_all.Remove(call)) return false;
            if (call.WaitsForLoss) Volatile.Write(ref _forLoss, _forLoss - 1);
            foreach (var key in call.Keys) RemoveLocked(call.Keyspace, key, call);
            Volatile.Write(ref _count, _all.Count);
            interest.SetWaiters(_all.Count > 0, _forLoss > 0);
            return true;
        }
    }

    /// <summary>Some databases may have got each other's keys (SWAPDB): who waits in one waits for its keys as they are now. Who came after that does so
    /// already, and stays.</summary>
    /// <returns>All who were moved, and may find something at once.</returns>
    public List<BlockedCall> Follow(RespDatabases databases)
    {
        lock (_gate)
        {
            var moved = new List<BlockedCall>();
            // List by list, so that who waits longest for a key is the first one there, too.
            var places = new List<(KeyspaceId To, byte[] Key, BlockedCall Call)>();
            foreach (var (keyspace, keys) in _byKey)
            {
                foreach (var (key, calls) in keys)
                    foreach (var call in calls)
                        if (databases.TryIdOf(call.Client.Database, out var now) && now != keyspace) places.Add((now, key, call));
            }
            foreach (var (_, key, call) in places) RemoveLocked(call.Keyspace, key, call);
            foreach (var (to, key, call) in places)
            {
                AddLocked(to, key, call);
                if (call.Keyspace == to) continue;
                call.MoveTo(to);
                moved.Add(call);
            }
            return moved;
        }
    }

    void AddLocked(KeyspaceId keyspace, byte[] key, BlockedCall call)
    {
        if (!_byKey.TryGetValue(keyspace, out var keys)) _byKey[keyspace] = keys = new(KeyComparer.Instance);
        if (!keys.TryGetValue(key, out var calls)) keys[key] = calls = [];
        calls.Add(call);
    }

    void RemoveLocked(KeyspaceId keyspace, byte[] key, BlockedCall call)
    {
        if (!_byKey[keyspace].TryGetValue(key, out var calls)) return;
        calls.Remove(call);
        if (calls.Count == 0) _byKey[keyspace].Remove(key);
    }

    /// <summary>True if somebody waits for a key.</summary>
    public bool AnyFor(KeyspaceId keyspace, ReadOnlySpan<byte> key)
    {
        lock (_gate) return _byKey.TryGetValue(keyspace, out var keys) && keys.Count > 0 && keys.ContainsKey(key.ToArray());
    }

    /// <summary>Who waits for a key, longest first.</summary>
    public BlockedCall[] Of(KeyspaceId keyspace, byte[] key)
    {
        lock (_gate) return _byKey.TryGetValue(keyspace, out var keys) && keys.TryGetValue(key, out var calls) ? [.. calls] : [];
    }

    /// <summary>Who waits for any key of a database.</summary>
    public BlockedCall[] OfDatabase(KeyspaceId keyspace)
    {
        lock (_gate) return [.. _all.Where(call => call.Keyspace == keyspace)];
    }

    /// <summary>What a client waits for; null: nothing.</summary>
    public BlockedCall? Of(RespClient client)
    {
        lock (_gate) return _all.FirstOrDefault(call => call.Client == client);
    }
}
