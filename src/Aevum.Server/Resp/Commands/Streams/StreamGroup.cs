// StreamGroup: a consumer group while a command works on it. What its rows count of each other is kept in memory and written by Save: the group's
// pending entries and consumers, each consumer's pending entries and when it was seen.
//
//   Find       the group of a name
//   change     rows of pending entries are written at once
//   Save       writes the group and those consumers that changed

using Aevum.Core.Bytes;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>A consumer while a command works on its group.</summary>
sealed class StreamConsumer(byte[] name)
{
    public byte[] Name => name;

    public StreamConsumerState State;

    /// <summary>True if its row has to be written.</summary>
    public bool HasChanged { get; set; }
}

sealed class StreamGroup
{
    readonly DataCall _call;
    readonly StreamRows _stream;
    readonly byte[] _name;
    readonly Dictionary<byte[], StreamConsumer> _consumers = new(KeyComparer.Instance);
    StreamGroupState _state;
    bool _hasChanged;

    StreamGroup(DataCall call, StreamRows stream, byte[] name, in StreamGroupState state)
    {
        _call = call;
        _stream = stream;
        _name = name;
        _state = state;
    }

    public uint Number => _state.Number;

    public long Pending => _state.Pending;

    public ref readonly StreamGroupState State => ref _state;

    /// <returns>Null: there is none of that name.</returns>
    public static StreamGroup? Find(DataCall call, StreamRows stream, ReadOnlySpan<byte> name) =>
        stream.TryReadGroup(name, out var state) ? new StreamGroup(call, stream, name.ToArray(), state) : null;

    /// <summary>Says which entry was delivered last, and how many were.</summary>
    public void SetLast(StreamId last, long read)
    {
        _state.Last = last;
        _state.Read = read;
        _hasChanged = true;
    }

    /// <summary>Counts an entry that is delivered for the first time, as far as the stream's own numbers allow it.</summary>
    public void Advance(StreamId id)
    {
        if (id <= _state.Last) return;
        ref var stream = ref _stream.State;
        var count = _stream.Count;
        var read = _state.Read;
        if (read != StreamState.Unknown && !stream.HasTombstones(count, id)) read++;
        else if (stream.Added != 0) read = stream.EntriesUpTo(count, id);
        SetLast(id, read);
    }

    // ------------------------------------------------------------------------------------------------ consumers

    /// <returns>Null: there is none of that name.</returns>
    public StreamConsumer? FindConsumer(ReadOnlySpan<byte> name)
    {
        var key = name.ToArray();
        if (_consumers.TryGetValue(key, out var known)) return known;
        if (!_stream.TryReadConsumer(Number, key, out var state)) return null;
        return _consumers[key] = new StreamConsumer(key) { State = state };
    }

    /// <summary>A consumer that asks for something now, and is made if it is new.</summary>
    /// <param name="userKey">The stream's.</param>
    public StreamConsumer SeeConsumer(ReadOnlySpan<byte> name, ReadOnlySpan<byte> userKey)
    {
        var consumer = FindConsumer(name) ?? AddConsumer(name, userKey);
        consumer.State.Seen = _call.NowMilliseconds;
        consumer.HasChanged = true;
        return consumer;
    }

    /// <summary>Makes a consumer of a name that none has.</summary>
    public StreamConsumer AddConsumer(ReadOnlySpan<byte> name, ReadOnlySpan<byte> userKey)
    {
        var consumer = new StreamConsumer(name.ToArray()) { HasChanged = true };
        consumer.State.Seen = _call.NowMilliseconds;
        _consumers[consumer.Name] = consumer;
        _state.Consumers++;
        _hasChanged = true;
        _call.Signal(userKey, "xgroup-createconsumer", NotificationClass.Stream);
        return consumer;
    }

    /// <summary>Takes a consumer away with all it has pending.</summary>
    public void DropConsumer(StreamConsumer consumer)
    {
        foreach (var id in _stream.ReadOwned(Number, consumer.Name, StreamId.Zero, StreamId.Max, int.MaxValue)) Remove(id, consumer);
        _stream.DeleteConsumer(Number, consumer.Name);
        _consumers.Remove(consumer.Name);
        _state.Consumers--;
        _hasChanged = true;
    }

    // ------------------------------------------------------------------------------------------------ pending entries

    public bool TryGetPending(StreamId id, out PendingEntry pending)
    {
        var isThere = _stream.TryReadPending(Number, id, out var state);
        pending = isThere ? new PendingEntry(id, state.Delivered, state.Deliveries, state.Consumer.ToArray()) : default;
        return isThere;
    }

    /// <summary>The greatest id that is pending; 0-0: none is.</summary>
    public StreamId LastPending() =>
        Pending > 0 && _stream.ReadPending(Number, StreamId.Zero, StreamId.Max, 1, descending: true) is [var last] ? last.Id : StreamId.Zero;

    /// <summary>Gives an entry to a consumer.</summary>
    /// <param name="before">Who had it; null: nobody.</param>
    public void Assign(StreamId id, StreamConsumer consumer, long delivered, long deliveries, PendingEntry? before)
    {
        _stream.PutPending(Number, id, new StreamPendingState { Delivered = delivered, Deliveries = deliveries, Consumer = consumer.Name });
        if (before is { } old)
        {
            if (old.Consumer.AsSpan().SequenceEqual(consumer.Name)) return;
            Take(id, OwnerOf(old));
        }
        else
        {
            _state.Pending++;
            _hasChanged = true;
        }
        _stream.PutOwned(Number, consumer.Name, id);
        consumer.State.Pending++;
        consumer.HasChanged = true;
    }

    /// <summary>An entry is pending no more.</summary>
    public void Remove(in PendingEntry pending) => Remove(pending.Id, OwnerOf(pending));

    void Remove(StreamId id, StreamConsumer owner)
    {
        _stream.DeletePending(Number, id);
        Take(id, owner);
        _state.Pending--;
        _hasChanged = true;
    }

    void Take(StreamId id, StreamConsumer owner)
    {
        _stream.DeleteOwned(Number, owner.Name, id);
        owner.State.Pending--;
        owner.HasChanged = true;
    }

    StreamConsumer OwnerOf(in PendingEntry pending) => FindConsumer(pending.Consumer) ?? throw DataCall.Corrupt("a pending entry has no consumer");

    /// <summary>Writes what has changed.</summary>
    public void Save()
    {
        foreach (var consumer in _consumers.Values)
            if (consumer.HasChanged) _stream.PutConsumer(Number, consumer.Name, consumer.State);
        if (_hasChanged) _stream.PutGroup(_name, _state);
    }
}
