// PubSubCommands: SUBSCRIBE, UNSUBSCRIBE and their kin for patterns and shard channels; PUBLISH, SPUBLISH; PUBSUB. Without a cluster all shards are here,
// so a shard channel is a channel with a space of names of its own.
//
// What a subscription answers is a push like the messages: it comes even where a client has switched its replies off.

using Aevum.Server.Resp.Commands.Server;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.PubSub;

namespace Aevum.Server.Resp.Commands.PubSub;

static class PubSubCommands
{
    const CommandFlags Listening = CommandFlags.PubSub | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;
    const CommandFlags Telling = CommandFlags.PubSub | CommandFlags.Loading | CommandFlags.Stale;

    public static IEnumerable<RespCommand> Make() =>
    [
        new Subscribe("subscribe", ChannelKind.Channel, "2.0.0"), new Subscribe("psubscribe", ChannelKind.Pattern, "2.0.0"),
        new Subscribe("ssubscribe", ChannelKind.Shard, "7.0.0"), new Unsubscribe("unsubscribe", ChannelKind.Channel, "2.0.0"),
        new Unsubscribe("punsubscribe", ChannelKind.Pattern, "2.0.0"), new Unsubscribe("sunsubscribe", ChannelKind.Shard, "7.0.0"),
        new Publish("publish", ChannelKind.Channel, "2.0.0"), new Publish("spublish", ChannelKind.Shard, "7.0.0"), MakePubSub(),
    ];

    static SubcommandGroup MakePubSub() => new("pubsub", CommandGroup.PubSub, "2.8.0", "Tells who listens.",
        Verb("pubsub|channels", -2, "2.8.0", "Answers the channels that somebody listens to.", static (c, a, r) => Names(c, a, r, ChannelKind.Channel)),
        Verb("pubsub|shardchannels", -2, "7.0.0", "Answers the shard channels that somebody listens to.", static (c, a, r) => Names(c, a, r,
            ChannelKind.Shard)),
        Verb("pubsub|numsub", -2, "2.8.0", "Answers how many listen to channels.", static (c, a, r) => Counts(c, a, r, ChannelKind.Channel)),
        Verb("pubsub|shardnumsub", -2, "7.0.0", "Answers how many listen to shard channels.", static (c, a, r) => Counts(c, a, r, ChannelKind.Shard)),
        Verb("pubsub|numpat", 2, "2.8.0", "Answers how many patterns somebody listens to.",
            static (client, _, reply) => reply.Integer(client.Engine.Server.Channels.PatternCount)),
        new HelpVerb("pubsub|help", CommandGroup.PubSub, "6.2.0",
            "CHANNELS [<pattern>]", "    The channels that somebody listens to.",
            "NUMPAT", "    How many patterns somebody listens to.",
            "NUMSUB [<channel> ...]", "    How many listen to channels, patterns not counted.",
            "SHARDCHANNELS [<pattern>]", "    The shard channels that somebody listens to.",
            "SHARDNUMSUB [<channel> ...]", "    How many listen to shard channels."));

    static SessionVerb Verb(string name, int arity, string since, string summary, SessionAction run) =>
        ServerCommands.Verb(name, arity, Telling, since, summary, run, "O(N) with N the channels", CommandGroup.PubSub);

    static void Names(RespClient client, CommandArguments args, ReplyWriter reply, ChannelKind kind)
    {
        if (args.Count > 3)
        {
            reply.Error($"ERR unknown subcommand or wrong number of arguments for '{System.Text.Encoding.UTF8.GetString(args[1])}'. Try PUBSUB HELP.");
            return;
        }
        var names = client.Engine.Server.Channels.Names(kind, args.Count == 3 ? args[2].ToArray() : null);
        reply.Array(names.Count);
        foreach (var name in names) reply.Bulk(name);
    }

    static void Counts(RespClient client, CommandArguments args, ReplyWriter reply, ChannelKind kind)
    {
        reply.Array(2 * (args.Count - 2));
        for (var i = 2; i < args.Count; i++)
        {
            reply.Bulk(args[i]);
            reply.Integer(client.Engine.Server.Channels.CountOf(kind, args[i].ToArray()));
        }
    }

    sealed class Subscribe(string name, ChannelKind kind, string since) : SessionCommand
    {
        public override CommandInfo Info { get; } = new(name, CommandGroup.PubSub)
        {
            Arity = -2,
            Flags = Listening,
            Since = since,
            Summary = kind == ChannelKind.Pattern ? "Listens to all channels whose names match patterns." : "Listens to channels.",
            Complexity = "O(N) with N the names",
        };

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
        {
            for (var i = 1; i < args.Count; i++)
            {
                var one = args[i].ToArray();
                client.Engine.Channels.Add(client, kind, one);
                WriteCount(client, reply, Info.Name, one, kind);
            }
            client.SubscriptionsChanged();
        }
    }

    sealed class Unsubscribe(string name, ChannelKind kind, string since) : SessionCommand
    {
        public override CommandInfo Info { get; } = new(name, CommandGroup.PubSub)
        {
            Arity = -1,
            Flags = Listening,
            Since = since,
            Summary = kind == ChannelKind.Pattern ? "Listens to patterns no longer." : "Listens to channels no longer.",
            Complexity = "O(N) with N the names",
        };

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
        {
            if (args.Count > 1)
            {
                for (var i = 1; i < args.Count; i++) End(client, args[i].ToArray(), reply);
            }
            else
            {
                var all = client.Subscriptions?.Of(kind).ToArray() ?? [];
                foreach (var one in all) End(client, one, reply);
                if (all.Length == 0) WriteCount(client, reply, Info.Name, null, kind);
            }
            client.SubscriptionsChanged();
        }

        void End(RespClient client, byte[] one, ReplyWriter reply)
        {
            client.Engine.Channels.Remove(client, kind, one);
            WriteCount(client, reply, Info.Name, one, kind);
        }
    }

    static void WriteCount(RespClient client, ReplyWriter reply, string what, byte[]? name, ChannelKind kind)
    {
        reply.IsPush = true;
        reply.Push(3);
        reply.Bulk(what);
        if (name is null) reply.Null();
        else reply.Bulk(name);
        reply.Integer(kind == ChannelKind.Shard ? client.Subscriptions?.ShardCount ?? 0 : client.Subscriptions?.Count ?? 0);
    }

    sealed class Publish(string name, ChannelKind kind, string since) : SessionCommand
    {
        public override CommandInfo Info { get; } = new(name, CommandGroup.PubSub)
        {
            Arity = 3,
            Flags = CommandFlags.PubSub | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.Fast,
            Since = since,
            Summary = "Sends a message to all who listen to a channel; answers how many.",
            Complexity = "O(N+M) with N those who listen and M the patterns",
        };

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply) =>
            reply.Integer(client.Engine.Server.Channels.Publish(client.Engine, kind, args[1], args[2]));
    }
}
