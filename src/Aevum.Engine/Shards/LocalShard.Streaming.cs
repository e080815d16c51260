// LocalShard, streaming: what followers of its applied stream need to know of it (Engine/Streams).

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Streams;
using Aevum.Model.Access;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShard
{
    internal LogStream LogStream => _stream;

    /// <remarks>The part of the range that lies in this shard. To follow a range wherever it lies, ask the router.</remarks>
    public ISubscription Subscribe(StreamRange range, StreamStart start) => 
        Subscribing.Begin(_environment, range, [new ShardPart(this, range)], start);

    /// <summary>What a key held right behind the batch of a time that is over.</summary>
    /// <returns>False if that is not known any more.</returns>
    internal bool TryReadBehind(ReadOnlySpan<byte> key, SystemTime time, IBufferWriter<byte> value, out bool exists)
    {
        exists = false;
        // Of a keyspace that keeps no history the newest value will do, if it is not newer. Where there is none, nothing that is left of the key can
        // tell when it went: what deletes it may be gone while an older range delete over it stands.
        if (_tree.TryPin(key, ReadPoint.Latest, out var pin))
        {
            using (pin)
            {
                if (pin.Version <= time)
                {
                    exists = pin.Expiry == SystemTime.None || pin.Expiry > time;
                    if (exists) value.Write(pin.Span);
                    return true;
                }
            }
        }
        try
        {
            if (!_tree.TryPin(key, ReadPoint.AsOf(time), out pin)) return true;
        }
        catch (HistoryUnavailableException)
        {
            return false;
        }
        using (pin)
        {
            exists = true;
            value.Write(pin.Span);
        }
        return true;
    }
}
