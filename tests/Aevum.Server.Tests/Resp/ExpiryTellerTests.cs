using System.Text;
using Aevum.Core.Scheduling;

namespace Aevum.Server.Tests.Resp;

/// <summary>What is told as expired has expired, and once: not what was deleted or overwritten before, however late, and in whatever order, two loops say what
/// they have done. Commits are decided at once and told of when their loop goes on.</summary>
public sealed class ExpiryTellerTests
{
    static readonly string[] s_requests = ["SET k v PX 5", "SET k v PX 5", "SET k v", "SET k v PX 500", "DEL k", "DEL k", "PERSIST k", "PEXPIRE k 5",
        "APPEND k x"];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_is_told_as_expired_has_expired(int seed)
    {
        for (var round = 0; round < 10; round++) Run(new SeededRandom((ulong)((100 * seed) + round)));
    }

    static void Run(SeededRandom random)
    {
        using var world = new RespWorld(new DatabaseOptions { Sync = "always" });
        TestLoop[] loops = [world.Loop, world.AddLoop()];
        TestChannel[] clients = [world.Connect(loops[0]), world.Connect(loops[1])];
        var listener = world.Connect(loops[1]);
        world.Ask("CONFIG SET notify-keyspace-events Ex");
        listener.Ask("SUBSCRIBE __keyevent@0__:expired");
        listener.Take();
        var model = new Model();
        var what = new StringBuilder();
        for (var i = random.Next(2, 6); i > 0; i--)
        {
            var loop = random.Next(2);
            var request = s_requests[random.Next(s_requests.Length)];
            what.Append(request).Append(" on ").Append(loop).Append("; ");
            clients[loop].Receive(Encoding.ASCII.GetBytes(request + "\r\n"));
            loops[loop].EndTurn();
            model.Do(request);
            var milliseconds = random.Next(4) switch { 0 => 3, 1 => 20, _ => 0 };
            world.Scheduler.RunFor(TimeSpan.FromMilliseconds(milliseconds));   // durable, and nobody has been told
            model.Pass(milliseconds);
            what.Append(milliseconds).Append(" ms; ");
            if (!random.OneIn(3)) continue;
            loop = random.Next(2);
            what.Append("told by ").Append(loop).Append("; ");
            loops[loop].RunPosted();
        }
        foreach (var loop in random.OneIn(2) ? loops : [loops[1], loops[0]])
        {
            var milliseconds = random.OneIn(2) ? 20 : 0;
            what.Append("told by ").Append(Array.IndexOf(loops, loop)).Append("; ").Append(milliseconds).Append(" ms; ");
            loop.RunPosted();
            world.Scheduler.RunFor(TimeSpan.FromMilliseconds(milliseconds));
            model.Pass(milliseconds);
        }
        world.Settle();
        world.Pass(TimeSpan.FromSeconds(2));
        model.Pass(2000);
        var told = ReplyText.Of(listener.Take());
        Assert.True(model.Expired == told.Split("expired, k]").Length - 1, $"{what}expired {model.Expired} times, and was told: {told}");
    }

    [Theory]
    [InlineData("DEL k")]
    [InlineData("FLUSHALL")]
    [InlineData("SET k w")]
    public void What_was_deleted_long_ago_is_not_told_when_nothing_is_left_of_it(string request)
    {
        using var world = new RespWorld();
        var listener = world.Connect();
        world.Ask("CONFIG SET notify-keyspace-events Ex");
        listener.Ask("SUBSCRIBE __keyevent@0__:expired");
        listener.Take();
        world.Ask("SET k v PX 5000");
        world.Database.Flush();
        world.Ask(request);
        for (var i = 0; i < 8; i++)
        {
            world.Ask($"SET other{i} v");
            world.Ask($"SET a{i} v");
            world.Ask($"SET z{i} v");
            world.Database.Flush();
            world.Scheduler.RunUntilIdle();   // compactions
        }
        var head = new Aevum.Server.Resp.Commands.KeyBuffer().HeadOf(world.Server.Databases.IdOf(0), "k"u8);
        var isKnown = world.Database.Router.Shards[0].TryFindLeft(head, world.Database.Clock.Now, out var expiry);
        Assert.Equal(request == "SET k w", isKnown);
        Assert.Equal(default, expiry);
        world.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal("", ReplyText.Of(listener.Take()));
    }

    sealed class Model
    {
        long _now, _expiry;
        bool _exists;

        public int Expired { get; private set; }

        public void Do(string request)
        {
            var words = request.Split(' ');
            if (words[0] is "SET" or "PEXPIRE" && (_exists || words[0] == "SET")) _expiry = words.Length == 3 ? words[0] == "SET" ? 0 : _now + 5 : At(words);
            if (words[0] == "PERSIST") _expiry = 0;
            if (words[0] == "APPEND" && !_exists) _expiry = 0;
            if (words[0] is "SET" or "APPEND") _exists = true;
            if (words[0] == "DEL") _exists = false;
        }

        long At(string[] words) => _now + (words.Length > 4 ? int.Parse(words[4], null) : 5);

        public void Pass(int milliseconds)
        {
            _now += milliseconds;
            if (!_exists || _expiry == 0 || _expiry > _now) return;
            _exists = false;
            Expired++;
        }
    }
}
