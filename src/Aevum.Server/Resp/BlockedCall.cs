using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

/// <summary>A request that found nothing and waits until one of its keys gets something, or its time is over.</summary>
sealed class BlockedCall
{
    int _readyAt;

    BlockedCall(RespClient client, KnownCommand command, byte[] packed, KeyspaceId keyspace, byte[][] keys)
    {
        Client = client;
        Command = command;
        Packed = packed;
        Keyspace = keyspace;
        Keys = keys;
    }

    public RespClient Client { get; }

    public KnownCommand Command { get; }

    /// <summary>The request, as a step's argument. Read and written on the loop of its client alone.</summary>
    public byte[] Packed { get; private set; }

    /// <summary>True if it is to run again whatever happens to its keys, not only when they get something.</summary>
    public bool WaitsForLoss => ((IBlockingCommand)Command.Data!).WaitsForLoss;

    /// <summary>Where it waits. Changed by whichever loop swaps databases, within <see cref="KeyWaiters"/>.</summary>
    public KeyspaceId Keyspace { get; private set; }

    /// <summary>What it waits for.</summary>
    public byte[][] Keys { get; }

    /// <summary>Ends the wait at its time; null: it waits for ever.</summary>
    public IDisposable? Timer { get; set; }

    /// <summary>True while it is run again and what came of it may not be told yet.</summary>
    public bool IsUnderWay { get; set; }

    /// <summary>True if something happened to its keys meanwhile.</summary>
    public bool HasMissed { get; set; }

    /// <summary>How the wait ends if what is under way brings nothing; null: it goes on.</summary>
    public (bool WithTimeout, byte[] Error)? End { get; set; }

    /// <summary>Its database has become another keyspace. The request hears of it when it is sent the next time: its own loop may be doing so.</summary>
    public void MoveTo(KeyspaceId keyspace) => Keyspace = keyspace;

    /// <summary>Sends the request where it waits.</summary>
    /// <returns>Where that is: it may be elsewhere at once.</returns>
    public KeyspaceId Address()
    {
        var keyspace = Keyspace;
        CommandProcedure.MoveTo(Packed, keyspace);
        return keyspace;
    }

    /// <summary>Begins to wait.</summary>
    /// <param name="kept">What the request wants to know when it runs again.</param>
    public void Begin(ReadOnlySpan<byte> kept) => Packed = CommandProcedure.Waiting(Packed, kept, out _readyAt);

    /// <summary>Says which key it is that something happened to; null: it is not known.</summary>
    public void SetReady(byte[]? key) =>
        CommandProcedure.SetReady(Packed, _readyAt, key is null ? -1 : Array.FindIndex(Keys, k => k.AsSpan().SequenceEqual(key)));

    public static BlockedCall Of(RespClient client, KnownCommand command, CommandArguments args, KeyspaceId keyspace, List<int> keys)
    {
        byte[] packed = [];
        _ = CommandProcedure.Pack(ref packed, keyspace, client.Version, mayBlock: true, step: 0, args, client.Engine.Chances.NextUInt64());
        var named = new byte[keys.Count][];
        for (var i = 0; i < named.Length; i++) named[i] = args[keys[i]].ToArray();
        return new BlockedCall(client, command, packed, keyspace, named);
    }
}
