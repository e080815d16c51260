// Subscribing: how a subscription begins.
//
//   After(token)     each position is looked at: not beyond the end, the next one not let go of, and the batch there the one that the token means
//   Now, Snapshot    hold history ─> note where each stream stands ─> name a moment ─> wait until it is over ─> pass over what lies before it
//
// The moment is the clock's now, so whatever had been decided lies at or below it, and whatever is stamped later lies above. It is over on a shard
// when everything at or below is shown there (under `always` that is a sync). Then each stream is read from where it stood to the last batch at or
// below the moment: that batch is the snapshot's position. Several shards get the same moment, each a position of its own.

using System.Diagnostics.CodeAnalysis;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Streams;

/// <summary>What of a range lies in one shard.</summary>
readonly record struct ShardPart(LocalShard Shard, StreamRange Range);

static class Subscribing
{
    const int AttemptsMax = 10;

    /// <param name="parts">Of the range, in key order.</param>
    public static ISubscription Begin(ShardEnvironment environment, StreamRange range, IReadOnlyList<ShardPart> parts, StreamStart start)
    {
        if (environment.IsClosed) Throw.Closed("the database");
        if (start.Kind == StreamStartKind.After)
        {
            if (start.Token is null) Throw.Invalid("a subscription that goes on behind a token needs one");
            var after = parts.Select(part => Resume(part.Shard, start.Token)).ToArray();
            return Open(environment, range, [.. parts.Select((part, i) => new ShardFollower(part.Shard, part.Range, after[i]))], null);
        }
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return BeginNow(environment, range, parts, start.Kind == StreamStartKind.Snapshot);
            }
            catch (AevumException released) when (released.Code == ErrorCode.Compacted && attempt < AttemptsMax)
            {
                // A flush let go of the log between two lines of BeginNow. The next moment will do as well.
            }
        }
    }

    static LocalSubscription BeginNow(ShardEnvironment environment, StreamRange range, IReadOnlyList<ShardPart> parts, bool withRows)
    {
        var held = new TreeSnapshot[parts.Count];
        var followers = new ShardFollower[parts.Count];
        SnapshotScan? scan = null;
        try
        {
            // Held first, then named: what is held can be read at every later moment, too.
            for (var i = 0; i < held.Length; i++) held[i] = parts[i].Shard.Tree.OpenSnapshot();
            for (var i = 0; i < held.Length; i++) followers[i] = new(parts[i].Shard, parts[i].Range, BeforeLast(parts[i].Shard));
            var moment = environment.Clock.Now;
            foreach (var part in parts) part.Shard.RequireOver(moment);
            foreach (var follower in followers) follower.SkipThrough(moment);
            if (withRows) scan = new SnapshotScan(parts, held, moment);
        }
        finally
        {
            if (scan is null)
                foreach (var snapshot in held) snapshot?.Dispose();
        }
        return Open(environment, range, followers, scan);
    }

    // One batch earlier than where the stream stands, if there is one: SkipThrough passes over it and so learns its epoch.
    static StreamPosition BeforeLast(LocalShard shard)
    {
        var last = shard.Position;
        return new(shard.Id, last >= shard.LogStream.FirstPosition ? last - 1 : last);
    }

    static LocalSubscription Open(ShardEnvironment environment, StreamRange range, ShardFollower[] followers, SnapshotScan? scan)
    {
        try
        {
            return new LocalSubscription(environment, range, followers, scan);
        }
        catch
        {
            scan?.Dispose();
            foreach (var follower in followers) follower.Dispose();
            throw;
        }
    }

    static StreamPosition Resume(LocalShard shard, StreamToken token)
    {
        if (!token.TryGet(shard.Id, out var after))
            Throw.Invalid($"the token does not name shard {shard.Id}, which holds a part of the range");
        var stream = shard.LogStream;
        var last = stream.LastPosition;
        if (after.Position > last)
            Throw.Invalid($"the token stands at position {after.Position} of shard {shard.Id}, whose stream ends at {last}: the log was restored or cut");
        var first = stream.FirstPosition;
        if (after.Position + 1 < first) Compacted(shard, after.Position + 1);
        if (after.Epoch == 0) return after;
        // The batch that the token means or, where it was just let go of, the next one: of the same epoch, it follows the one that was meant.
        using var reader = stream.OpenReader(Math.Max(after.Position, first));
        try
        {
            if (!reader.MoveNext()) Compacted(shard, after.Position);
        }
        catch (AevumException released) when (released.Code == ErrorCode.Compacted)
        {
            Compacted(shard, after.Position + 1);
        }
        if (reader.Epoch == after.Epoch) return after;
        if (reader.Position != after.Position) Compacted(shard, after.Position);
        Throw.Invalid(
            $"the batch that the token means at position {after.Position} of shard {shard.Id} is not in its log: the log was restored or cut, and went on");
        return after;
    }

    [DoesNotReturn]
    static void Compacted(LocalShard shard, ulong position) => throw new AevumException(
        ErrorCode.Compacted, $"position {position} of shard {shard.Id} was let go of: the first one left is {shard.LogStream.FirstPosition}");
}
