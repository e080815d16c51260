// KeyScout: looks over a pipeline before it is done, for the keys that its requests will ask for.
//
// Each request begins with a lookup that waits for memory several times in a row (nodes of the tree, the record, its value). The requests of a
// pipeline lie side by side in the buffer, so their keys are known, and the waits of all of them can pass together. (Measured: this is worth more than
// all else that was tried on requests of a pipeline.)
//
// A scout only hints. It reads just what is needed to find keys, stops at whatever is not plain, and decides nothing: a SELECT in between, or
// a request that comes to nothing, makes it ask for what nobody reads.

using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed class KeyScout(RespServer server)
{
    const int RequestsMax = 32;
    const int KeysMax = 64;
    const int KeyBytesMax = 256;
    const int Passed = 16;

    readonly KeyList _keys = new();
    KeyspaceId _keyspace;

    /// <summary>Asks for the keys of the next requests.</summary>
    /// <param name="requests">There is nothing to gain before so many have been done.</param>
    public void Look(RespClient client, ReadOnlySpan<byte> bytes, out int requests)
    {
        _keys.Clear();
        var at = 0;
        requests = Passed;
        if (!server.Databases.TryIdOf(client.Database, out _keyspace)) return;   // nothing has used it yet
        for (requests = 0; requests < RequestsMax && _keys.Count < KeysMax; requests++)
        {
            if (!TryLookAtOne(bytes, ref at)) break;
            // A request without keys to look for is followed by others of its kind: looking at each would only cost.
            if (requests == 0 && _keys.Count == 0)
            {
                requests = Passed;
                return;
            }
        }
        if (_keys.Count > 1) Prefetch();
        requests = Math.Max(requests, 1);
    }

    // Of several shards each passes over what is not its own: a hint is not worth sorting keys for. By number: an enumerator would be an allocation.
    void Prefetch()
    {
        var shards = server.Database.Router.Shards;
        for (var i = 0; i < shards.Count; i++) shards[i].Prefetch(_keys.Packed);
    }

    // False: no plain request.
    bool TryLookAtOne(ReadOnlySpan<byte> bytes, ref int position)
    {
        var at = position;
        if (!TryReadLength(bytes, (byte)'*', ref at, out var count) || count == 0) return false;
        if (!TryReadBulk(bytes, ref at, out var name)) return false;
        var info = server.Commands.Find(name)?.Info;
        // What writes is a step of a batch, and the shard asks for all keys of a batch by itself.
        var keys = info is not null && info.Is(CommandFlags.ReadOnly) ? info.Keys : default;
        var last = keys.Last < 0 ? count + keys.Last : keys.Last;
        for (var i = 1; i < count; i++)
        {
            if (!TryReadBulk(bytes, ref at, out var argument)) return false;
            if (keys.First > 0 && i >= keys.First && i <= last && (i - keys.First) % keys.Step == 0) Add(argument);
        }
        position = at;
        return true;
    }

    static bool TryReadBulk(ReadOnlySpan<byte> bytes, ref int at, out ReadOnlySpan<byte> bulk)
    {
        bulk = default;
        if (!TryReadLength(bytes, (byte)'$', ref at, out var length) || bytes.Length - at < length + 2) return false;
        bulk = bytes.Slice(at, length);
        at += length + 2;
        return true;
    }

    static bool TryReadLength(ReadOnlySpan<byte> bytes, byte kind, ref int at, out int length)
    {
        length = 0;
        if (at >= bytes.Length || bytes[at] != kind) return false;
        var i = at + 1;
        for (; i < bytes.Length && i - at < 8; i++)
        {
            var digit = (uint)(bytes[i] - '0');
            if (digit > 9) break;
            length = (length * 10) + (int)digit;
        }
        at = i + 2;
        return at <= bytes.Length && bytes[i] == (byte)'\r';
    }

    void Add(ReadOnlySpan<byte> userKey)
    {
        if (_keys.Count == KeysMax || userKey.Length > KeyBytesMax) return;
        var target = _keys.Reserve(StructureKey.HeadBytesMax(userKey.Length));
        _keys.Take(StructureKey.WriteHead(target, _keyspace, userKey));
    }
}
