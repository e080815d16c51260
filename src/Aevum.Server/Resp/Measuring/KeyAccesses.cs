// KeyAccesses: when keys were read last, for OBJECT IDLETIME. A write stands in the key's version; a read leaves nothing behind, so it is noted here: from
// the first time on that somebody asks for idle times, or touches a key, and not before, as nearly nobody ever does.
//
// A table of 64 Ki places by the key's hash, each the half of the hash that tells keys apart and a second. A key whose place another one has taken is idle
// since its last write: the answer is an estimate, as Redis' is, and never too short but for one key in four billion.
//
// Any thread, no lock: a place is one word.

using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Measuring;

sealed class KeyAccesses
{
    const int Places = 1 << 16;

    ulong[]? _places;

    /// <summary>True if reads are noted.</summary>
    public bool IsOn => Volatile.Read(ref _places) is not null;

    public void SwitchOn()
    {
        if (!IsOn) Interlocked.CompareExchange(ref _places, new ulong[Places], null);
    }

    // What looks at a key without using it.
    static bool IsLook(string name) => name is "ttl" or "pttl" or "expiretime" or "pexpiretime" or "type" or "exists" or "object" or "dump"
        or "memory|usage" or "watch";

    /// <summary>A request reads its keys.</summary>
    public void Note(KeyspaceId keyspace, RespCommand command, CommandArguments args, long second)
    {
        if (!command.Info.Is(CommandFlags.ReadOnly) || IsLook(command.Info.Name)) return;
        var keys = new List<int>();
        if (!command.FindKeys(args, keys)) return;
        foreach (var at in keys) Note(keyspace, args[at], second);
    }

    /// <param name="second">Of the clock by which system times are told.</param>
    public void Note(KeyspaceId keyspace, ReadOnlySpan<byte> key, long second)
    {
        if (Volatile.Read(ref _places) is not { } places) return;
        var hash = HashOf(keyspace, key);
        Volatile.Write(ref places[hash % Places], (hash & 0xFFFF_FFFF_0000_0000) | (uint)second);
    }

    /// <summary>The second in which a key was read last; 0: nobody knows.</summary>
    public long LastOf(KeyspaceId keyspace, ReadOnlySpan<byte> key)
    {
        if (Volatile.Read(ref _places) is not { } places) return 0;
        var hash = HashOf(keyspace, key);
        var place = Volatile.Read(ref places[hash % Places]);
        return (place ^ hash) >> 32 == 0 ? (uint)place : 0;
    }

    static ulong HashOf(KeyspaceId keyspace, ReadOnlySpan<byte> key) => KeyHash.Compute(key) ^ (keyspace.Value * 0x9E37_79B9_7F4A_7C15);
}
