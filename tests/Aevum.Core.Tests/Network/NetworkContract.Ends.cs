// NetworkContract, how connections end: closed, cut off, refused, half-closed, broken.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Network;

public abstract partial class NetworkContract
{
    [Fact]
    public void Closing_sends_what_waits_first()
    {
        const int bytes = 6_000_000;
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(RandomLine(bytes, 5));
            handler.Channel.Close();
            handler.Channel.Close();
        }));
        var peer = Connect(listener);
        // What comes behind is never looked at, and must not cost us the reply.
        peer.Send("give\n" + new string('x', 30_000));
        Assert.Equal(RandomLine(bytes, 5), peer.ReceiveToEnd());
        peer.Dispose();
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
        Assert.Equal(1, Handler().Calls);
    }

    [Fact]
    public void Who_does_not_fetch_what_waits_is_cut_off_after_a_while()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(new byte[30_000_000]);
            handler.Channel.Close();
        }), new ListenOptions { CloseMax = TimeSpan.FromMilliseconds(20) });
        Connect(listener).Send("give\n");
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
    }

    [Fact]
    public void Who_has_everything_and_does_not_end_its_side_lingers()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(Encoding.ASCII.GetBytes("bye"));
            handler.Channel.Close();
        }), new ListenOptions { CloseMax = TimeSpan.FromHours(1) });
        var peer = Connect(listener);
        Assert.Equal(0, listener.Lingering);
        peer.Send("x\n");
        WaitUntil(() => listener.Lingering == 1);
        Assert.Equal((1, "bye"), (listener.Connections, peer.ReceiveTextToEnd()));
        peer.Dispose();
        WaitUntil(() => listener.Connections == 0);
        Assert.Equal(0, listener.Lingering);
    }

    [Fact]
    public void Who_does_not_end_its_side_is_not_waited_for_for_ever()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) => handler.Channel.Close()),
            new ListenOptions { CloseMax = TimeSpan.FromMilliseconds(20) });
        var peer = Connect(listener);
        peer.Send("x\n");
        Assert.Equal("", peer.ReceiveTextToEnd());
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
    }

    [Fact]
    public void Aborting_ends_at_once_and_what_is_written_afterwards_leads_nowhere()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Channel.Abort();
            handler.Write("never seen");
            handler.Channel.Abort();
            handler.Channel.Close();
            handler.Channel.Resume();
            handler.Channel.Pause();
        }));
        var peer = Connect(listener);
        peer.Send("x\ny\nz");
        Assert.True(peer.IsCutOff());
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
        Assert.Equal(0, Handler().Channel.Pending);
        var handler = Handler();
        handler.Channel.Loop.Post(() => handler.Write("nor this"));
        Connect(listener).Send("others live\n");
        Handler(1);
    }

    [Fact]
    public void A_large_request_may_be_aborted_while_it_is_looked_at()
    {
        // The handler looks at memory of the connection, which must not be freed below it.
        using var listener = Listen((handler, bytes) =>
        {
            if (bytes.Length < 200_000) return 0;
            handler.Channel.Abort();
            return bytes.Count((byte)'x') == bytes.Length ? bytes.Length : throw new InvalidOperationException("the bytes changed");
        });
        for (var i = 0; i < 5; i++)
        {
            var peer = Connect(listener);
            try
            {
                peer.Send(new string('x', 250_000));
            }
            catch (IOException)
            {
                // Cut off while sending.
            }
            peer.IsCutOff();
        }
        WaitUntil(() => listener.Connections == 0);
        Assert.Empty(_failures);
    }

    [Fact]
    public void What_a_handler_throws_ends_its_connection_alone()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            if (line == "throw") throw new InvalidOperationException("thrown");
            handler.Write(line + "!\n");
        }));
        var (bad, good) = (Connect(listener), Connect(listener));
        good.Echo("x");
        bad.Send("throw\n");
        Assert.True(bad.IsCutOff());
        WaitUntil(() => !_failures.IsEmpty);
        Assert.Equal("thrown", Assert.Single(_failures).Message);
        good.Echo("y");
    }

    [Fact]
    public void A_handler_that_took_more_than_there_was_is_found_out()
    {
        using var listener = Listen((_, bytes) => bytes.Length + 1);
        var peer = Connect(listener);
        peer.Send("x");
        Assert.True(peer.IsCutOff());
        WaitUntil(() => _failures.Count == 1);
    }

    [Fact]
    public void A_connection_that_nobody_wants_is_closed()
    {
        using var listener = Listen(_ => null);
        using var throwing = Listen(_ => throw new InvalidOperationException("not today"));
        Assert.Equal("", Connect(listener).ReceiveTextToEnd());
        Connect(throwing).IsCutOff();
        WaitUntil(() => _failures.Count == 1);
    }

    [Fact]
    public void Connections_above_the_limit_are_refused_until_others_have_ended()
    {
        using var listener = Listen(TestHandler.Echo, new ListenOptions { ConnectionsMax = 3, Refuse = "too many\n"u8.ToArray() });
        var peers = Enumerable.Range(0, 3).Select(_ => Connect(listener)).ToArray();
        foreach (var peer in peers) peer.Echo("x");
        var refused = Connect(listener);
        Assert.Equal("too many\n", refused.ReceiveTextToEnd());
        refused.Dispose();
        peers[1].Dispose();
        WaitUntil(() => listener.Connections == 2);
        Connect(listener).Echo("y");
        Assert.Equal(4, _handlers.Count);
    }

    [Fact]
    public void The_end_of_one_direction_is_answered_in_the_other()
    {
        using var listener = Listen(TestHandler.Echo);
        var peer = Connect(listener);
        peer.Send("a\nb\nnot whole");
        peer.EndSending();
        Assert.Equal("a!\nb!\n", peer.ReceiveTextToEnd());
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
        Assert.Equal(1, Handler().InputEnded);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(64)]
    public void What_takes_several_turns_to_receive_is_answered_to_its_end(int length)
    {
        // In one piece, with the end right behind it: whatever the system says of it, it says once.
        using var listener = Listen(c => new TestHandler(c, TestHandler.Echo), new ListenOptions { TurnBytes = 8 });
        var line = new string('x', length - 1) + "\n";
        for (var lines = 1; lines <= 4; lines++)
        {
            var peer = Connect(listener);
            peer.Send(string.Concat(Enumerable.Repeat(line, lines)));
            peer.EndSending();
            Assert.Equal(string.Concat(Enumerable.Repeat(line.Replace("\n", "!\n"), lines)), peer.ReceiveTextToEnd());
        }
        WaitUntil(() => listener.Connections == 0);
    }

    [Fact]
    public void Who_pauses_with_something_unread_reads_it_when_it_resumes()
    {
        using var listener = Listen(c => new TestHandler(c, TestHandler.EachLine((handler, line) =>
        {
            handler.Write(line + "!\n");
            if (line != "wait") return;
            handler.Channel.Pause();
            handler.Stop = true;
        })), new ListenOptions { TurnBytes = 5 });
        var peer = Connect(listener);
        for (var round = 0; round < 20; round++)
        {
            peer.Send("wait\nabcdefghij\nend\n");
            Assert.Equal("wait!\n", peer.ReceiveText(6));
            var handler = Handler();
            // Sometimes the loop has looked at what it does not want meanwhile, sometimes not.
            if (round % 2 == 0) Connect(listener).Echo("somebody else");
            handler.Channel.Loop.Post(() =>
            {
                handler.Stop = false;
                handler.Channel.Resume();
            });
            Assert.Equal("abcdefghij!\nend!\n", peer.ReceiveText(17));
        }
    }

    [Fact]
    public void The_end_of_one_direction_waits_for_a_slow_request()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Write(line + "!\n");
            if (line != "slow") return;
            handler.Channel.Pause();
            handler.Stop = true;
        }));
        var peer = Connect(listener);
        peer.Send("slow\nbehind\n");
        peer.EndSending();
        // Told though it is paused: whoever waits for something may give up.
        WaitUntil(() => Handler().InputEnded == 1);
        Assert.Equal("slow!\n", peer.ReceiveText(6));
        Assert.Equal(0, Handler().Closed);
        var handler = Handler();
        handler.Channel.Loop.Post(() =>
        {
            handler.Write("done\n");
            handler.Channel.Resume();
        });
        Assert.Equal("done\nbehind!\n", peer.ReceiveTextToEnd());
        WaitUntil(() => Handler().Closed == 1);
        Assert.Equal(1, Handler().InputEnded);
    }

    [Fact]
    public void A_handler_that_pauses_at_the_end_keeps_the_connection()
    {
        using var listener = Listen(c => new TestHandler(c, TestHandler.Echo) { WhenInputEnded = h => h.Channel.Pause() });
        var peer = Connect(listener);
        peer.Send("x\n");
        peer.EndSending();
        WaitUntil(() => Handler().InputEnded == 1);
        var handler = Handler();
        handler.Channel.Loop.Post(() => handler.Write("still there\n"));
        Assert.Equal("x!\nstill there\n", peer.ReceiveText(15));
        handler.Channel.Loop.Post(handler.Channel.Resume);
        Assert.Equal("", peer.ReceiveTextToEnd());
    }

    [Fact]
    public void A_reset_is_noticed_even_by_who_is_paused()
    {
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Channel.Pause();
            handler.Stop = true;
            handler.Write("paused\n");
        }));
        var peer = Connect(listener);
        peer.Send("x\n");
        Assert.Equal("paused\n", peer.ReceiveText(7));
        peer.Abort();
        WaitUntil(() => Handler().Closed == 1 && listener.Connections == 0);
    }

    [Fact]
    public void Many_connections_come_and_go_and_none_hears_of_another()
    {
        // Descriptors and slots are used again and again; an event of an old connection must not reach the new one.
        using var listener = Listen(TestHandler.EachLine((handler, line) =>
        {
            handler.Lines.Add(line);
            handler.Write(line + "!\n");
        }));
        var random = new SeededRandom(11);
        var open = new List<(IPeer Peer, string Name)>();
        for (var i = 0; i < 400; i++)
        {
            if (open.Count < 10 || random.OneIn(2))
            {
                open.Add((Connect(listener), $"peer {i}"));
                if (random.OneIn(2)) open[^1].Peer.Echo(open[^1].Name);
                continue;
            }
            var at = random.Next(open.Count);
            var (peer, name) = open[at];
            open.RemoveAt(at);
            switch (random.Next(4))
            {
                case 0:
                    peer.Echo(name);
                    peer.Dispose();
                    break;
                case 1:
                    peer.Abort();
                    break;
                case 2:
                    peer.Send(name + "\n" + name);
                    peer.Dispose();
                    break;
                default:
                    peer.Send(name + "\n");
                    peer.EndSending();
                    Assert.Equal(name + "!\n", peer.ReceiveTextToEnd());
                    peer.Dispose();
                    break;
            }
        }
        foreach (var (peer, name) in open) peer.Echo(name);
        foreach (var (peer, _) in open) peer.Dispose();
        WaitUntil(() => listener.Connections == 0);
        Assert.All(_handlers, h => Assert.True(h.Lines.Distinct().Count() <= 1));
    }

    [Fact]
    public void Who_is_told_of_an_end_may_speak_to_others()
    {
        TestHandler? stays = null;
        using var listener = Listen(c => new TestHandler(c, TestHandler.Echo)
        {
            WhenClosed = h => stays!.Channel.Loop.Post(() => stays.Write("one has gone\n")),
        });
        var peer = Connect(listener);
        peer.Echo("x");
        stays = Handler();
        var other = Connect(listener);
        other.Echo("y");
        other.Dispose();
        Assert.Equal("one has gone\n", peer.ReceiveText(13));
    }

    [Fact]
    public void Disposing_the_network_ends_everything_and_tells_everybody()
    {
        var listener = Listen(TestHandler.Echo);
        var peers = Enumerable.Range(0, 5).Select(_ => Connect(listener)).ToArray();
        foreach (var peer in peers) peer.Echo("x");
        Exception? refused = null;
        var tried = 0;
        Network.Loops[0].Post(() =>
        {
            refused = Record.Exception(Network.Dispose);
            Volatile.Write(ref tried, 1);
        });
        WaitUntil(() => Volatile.Read(ref tried) == 1);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.IsType<AevumException>(refused).Code);
        Network.Dispose();
        Network.Dispose();
        Assert.All(_handlers, h => Assert.Equal(1, h.Closed));
        Assert.All(peers, p => Assert.True(p.IsCutOff()));
        Assert.Equal(0, listener.Connections);
        var ran = false;
        Network.Loops[0].Post(() => ran = true);
        Assert.False(ran);
        listener.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => Network.Listen(AnyPort, _ => null, new ListenOptions())).Code);
    }
}
