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
            if (!_byKey.TryGetValue(call.Keyspace, out var keys)) _byKey[call.Keyspace] = keys = new(KeyComparer.Instance);
            foreach (var key in call.Keys)
            {
                if (!keys.TryGetValue(key, out var calls)) keys[key] = calls = [];
                calls.Add(call);
            }
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
            var keys = _byKey[call.Keyspace];
            foreach (var key in call.Keys)
            {
                if (!keys.TryGetValue(key, out var calls)) continue;
                calls.Remove(call);
                if (calls.Count == 0) keys.Remove(key);
            }
            Volatile.Write(ref _count, _all.Count);
            interest.SetWaiters(_all.Count > 0, _forLoss > 0);
            return true;
        }
    }

    /// <summary>Two databases have got each other's keys: who waits in one waits in the other from now on.</summary>
    /// <returns>All of those, who may find something at once.</returns>
    public BlockedCall[] Swap(KeyspaceId first, KeyspaceId second)
    {
        lock (_gate)
        {
            BlockedCall[] moved = [.. _all.Where(call => call.Keyspace == first || call.Keyspace == second)];
            foreach (var call in moved) call.MoveTo(call.Keyspace == first ? second : first);
            _byKey.Remove(first, out var ofFirst);
            _byKey.Remove(second, out var ofSecond);
            if (ofFirst is not null) _byKey[second] = ofFirst;
            if (ofSecond is not null) _byKey[first] = ofSecond;
            return moved;
        }
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
