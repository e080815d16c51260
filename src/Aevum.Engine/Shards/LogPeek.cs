using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Storage.Log;

namespace Aevum.Engine.Shards;

/// <summary>Looks through what a stream holds beyond the tables, before it is replayed.</summary>
static class LogPeek
{
    public delegate void EffectAction(in Effect effect, SystemTime time);

    public static void Run(LogStream stream, ulong from, EffectAction action)
    {
        if (stream.LastPosition < from || stream.FirstPosition > from) return;   // what is missing, the replay says
        stream.Replay(from, (_, payload) =>
        {
            var batch = new BatchReader(payload);
            while (batch.TryRead(out var effect)) action(effect, batch.SystemTime);
        });
    }
}
