// Batches of steps that read, write, delete and fail, held against a dictionary that is copied before every step.

using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Engine.Tests.Sequencing;

public sealed class DeciderModelTests
{
    const int Keys = 6;

    static string Name(int key) => "k" + key;

    // A row of small orders: r(ead) a key, p(ut), with an e(xpiry), d(elete), D(elete a range), f(ail).
    sealed class Script(Dictionary<string, string> state, List<string> wrong) : IProcedure
    {
        public string Name => "test.script";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            var before = new Dictionary<string, string>(state);
            foreach (var order in Encoding.ASCII.GetString(argument).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var (name, value) = (order[1..3], order[3..]);
                var row = EngineWorld.Key(name);
                switch (order[0])
                {
                    case 'r':
                        var found = context.TryRead(row, out var read) ? Encoding.ASCII.GetString(read.Bytes) : null;
                        if (found != state.GetValueOrDefault(name)) wrong.Add($"{order} found {found}, not {state.GetValueOrDefault(name)}");
                        break;
                    case 'p':
                        context.Put(row, Encoding.ASCII.GetBytes(value));
                        state[name] = value;
                        break;
                    case 'e':
                        context.Put(row, Encoding.ASCII.GetBytes(value), new SystemTime(SystemTime.Max.Value - 1));
                        state[name] = value;
                        break;
                    case 'd':
                        context.Delete(row);
                        state.Remove(name);
                        break;
                    case 'D':
                        context.DeleteRange(row, EngineWorld.Key("k" + value));
                        foreach (var gone in state.Keys.Where(k => string.CompareOrdinal(k, name) >= 0 && string.CompareOrdinal(k, "k" + value) < 0).ToArray())
                            state.Remove(gone);
                        break;
                    case 'f':
                        state.Clear();
                        foreach (var (k, v) in before) state[k] = v;
                        throw new AevumException(ErrorCode.InvalidArgument, "the script says so");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Batches_leave_what_their_steps_one_by_one_would(ulong seed)
    {
        using var world = new EngineWorld(seed);
        var random = new SeededRandom(seed);
        var state = new Dictionary<string, string>();
        var wrong = new List<string>();
        var script = new Script(state, wrong);
        for (var round = 0; round < 60; round++)
        {
            var before = new Dictionary<string, string>(state);
            var allOrNothing = random.OneIn(3);
            var batch = world.Commit(b =>
            {
                b.Policy = allOrNothing ? CommitPolicy.AllOrNothing : CommitPolicy.EachForItself;
                for (var i = random.Next(1, 12); i > 0; i--) b.Call(script, EngineWorld.Key("k0"), EngineWorld.Bytes(Orders(random)));
            });
            if (batch.Status == CommitStatus.Refused)
            {
                state.Clear();
                foreach (var (key, value) in before) state[key] = value;
            }
            Assert.Empty(wrong);
            Assert.Equal(string.Join(' ', state.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + "=" + p.Value)), world.Scan());
        }
    }

    [Fact]
    public void A_row_that_every_step_reads_first_and_writes_last_is_written_once()
    {
        using var world = new EngineWorld(1);
        var state = new Dictionary<string, string>();
        var wrong = new List<string>();
        var script = new Script(state, wrong);
        world.Put("k0", "p0");
        state["k0"] = "p0";
        using var stream = world.Shards.Subscribe(StreamRange.Of(EngineWorld.Default), StreamStart.Now);
        world.Commit(b =>
        {
            for (var i = 0; i < 5; i++) b.Call(script, EngineWorld.Key("k0"), EngineWorld.Bytes($"rk0 rk{i + 1} pk{i + 1}x pk0p{i}"));
        });
        Assert.Empty(wrong);
        Assert.True(stream.TryNext(out var applied));
        Assert.Equal(5 + 1, applied.Count);
        Assert.Equal("k0=p4 k1=x k2=x k3=x k4=x k5=x", world.Scan());
    }

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 25).Select(s => (ulong)s)];

    // Values are of few lengths, so that one often fits where the one before it stood.
    static string Orders(SeededRandom random)
    {
        var orders = new List<string>();
        for (var i = random.Next(1, 8); i > 0; i--)
        {
            var key = Name(random.Next(Keys));
            var value = random.Next(10_000).ToString("D4", null)[..(2 + random.Next(2))];
            orders.Add(random.Next(10) switch
            {
                0 => "d" + key,
                1 when random.OneIn(3) => "D" + key + random.Next(Keys),
                2 => "e" + key + value,
                < 5 => "r" + key,
                5 => "p" + key + value,   // perhaps read some orders ago: an object's head is
                _ => "r" + key + " p" + key + value,
            });
        }
        if (random.OneIn(8)) orders.Add("f" + Name(0));
        return string.Join(' ', orders);
    }
}
