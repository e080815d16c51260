// NetworkContract: what every network promises, once. Each implementation inherits these tests and says how it is made. This file: bytes,
// pauses, limits. The ends of connections stand in NetworkContract.Ends.cs, TLS in NetworkContract.Tls.cs.

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

public abstract partial class NetworkContract : IDisposable
{
    readonly ConcurrentQueue<Exception> _failures = new();
    readonly ConcurrentQueue<TestHandler> _handlers = new();
    readonly List<IPeer> _peers = [];
    INetwork? _network;

    protected abstract INetwork Create(NetworkOptions options);

    protected abstract IPeer Connect(INetwork network, IPEndPoint endpoint);

    /// <summary>Lets the world run until the condition holds.</summary>
    protected abstract void WaitUntil(Func<bool> condition);

    protected virtual void Close() { }

    INetwork Network => _network ??= Create(new NetworkOptions { Loops = 2, OnFailure = _failures.Enqueue });

    static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    public void Dispose()
    {
        foreach (var peer in _peers) peer.Dispose();
        _network?.Dispose();
        // Whatever the test was about: each handler was told of its end, once, and never wrongly.
        Assert.All(_handlers, h => Assert.Equal((1, 0), (h.Closed, h.Faults)));
        Close();
        GC.SuppressFinalize(this);
    }

    IListener Listen(Take take, ListenOptions? options = null) => Listen(c => new TestHandler(c, take), options);

    IListener Listen(Func<IChannel, TestHandler?> make, ListenOptions? options = null) => Network.Listen(AnyPort, channel =>
    {
        var handler = make(channel);
        if (handler is not null) _handlers.Enqueue(handler);
        return handler;
    }, options ?? new ListenOptions());

    IPeer Connect(IListener listener)
    {
        var peer = Connect(Network, listener.Endpoint);
        _peers.Add(peer);
        return peer;
    }

    TestHandler Handler(int number = 0)
    {
        WaitUntil(() => _handlers.Count > number);
        return _handlers.ElementAt(number);
    }

    static byte[] RandomLine(int length, ulong seed)
    {
        var bytes = new byte[length];
        new SeededRandom(seed).Fill(bytes);
        for (var i = 0; i < length; i++)
            if (bytes[i] == '\n') bytes[i] = 0;
        bytes[^1] = (byte)'\n';
        return bytes;
    }

    [Fact]
    public void What_is_sent_is_answered()
    {
        using var listener = Listen(TestHandler.Echo);
        var peer = Connect(listener);
        peer.Echo("hello");
        peer.Echo("");
        peer.Echo("again");
        Assert.Equal(1, listener.Connections);
        var channel = Handler().Channel;
        Assert.Equal(listener.Endpoint, channel.Local);
        Assert.NotEqual(0, channel.Remote.Port);
        Assert.Contains(channel.Loop, Network.Loops);
    }

    [Fact]
    public void A_pipeline_may_be_split_anywhere()
    {
        using var listener = Listen(TestHandler.Echo);
        var peer = Connect(listener);
        const string request = "a\nbcd\n\nefghijkl\nm\n";
        var expected = request.Replace("\n", "!\n");
        var sent = 0;
        for (var split = 1; split < request.Length; split++)
        {
            peer.Send(request[..split]);
            var before = sent + split;
            WaitUntil(() => _handlers.FirstOrDefault()?.Seen >= before);
            peer.Send(request[split..]);
            sent += request.Length;
            Assert.Equal(expected, peer.ReceiveText(expected.Length));
        }
    }

    [Fact]
    public void Bytes_may_come_one_at_a_time()
    {
        using var listener = Listen(TestHandler.Echo);
        var peer = Connect(listener);
        var text = string.Concat(Enumerable.Range(0, 40).Select(i => $"line {i}\n"));
        foreach (var c in text) peer.Send(c.ToString());
        var expected = text.Replace("\n", "!\n");
        Assert.Equal(expected, peer.ReceiveText(expected.Length));
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(70_000)]
    [InlineData(300_000)]
    [InlineData(5_000_000)]
    public void Requests_of_any_length_arrive_whole(int length)
    {
        var line = RandomLine(length, (ulong)length);
        var equal = 0;
        using var listener = Listen((handler, bytes) =>
        {
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                handler.Channel.Expect(length);
                return 0;
            }
            if (bytes[..(end + 1)].SequenceEqual(line)) equal++;
            handler.Write($"{equal}\n");
            return end + 1;
        });
        var peer = Connect(listener);
        for (var i = 1; i <= 3; i++)
        {
            peer.Send(line);
            Assert.Equal($"{i}\n", peer.ReceiveText(2));
        }
        // Expect: at most one call that finds too little, and one that finds everything.
        Assert.InRange(Handler().Calls, 3, 6);
    }

    [Fact]
    public void Long_and_short_requests_in_one_pipeline_keep_their_order()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) => handler.Write($"{line.Length}\n")));
        var peer = Connect(listener);
        var random = new SeededRandom(7);
        var request = new StringBuilder();
        var expected = new StringBuilder();
        for (var i = 0; i < 300; i++)
        {
            var length = random.OneIn(10) ? random.Next(200_000) : random.Next(50);
            request.Append('x', length).Append('\n');
            expected.Append(length).Append('\n');
        }
        peer.Send(request.ToString());
        Assert.Equal(expected.ToString(), peer.ReceiveText(expected.Length));
    }

    // Enough of them, and fast enough, that a loop may let their requests gather.
    [Fact]
    public void Each_of_a_crowd_that_asks_and_waits_is_answered()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) => handler.Write($"{line}!\n")));
        var crowd = Enumerable.Range(0, 64).Select(_ => Connect(listener)).ToArray();
        for (var round = 100; round < 200; round++)
        {
            for (var i = 0; i < crowd.Length; i++) crowd[i].Send($"{i} {round}\n");
            for (var i = 0; i < crowd.Length; i++)
            {
                var expected = $"{i} {round}!\n";
                Assert.Equal(expected, crowd[i].ReceiveText(expected.Length));
            }
        }
    }

    [Fact]
    public void A_request_above_the_limit_ends_its_connection()
    {
        using var listener = Listen(TestHandler.Echo, new ListenOptions { RequestMax = 100_000 });
        var peer = Connect(listener);
        peer.Echo(new string('x', 99_000));
        try
        {
            for (var i = 0; i < 100; i++) peer.Send(new string('x', 99_000));
        }
        catch (IOException)
        {
            // Cut off while sending.
        }
        peer.IsCutOff();
        WaitUntil(() => Handler().Closed == 1);
        Connect(listener).Echo("others live");
    }

    [Fact]
    public void A_slow_request_holds_back_those_behind_it()
    {
        // The oracle: replies stand in the order of the requests, whichever of them waits for another thread.
        var waiting = new ConcurrentQueue<(TestHandler Handler, string Line)>();
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            if (line[0] != 's')
            {
                handler.Write(line + "!\n");
                return;
            }
            handler.Channel.Pause();
            handler.Stop = true;
            waiting.Enqueue((handler, line));
        }));
        var random = new SeededRandom(3);
        var peers = Enumerable.Range(0, 4).Select(_ => Connect(listener)).ToArray();
        var sent = new StringBuilder[peers.Length];
        var slow = 0;
        for (var p = 0; p < peers.Length; p++)
        {
            sent[p] = new StringBuilder();
            for (var i = 0; i < 50; i++)
            {
                var isSlow = random.OneIn(4);
                if (isSlow) slow++;
                sent[p].Append(isSlow ? 's' : 'f').Append(i).Append('\n');
            }
            peers[p].Send(sent[p].ToString());
        }
        for (var i = 0; i < slow; i++)
        {
            WaitUntil(() => !waiting.IsEmpty);
            Assert.True(waiting.TryDequeue(out var next));
            next.Handler.Channel.Loop.Post(() =>
            {
                next.Handler.Write(next.Line + "!\n");
                next.Handler.Channel.Resume();
            });
        }
        for (var p = 0; p < peers.Length; p++)
        {
            var expected = sent[p].ToString().Replace("\n", "!\n");
            Assert.Equal(expected, peers[p].ReceiveText(expected.Length));
        }
    }

    [Fact]
    public void A_paused_channel_is_handed_nothing_until_it_resumes()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(line + "!\n");
            if (line != "pause") return;
            handler.Channel.Pause();
            handler.Stop = true;
        }));
        var peer = Connect(listener);
        peer.Send("pause\nbehind\n");
        Assert.Equal("pause!\n", peer.ReceiveText(7));
        var calls = Handler().Calls;
        peer.Send("more\n");
        // Another connection of the same loop is served meanwhile: enough turns for the paused one to be handed something, if it were.
        var others = Enumerable.Range(0, 4).Select(_ => Connect(listener)).ToArray();
        for (var i = 0; i < 20; i++)
            foreach (var other in others) other.Echo("x");
        Assert.Equal(calls, Handler().Calls);
        Handler().Channel.Loop.Post(Handler().Channel.Resume);
        Assert.Equal("behind!\nmore!\n", peer.ReceiveText(14));
    }

    [Fact]
    public void A_handler_may_do_enough_for_a_turn_and_go_on_in_the_next()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(line + "!\n");
            handler.Stop = true;
            handler.Channel.Resume();
        }));
        var peer = Connect(listener);
        var request = string.Concat(Enumerable.Range(0, 100).Select(i => $"{i}\n"));
        peer.Send(request);
        var expected = request.Replace("\n", "!\n");
        Assert.Equal(expected, peer.ReceiveText(expected.Length));
        Assert.True(Handler().Calls >= 100);
    }

    [Fact]
    public void Who_never_reads_is_not_read_from_either_and_gets_everything_in_the_end()
    {
        const int replyBytes = 100_000, requests = 400;
        long pendingMost = 0;
        var served = 0;
        var options = new ListenOptions { PendingPause = 256 << 10 };
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(new string(line[0], replyBytes - 1) + "\n");
            Interlocked.Increment(ref served);
            pendingMost = Math.Max(pendingMost, handler.Channel.Pending);
            handler.Stop = handler.Channel.IsFull;
        }), options);
        var peer = Connect(listener);
        var text = string.Concat(Enumerable.Range(0, requests).Select(i => (char)('a' + (i % 26)) + "\n"));
        peer.Send(text);
        var all = new StringBuilder();
        for (var i = 0; i < requests; i++)
        {
            var reply = peer.ReceiveText(replyBytes);
            Assert.Equal(replyBytes, reply.Length);
            Assert.Equal(replyBytes - 1, reply.AsSpan().Count(reply[0]));
            all.Append(reply[0]).Append('\n');
        }
        Assert.Equal(text, all.ToString());
        Assert.Equal(requests, served);
        Assert.InRange(pendingMost, replyBytes, options.PendingPause + replyBytes);
    }

    // A line is a length: so many bytes are answered in blocks, between two that are written.
    static Take InBlocks { get; } = TestHandler.EachLine((handler, line) =>
    {
        handler.Write("<");
        var blocks = new OutputBlocks();
        foreach (var piece in BlockBytes(int.Parse(line)).Chunk(100_003)) blocks.Append(piece);
        handler.Channel.Append(blocks);
        Assert.Equal(0, blocks.Length);
        handler.Write(">");
    });

    static byte[] BlockBytes(int length) => RandomLine(length + 1, (ulong)length)[..length];

    static string InBlocksReply(int length) => $"<{Encoding.Latin1.GetString(BlockBytes(length))}>";

    [Fact]
    public void Blocks_filled_elsewhere_are_sent_in_their_place()
    {
        using var listener = Listen(InBlocks);
        var peer = Connect(listener);
        foreach (var length in new[] { 0, 1, 5000, 131_048, 131_049, 3_000_000 })
        {
            peer.Send($"{length}\n{length / 2}\n");
            var expected = InBlocksReply(length) + InBlocksReply(length / 2);
            Assert.Equal(expected, peer.ReceiveText(expected.Length));
        }
    }

    [Fact]
    public void Blocks_for_who_has_gone_lead_nowhere()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Channel.Abort();
            var blocks = new OutputBlocks();
            blocks.Append(new byte[300_000]);
            handler.Channel.Append(blocks);
            Assert.Equal((0, 0), (blocks.Length, handler.Channel.Pending));
        }));
        var peer = Connect(listener);
        peer.Send("x\n");
        Assert.True(peer.IsCutOff());
    }

    [Fact]
    public void Who_lets_too_much_wait_is_cut_off()
    {
        using var listener = Listen(TestHandler.Echo, new ListenOptions { PendingMax = 1 << 20 });
        var peer = Connect(listener);
        peer.Echo("x");
        var handler = Handler();
        var pushed = 0;
        // More than any system's buffer, by and by.
        WaitUntil(() =>
        {
            if (pushed++ < 2000) handler.Channel.Loop.Post(() => handler.Write(new byte[50_000]));
            return handler.Closed == 1;
        });
        Connect(listener).Echo("others live");
    }

    [Fact]
    public void The_limit_of_what_may_wait_can_be_set_for_one_connection()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            if (line == "more") handler.Channel.PendingMax = 1L << 40;
            handler.Write(new byte[16 << 20]);
        }), new ListenOptions { PendingMax = 1000, TurnBytes = 1000 });
        var peer = Connect(listener);
        peer.Send("more\n");
        var received = 0;
        var target = new byte[1 << 20];
        while (received < 16 << 20) received += peer.Receive(target);
        Assert.Equal(16 << 20, received);
        var other = Connect(listener);
        other.Send("less\n");
        other.IsCutOff();
        WaitUntil(() => Handler(1).Closed == 1);
    }

    [Fact]
    public void What_handlers_of_a_turn_leave_to_its_end_is_sent_then()
    {
        // As a group commit does: the replies of a turn are written when the turn ends.
        var waiting = new ConcurrentDictionary<ILoop, List<Action>>();
        foreach (var loop in Network.Loops)
        {
            waiting[loop] = [];
            loop.TurnEnding += () =>
            {
                foreach (var write in waiting[loop]) write();
                waiting[loop].Clear();
            };
        }
        using var listener = Listen(TestHandler.EachLine((handler, line) => waiting[handler.Channel.Loop].Add(() => handler.Write(line + "!\n"))));
        var peers = Enumerable.Range(0, 8).Select(_ => Connect(listener)).ToArray();
        for (var i = 0; i < 10; i++)
        {
            foreach (var peer in peers) peer.Send($"{i}\n");
            foreach (var peer in peers) Assert.Equal($"{i}!\n", peer.ReceiveText(3));
        }
    }

    [Fact]
    public void What_is_posted_runs_on_the_loop_in_the_order_of_the_posts()
    {
        var loop = Network.Loops[0];
        var ran = new List<int>();
        var wrong = 0;
        var done = 0;
        for (var i = 0; i < 1000; i++)
        {
            var number = i;
            loop.Post(() =>
            {
                if (!loop.IsCurrent) wrong++;
                ran.Add(number);
                if (number % 100 == 0) loop.Post(() => Interlocked.Increment(ref done));
            });
        }
        WaitUntil(() => Volatile.Read(ref done) == 10);
        Assert.Equal(Enumerable.Range(0, 1000), ran);
        Assert.Equal(0, wrong);
        Assert.False(loop.IsCurrent);
    }

    [Fact]
    public void Timers_run_in_the_order_of_their_times_and_not_when_disposed_of()
    {
        var loop = Network.Loops[0];
        var ran = new ConcurrentQueue<string>();
        loop.Post(() =>
        {
            loop.After(TimeSpan.FromMilliseconds(30), () => ran.Enqueue("last"));
            var never = loop.After(TimeSpan.FromMilliseconds(5), () => ran.Enqueue("never"));
            loop.After(TimeSpan.FromMilliseconds(10), () => ran.Enqueue("first"));
            loop.After(TimeSpan.FromMilliseconds(10), () => ran.Enqueue("second"));
            loop.After(TimeSpan.Zero, () => ran.Enqueue("now"));
            for (var i = 0; i < 500; i++) loop.After(TimeSpan.FromHours(1), () => ran.Enqueue("never")).Dispose();
            never.Dispose();
        });
        WaitUntil(() => ran.Count == 4);
        Assert.Equal(["now", "first", "second", "last"], ran);
    }

    [Fact]
    public void What_an_action_throws_is_reported_and_the_loop_goes_on()
    {
        using var listener = Listen(TestHandler.Echo);
        foreach (var loop in Network.Loops)
        {
            loop.Post(() => throw new InvalidOperationException("posted"));
            loop.Post(() => loop.After(TimeSpan.Zero, () => throw new InvalidOperationException("timer")));
        }
        WaitUntil(() => _failures.Count == 4);
        Assert.Equal(2, _failures.Count(f => f.Message == "timer"));
        Connect(listener).Echo("x");
        Connect(listener).Echo("y");
    }

    [Fact]
    public void Collections_while_the_loops_sleep_harm_nothing()
    {
        using var listener = Listen(TestHandler.Echo);
        var peers = Enumerable.Range(0, 3).Select(_ => Connect(listener)).ToArray();
        for (var i = 0; i < 5; i++)
        {
            GC.Collect();
            foreach (var peer in peers) peer.Echo($"{i}");
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        }
    }

    [Fact]
    public void An_address_in_use_is_refused_and_free_again_when_the_listener_is_disposed()
    {
        var listener = Listen(TestHandler.Echo);
        var endpoint = listener.Endpoint;
        var peer = Connect(listener);
        peer.Echo("x");
        Assert.Equal(ErrorCode.InputOutput, Assert.Throws<AevumException>(() => Network.Listen(endpoint, _ => null, new ListenOptions())).Code);
        listener.Dispose();
        listener.Dispose();
        peer.Echo("connections stay");
        using var again = Network.Listen(endpoint, channel =>
        {
            var handler = new TestHandler(channel, TestHandler.Echo);
            _handlers.Enqueue(handler);
            return handler;
        }, new ListenOptions());
        Connect(again).Echo("y");
    }
}
