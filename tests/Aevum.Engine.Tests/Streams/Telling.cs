using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;

namespace Aevum.Engine.Tests.Streams;

/// <summary>What a subscription gives, as text: "a=1 b=2" for rows and puts, "-a", "a+1" for merges, "-[a,c)", a batch a line.</summary>
static class Telling
{
    public static string Tell(in AppliedBatch batch)
    {
        var parts = new List<string>();
        foreach (var effect in batch)
        {
            var key = TextOf(effect.Key);
            parts.Add(effect.Kind switch
            {
                EffectKind.Put => $"{key}={Encoding.UTF8.GetString(effect.Value)}",
                EffectKind.Delete => $"-{key}",
                EffectKind.Merge => $"{key}+{Encoding.UTF8.GetString(effect.Value)}",
                _ => $"-[{key},{TextOf(effect.Value)})",
            });
        }
        var text = string.Join(' ', parts);
        return batch.Kind switch
        {
            AppliedKind.SnapshotRow => "row " + text,
            AppliedKind.SnapshotEnd => "end",
            _ => text,
        };
    }

    /// <summary>Keys of the default keyspace as they are; the end of it as "END".</summary>
    public static string TextOf(ReadOnlySpan<byte> key)
    {
        if (!KeyspaceId.TryRead(key, out var id)) return Convert.ToHexString(key);
        if (id == EngineWorld.Default) return Encoding.UTF8.GetString(KeyLayout.UserKeyOf(key));
        return id.Value == EngineWorld.Default.Value + 1 && key.Length == KeyspaceId.PrefixBytes ? "END" : Convert.ToHexString(key);
    }

    /// <summary>All that is at hand.</summary>
    public static List<string> Drain(ISubscription subscription)
    {
        var told = new List<string>();
        while (subscription.Wait(TimeSpan.Zero))
            while (subscription.TryNext(out var batch)) told.Add(Tell(batch));
        return told;
    }

    public static string DrainLine(ISubscription subscription) => string.Join(" | ", Drain(subscription));

    public static SystemTime TimeOfNext(ISubscription subscription)
    {
        Assert.True(subscription.TryNext(out var batch));
        return batch.Time;
    }
}
