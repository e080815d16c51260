using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Core.Tests.Network;

/// <summary>Clients that each wait for their reply, think, and ask again; a loop that takes turns as the real one does. All in virtual time.</summary>
public sealed class CoalescingTests
{
    static readonly TimeSpan s_longest = TimeSpan.FromMicroseconds(100);

    sealed record Clients(int Count, double Think)
    {
        /// <summary>Microseconds: what a turn takes, and each request in it.</summary>
        public double Turn { get; init; } = 2;
        public double Request { get; init; } = 5;

        /// <summary>Where they share a core: what it takes to answer a reply with the next request, and each time that replies come to it.</summary>
        public double Core { get; init; }
        public double Wake { get; init; }
    }

    sealed record Outcome(int Requests, int Turns, double Microseconds, double Paused, double LongestPause)
    {
        public double Rate => Requests / Microseconds;
    }

    sealed class Clock : TimeProvider
    {
        public double Now { get; set; }

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => (long)(Now * 1000);
    }

    static Outcome Run(Clients clients, bool coalesces, int requests, ulong seed, Clients? later = null)
    {
        var random = new SeededRandom(seed);
        var clock = new Clock();
        var policy = coalesces ? new Coalescing(clock, s_longest) : null;
        var asks = new PriorityQueue<int, double>();
        var heardIn = new uint[Math.Max(clients.Count, later?.Count ?? 0)];
        for (var i = 0; i < clients.Count; i++) asks.Enqueue(i, clients.Think * random.NextDouble());
        var (served, turns, paused, longest, coreFree) = (0, 0, 0.0, 0.0, 0.0);
        var taken = new List<int>();
        while (served < requests)
        {
            if (later is not null && served >= requests / 2)
            {
                (clients, later) = (later, null);
                asks.Clear();
                for (var i = 0; i < clients.Count; i++) asks.Enqueue(i, clock.Now + (clients.Think * random.NextDouble()));
                (paused, longest) = (0, 0);
            }
            var pause = (policy?.Next(taken.Count) ?? TimeSpan.Zero).TotalMicroseconds;
            clock.Now += pause;
            paused += pause;
            longest = Math.Max(longest, pause);
            asks.TryPeek(out _, out var first);
            clock.Now = Math.Max(clock.Now, first);
            taken.Clear();
            while (asks.TryPeek(out var client, out var at) && at <= clock.Now)
            {
                asks.Dequeue();
                taken.Add(client);
                policy?.Count(ref heardIn[client]);
            }
            clock.Now += clients.Turn + (taken.Count * clients.Request);
            coreFree = Math.Max(coreFree, clock.Now) + clients.Wake;
            foreach (var client in taken)
            {
                coreFree += clients.Core;
                asks.Enqueue(client, clients.Core > 0 ? coreFree : clock.Now + (clients.Think * (0.5 + random.NextDouble())));
            }
            served += taken.Count;
            turns++;
        }
        return new Outcome(served, turns, clock.Now, paused, longest);
    }

    // Where clients are served by one core of their own, as benchmarks are, what they wait for is that core: a pause costs nothing, and what it gathers is
    // cheaper for them, too.
    [Fact]
    public void Requests_of_many_clients_are_answered_together()
    {
        var clients = new Clients(50, 10) { Core = 8, Wake = 4 };
        var (with, without) = (Run(clients, true, 200_000, 1), Run(clients, false, 200_000, 1));
        Assert.True(with.Turns * 2 < without.Turns, $"{with.Turns} turns, {without.Turns} without");
        Assert.True(with.Rate > without.Rate, $"{with.Rate} requests a microsecond, {without.Rate} without");
        Assert.InRange(with.LongestPause, 8, s_longest.TotalMicroseconds);
    }

    // One that is alone, a few that wait for each other, many of whom each speaks seldom, and so many that the loop never finds less than a full turn.
    [Theory]
    [InlineData(1, 10)]
    [InlineData(8, 40)]
    [InlineData(Coalescing.ConnectionsLeast - 1, 100)]
    [InlineData(1000, 100_000)]
    [InlineData(64, 1)]
    public void Nobody_is_held_up_where_nothing_gathers(int count, double think) =>
        Assert.Equal(0, Run(new Clients(count, think), true, 50_000, 2).Paused);

    [Fact]
    public void Who_is_left_alone_is_soon_held_up_no_more()
    {
        var after = Run(new Clients(50, 10) { Core = 8, Wake = 4 }, true, 40_000, 3, later: new Clients(1, 20));
        Assert.True(after.LongestPause > 0);      // the windows that others began: this one, and the next by what they did in this one
        Assert.True(after.Paused <= 2 * 20.5 * s_longest.TotalMicroseconds, $"{after.Paused} us");
    }

    // Whoever only waits for replies, and however long: he is asked a few times, and then left in peace.
    [Theory]
    [Seeds(60)]
    public void Nobody_loses_more_than_a_twentieth_of_his_rate(ulong seed)
    {
        var random = new SeededRandom(seed);
        var clients = new Clients(1 + random.Next(400), Math.Pow(10, 4 * random.NextDouble()))
        {
            Turn = 5 * random.NextDouble(),
            Request = 0.1 + (10 * random.NextDouble()),
        };
        var (with, without) = (Run(clients, true, 200_000, seed), Run(clients, false, 200_000, seed));
        Assert.True(with.Rate > without.Rate * 0.95, $"{clients}: {with} beside {without}");
        Assert.InRange(with.LongestPause, 0, s_longest.TotalMicroseconds);
    }
}
