// NetworkSimulationTests: whole conversations on virtual time, from seeds. The oracle is the transcript: the answers to each client are its
// requests in their order, however they were split, delayed, held back by slow requests, or cut short by the client.

using System.Net;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

public sealed class NetworkSimulationTests
{
    sealed record Outcome(ulong TraceHash, int Answers, int CutShort);

    static Outcome Run(ulong seed)
    {
        using var world = new SimulatedScheduler(seed, new SimulationOptions { StepsMax = 1_000_000 });
        var random = world.CreateRandom("conversation");
        var memory = new MemoryNetworkOptions
        {
            Window = random.OneIn(2) ? 300 : 64 << 10,
            SplitOneIn = random.Next(4),
            DelayMax = random.OneIn(3) ? TimeSpan.Zero : TimeSpan.FromMilliseconds(5),
        };
        var options = new ListenOptions { PendingPause = random.OneIn(2) ? 100 : 256 << 10, TurnBytes = random.OneIn(2) ? 50 : 64 << 10 };
        using var network = new MemoryNetwork(world, new NetworkOptions { Loops = 1 + random.Next(3) }, memory);
        var handlers = new List<TestHandler>();
        using var listener = network.Listen(new IPEndPoint(IPAddress.Loopback, 0), channel =>
        {
            var handler = new TestHandler(channel, TestHandler.EachLine((handler, line) => Answer(world, handler, line)));
            handlers.Add(handler);
            return handler;
        }, options);
        var (answers, cutShort) = (0, 0);
        var clients = Enumerable.Range(0, 1 + random.Next(6)).Select(c => world.Start($"client {c}", WorkClass.Background, async token =>
        {
            var own = world.CreateRandom($"client {c}");
            await world.Delay(TimeSpan.FromMilliseconds(own.Next(20)), token);
            using var client = network.Connect(listener.Endpoint);
            var requests = new StringBuilder();
            for (var i = own.Next(40); i >= 0; i--)
                requests.Append(own.OneIn(5) ? 's' : 'f').Append('x', own.OneIn(8) ? own.Next(3000) : own.Next(20)).Append('\n');
            var all = Encoding.Latin1.GetBytes(requests.ToString());
            var leavesEarly = own.OneIn(5);
            var writer = world.Start($"writer {c}", WorkClass.Background, async stop =>
            {
                var sent = 0;
                while (sent < all.Length)
                {
                    var piece = Math.Min(all.Length - sent, 1 + own.Next(500));
                    client.Send(all.AsSpan(sent, piece));
                    sent += piece;
                    if (own.OneIn(3)) await world.Delay(TimeSpan.FromMilliseconds(own.Next(5)), stop);
                }
                client.EndSending();
            });
            var received = new MemoryStream();
            var target = new byte[700];
            try
            {
                while (client.Receive(target.AsSpan(0, 1 + own.Next(target.Length))) is > 0 and var count)
                {
                    received.Write(target, 0, count);
                    if (own.OneIn(10)) await world.Delay(TimeSpan.FromMilliseconds(own.Next(30)), token);
                    if (leavesEarly && own.OneIn(5))
                    {
                        client.Abort();
                        break;
                    }
                }
            }
            catch (AevumException) when (leavesEarly)
            {
                // It left.
            }
            await writer.WaitAsync();
            var expected = requests.ToString();
            var text = Encoding.Latin1.GetString(received.ToArray());
            if (leavesEarly)
            {
                cutShort++;
                if (!expected.StartsWith(text, StringComparison.Ordinal)) throw new InvalidOperationException("answers out of order");
            }
            else if (text != expected)
            {
                throw new InvalidOperationException($"{text.Length} bytes of answers where {expected.Length} were due");
            }
            answers += text.Count(b => b == '\n');
        })).ToArray();
        foreach (var client in clients)
        {
            client.Wait();
            Assert.Null(client.Failure);
        }
        world.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal(0, listener.Connections);
        Assert.All(handlers, h => Assert.Equal((1, 0), (h.Closed, h.Faults)));
        return new Outcome(world.TraceHash, answers, cutShort);
    }

    static void Answer(IScheduler world, TestHandler handler, string line)
    {
        if (!line.StartsWith('s'))
        {
            handler.Write(line + "\n");
            handler.Stop = handler.Channel.IsFull;
            return;
        }
        handler.Channel.Pause();
        handler.Stop = true;
        world.Start("a slow request", WorkClass.Background, async token =>
        {
            await world.Delay(TimeSpan.FromMilliseconds(line.Length % 7), token);
            handler.Channel.Loop.Post(() =>
            {
                handler.Write(line + "\n");
                handler.Channel.Resume();
            });
        });
    }

    [Fact]
    public void Conversations_of_any_seed_come_out_right()
    {
        var (answers, cutShort) = (0, 0);
        for (ulong seed = 1; seed <= 60; seed++)
        {
            try
            {
                var outcome = Run(seed);
                answers += outcome.Answers;
                cutShort += outcome.CutShort;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }
        // Else the test would have looked at nothing.
        Assert.True(answers > 1000 && cutShort > 5, $"{answers} answers, {cutShort} cut short");
    }

    [Fact]
    public void The_same_seed_gives_the_same_conversation()
    {
        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5).TraceHash, Run(6).TraceHash);
    }
}
