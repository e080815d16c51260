// RespEngine, blocking: requests that wait for a key (BLPOP and its kin).
//
// A request that finds nothing is put down with its keys, and its client suspended. When one of the keys gets something, who waits longest is
// asked again: the whole command runs anew, and may wait again. Registered first and looked at once more after, so that nothing that came in
// between is missed, from whichever loop it came.

using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    /// <summary>True while databases are swapped: nothing of this loop may be under way.</summary>
    public bool IsParked
    {
        get => _isParked;
        set => _isParked = value;
    }

    volatile bool _isParked;

    void Wait(BlockedCall call, ReadOnlySpan<byte> kept)
    {
        var client = call.Client;
        if (client.IsClosed) return;
        call.Begin(kept);
        client.Waits = true;
        client.Suspend();
        if (call.Command.Data is IBlockingCommand blocking && blocking.TimeoutOf(CommandProcedure.ArgumentsOf(call.Packed)) is { } timeout)
            call.Timer = Loop.After(timeout, () => End(call, withTimeout: true));
        Server.Waiters.Add(call);
        // Its database may have been swapped since the request was taken.
        if (Databases.TryIdOf(client.Database, out var now) && now != call.Keyspace) FollowDatabases();
        Loop.Post(() => TryAgain(call));
    }

    /// <summary>Databases have been swapped: who waits in them may find something at once.</summary>
    public void FollowDatabases()
    {
        foreach (var call in Server.Waiters.Follow(Databases)) call.Client.Engine.Loop.Post(() => call.Client.Engine.TryAgain(call));
    }

    /// <summary>Runs a request that waits once more. On the loop of its client.</summary>
    /// <param name="key">What something happened to; null: nobody knows.</param>
    public void TryAgain(BlockedCall call, byte[]? key = null)
    {
        if (IsParked)
        {
            Server.Swaps.Afterwards(() => Loop.Post(() => TryAgain(call, key)));
            return;
        }
        Flush();   // first: what comes of it may end the wait
        if (!Server.Waiters.Contains(call)) return;
        if (call.IsUnderWay)
        {
            call.HasMissed = true;
            return;
        }
        var client = call.Client;
        call.IsUnderWay = true;
        call.SetReady(key);
        var keyspace = call.Address();
        _shard = Server.Database.Router.ShardOf(_key.HeadOf(keyspace, call.Keys[0]));
        _batchNote = client.Note;
        _batch.Policy = Core.Batches.CommitPolicy.EachForItself;
        _batch.Call(call.Command.Procedure!, _key.HeadOf(keyspace, call.Keys[0]), call.Packed);
        _pending.Add(new PendingStep(client, call.Command, null, call));
        client.PendingSteps++;
        Flush();
    }

    // A request that was run again has been answered. False: it found nothing, and there is no reply.
    bool EndsWait(BlockedCall call, bool isBlocked)
    {
        call.IsUnderWay = false;
        if (!isBlocked)
        {
            Server.Waiters.Remove(call);
            call.Timer?.Dispose();
            call.Client.Waits = false;
            return true;
        }
        if (call.End is { } end) End(call, end.WithTimeout, end.Error);
        else if (call.HasMissed) Loop.Post(() => TryAgain(call));
        call.HasMissed = false;
        return false;
    }

    /// <summary>Ends a wait that brought nothing. If the request is being run again, that comes first: what it may have taken is the client's.</summary>
    public void End(BlockedCall call, bool withTimeout, ReadOnlySpan<byte> error = default)
    {
        if (call.IsUnderWay)
        {
            call.End ??= (withTimeout, error.ToArray());
            return;
        }
        if (!Server.Waiters.Remove(call)) return;
        call.Timer?.Dispose();
        call.Client.Waits = false;
        if (withTimeout)
        {
            _reply.Clear();
            _reply.Version = call.Client.Version;
            ((IBlockingCommand)call.Command.Data!).WriteTimeout(_reply);
            call.Client.Send(_reply.Written);
        }
        else
        {
            call.Client.Send(error);
        }
        call.Client.Resume();
    }
}
