// SessionRun, feeds: ranges followed while clients write. When nothing is under way a feed must have given, of each shard, exactly what the model says
// was committed there, in order. After a restart it goes on behind its token; where that cannot be (compacted, lagging, the log was cut by a power
// cut), it begins anew with a snapshot, which must be the model's state at the snapshot's moment.

using System.Globalization;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Simulation.Engine;
using Aevum.Simulation.Storage;

namespace Aevum.Simulation.Sessions;

sealed partial class SessionRun
{
    readonly List<Feed> _feeds;
    bool _logMayBeCut;     // a power cut took something since tokens were taken

    Feed NewFeed(int number)
    {
        var all = new Place(Place.Default, "");
        return Random.Next(4) switch
        {
            0 => new(number, all.Full, new Place(Place.Keyspaces, "").Full),
            1 => new(number, new Place(Place.Default, "b").Full, new Place(Place.Default, "m").Full),
            2 => new(number, new Place(Place.Default, "f").Full, new Place(Place.Brief, "g").Full),
            _ => new(number, all.Full, new Place(Place.Brief, "").Full),
        };
    }

    async Task FollowFeeds(SeededRandom random)
    {
        for (var i = random.Next(6); i > 0 && !Stops; i--)
        {
            var feed = _feeds[random.Next(_feeds.Count)];
            Take(feed, random.Next(1, 10));
            if (random.OneIn(4)) SaveToken(feed);
            if (random.OneIn(20)) Cut(feed);
            if (random.OneIn(2)) await Scheduler.Yield();
            else await Scheduler.Delay(TimeSpan.FromMilliseconds(random.Next(1, 10)));
        }
    }

    // Lets go of a feed that is well, to go on with its token at once.
    void Cut(Feed feed)
    {
        if (feed.Token is null || feed.Subscription is null) return;
        feed.Subscription.Dispose();
        feed.Subscription = null;
        Begin(feed);
    }

    void ResumeFeeds()
    {
        foreach (var feed in _feeds) Begin(feed);
        // A feed that trouble kept from going on will come with its old token later.
        if (_feeds.TrueForAll(feed => feed.Subscription is not null)) _logMayBeCut = false;
    }

    void Begin(Feed feed)
    {
        feed.Received.Clear();
        feed.Rows.Clear();
        feed.SnapshotMoment = null;
        if (feed.Token is not null)
        {
            try
            {
                feed.Subscription = Router.Subscribe(feed.Range, StreamStart.After(StreamToken.Parse(feed.Token)));
                feed.Given = new(feed.TokenGiven);
                Count("feeds resumed");
                return;
            }
            catch (AevumException refusal) when (refusal.Code == ErrorCode.Compacted || (refusal.Code == ErrorCode.InvalidArgument && _logMayBeCut))
            {
                Count($"feeds not resumed: {refusal.Code}");
                feed.Token = null;
            }
            catch (AevumException failure) when (IsOfTrouble(failure))
            {
                return;
            }
        }
        try
        {
            feed.Subscription = Router.Subscribe(feed.Range, StreamStart.Snapshot);
            Count("feeds begun with a snapshot");
        }
        catch (AevumException failure) when (IsOfTrouble(failure))
        {
            if (failure.Code is ErrorCode.OutcomeUnknown or ErrorCode.Closed) LogFailed = true;
        }
    }

    /// <returns>False if nothing is at hand.</returns>
    bool Take(Feed feed, int most)
    {
        try
        {
            for (; most > 0; most--)
            {
                if (feed.Subscription is null || !feed.Subscription.TryNext(out var batch)) return false;
                switch (batch.Kind)
                {
                    case AppliedKind.SnapshotRow:
                        foreach (var effect in batch)
                            feed.Rows.Add(Show(Place.Of(effect.Key.ToArray()), effect.Value.ToArray(), batch.Time.Value));
                        break;
                    case AppliedKind.SnapshotEnd:
                        feed.SnapshotMoment = batch.Time.Value;
                        feed.Given = Enumerable.Range(1, _boundaries.Length + 1).ToDictionary(s => (uint)s, _ => feed.SnapshotMoment.Value);
                        break;
                    default:
                        var effects = new List<string>();
                        foreach (var effect in batch)
                            effects.Add(BatchModel.Show(new(effect.Kind, effect.Key.ToArray(), effect.Value.ToArray(), effect.Expiry.Value)));
                        Require(effects.Count > 0, $"feed {feed.Number} gave a batch of nothing");
                        var given = feed.GivenOf(batch.Shard);
                        Require(batch.Time.Value > given, $"feed {feed.Number} gave {batch.Time.Value} of shard {batch.Shard} behind {given}");
                        feed.Received.Add((batch.Shard, batch.Time.Value, Feed.TextOf(effects)));
                        Count("batches followed");
                        break;
                }
            }
            return true;
        }
        catch (AevumException late) when (late.Code == ErrorCode.Lagging)
        {
            Count("feeds that lagged");
            feed.Subscription!.Dispose();
            feed.Subscription = null;
            feed.Token = null;
            Begin(feed);
            return true;
        }
        catch (AevumException failure) when (IsOfTrouble(failure))
        {
            return false;
        }
    }

    void SaveToken(Feed feed)
    {
        if (feed.Subscription is not { IsInSnapshot: false } subscription) return;
        feed.Token = subscription.Token.ToString();
        feed.TokenGiven = Enumerable.Range(1, _boundaries.Length + 1).ToDictionary(s => (uint)s, s => feed.GivenOf((uint)s));
    }

    void CloseFeeds()
    {
        _logMayBeCut |= PowerWasCut || Files.Successor is not null;
        foreach (var feed in _feeds)
        {
            feed.Subscription?.Dispose();
            feed.Subscription = null;
        }
    }

    // ---------------------------------------------------------------------------------------- against the model

    void CheckFeeds()
    {
        if (Stops || Failing != Fault.None) return;
        foreach (var feed in _feeds)
        {
            if (feed.Subscription is null) Begin(feed);
            CheckFeed(feed);
        }
    }

    void CheckFeed(Feed feed)
    {
        Drain(feed);
        if (Stops || feed.Subscription is null) return;
        if (feed.SnapshotMoment is { } moment)
        {
            var rows = _model.Scan(feed.Start, feed.End, moment, moment).Select(r => Show(Place.Of(r.Key), r.Found.Value, r.Found.Version)).ToArray();
            Require(feed.Rows.SequenceEqual(rows),
                $"feed {feed.Number} began at {moment} with\n{string.Join('\n', feed.Rows)}\n    and should have with\n{string.Join('\n', rows)}");
            feed.SnapshotMoment = null;
            feed.Rows.Clear();
            Count("snapshots of feeds compared");
        }
        for (uint shard = 1; shard <= _boundaries.Length + 1; shard++)
        {
            var told = feed.Received.Where(r => r.Shard == shard).Select(r => $"{r.Time}: {r.Effects}").ToArray();
            var should = _model.Commits.Where(c => c.Time > feed.Given.GetValueOrDefault(shard))
                .Select(c => (c.Time, Text: feed.Expect(c, ShardIndexOf, shard))).Where(c => c.Text is not null)
                .Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Time}: {c.Text}")).ToArray();
            Require(told.SequenceEqual(should), $"feed {feed.Number} gave of shard {shard} behind {feed.Given.GetValueOrDefault(shard)}\n{
                string.Join('\n', told)}\n    and should have given\n{string.Join('\n', should)}");
            feed.Given[shard] = Math.Max(feed.Given.GetValueOrDefault(shard), _model.GreatestTime);
        }
        feed.Received.Clear();
        Count("feeds compared");
        if (Random.OneIn(3)) SaveToken(feed);
    }

    // Nothing is under way, so what is left comes in the order of its times, whichever shard it is of.
    void Drain(Feed feed)
    {
        ulong last = 0;
        while (!Stops && feed.Subscription is not null)
        {
            var before = feed.Received.Count;
            if (Take(feed, 1))
            {
                if (feed.Received.Count == 0 || feed.Received.Count <= before) continue;
                var time = feed.Received[^1].Time;
                Require(time >= last, $"feed {feed.Number} gave {time} behind {last}, and nothing was under way");
                last = time;
                continue;
            }
            try
            {
                if (feed.Subscription is null || !feed.Subscription.Wait(TimeSpan.Zero)) return;
            }
            catch (AevumException failure) when (IsOfTrouble(failure))
            {
                return;
            }
        }
    }
}
