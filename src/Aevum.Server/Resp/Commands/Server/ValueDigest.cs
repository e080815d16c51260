// ValueDigest: one number for what a key holds, or for everything: equal where the contents are equal, whatever the order of fields and members, and
// however they are kept. From what the commands that read a whole value answer, so it sees what clients see. Forty letters, as clients expect: the
// front of SHA-256.

using System.Security.Cryptography;
using System.Text;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Keys;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class ValueDigest
{
    const int DigestBytes = 20;

    /// <summary>In hexadecimal letters; all zeros: nothing is there.</summary>
    public static string Of(RespClient client, KeyspaceId keyspace, byte[] key) => Convert.ToHexStringLower(BytesOf(client, keyspace, key));

    public static string OfAll(RespClient client)
    {
        var all = new byte[DigestBytes];
        var databases = client.Engine.Databases;
        for (var i = 0; i < databases.Count; i++)
        {
            var keys = new List<byte[]>();
            var keyspace = databases.IdOf(i);
            HeadWalk.Run(client.Engine.BeginReading(client, new ReplyWriter(), keyspace).Rows, keyspace, default, (key, _, _) =>
            {
                keys.Add(key.ToArray());
                return true;
            });
            foreach (var key in keys) Mix(all, Sum([(byte)i, .. key, .. BytesOf(client, keyspace, key)]));
        }
        return Convert.ToHexStringLower(all);
    }

    static byte[] BytesOf(RespClient client, KeyspaceId keyspace, byte[] key)
    {
        var digest = new byte[DigestBytes];
        var call = client.Engine.BeginReading(client, new ReplyWriter(), keyspace);
        if (!call.TryReadHead(key, out var head, out var row)) return digest;
        var (kind, expires) = (head.Kind, row.Expiry != SystemTime.None);
        var answer = kind switch
        {
            StructureKind.String => Ask(client, keyspace, "get"u8.ToArray(), key),
            StructureKind.Hash => Ask(client, keyspace, "hgetall"u8.ToArray(), key),
            StructureKind.Set => Ask(client, keyspace, "smembers"u8.ToArray(), key),
            StructureKind.List => Ask(client, keyspace, "lrange"u8.ToArray(), key, "0"u8.ToArray(), "-1"u8.ToArray()),
            StructureKind.SortedSet => Ask(client, keyspace, "zrange"u8.ToArray(), key, "0"u8.ToArray(), "-1"u8.ToArray(), "withscores"u8.ToArray()),
            _ => Ask(client, keyspace, "xrange"u8.ToArray(), key, "-"u8.ToArray(), "+"u8.ToArray()),
        };
        Mix(digest, Sum([(byte)kind, expires ? (byte)1 : (byte)0]));
        if (kind is StructureKind.Hash or StructureKind.Set)
        {
            foreach (var element in Elements(answer, kind == StructureKind.Hash ? 2 : 1)) Mix(digest, Sum(element));
            return digest;
        }
        Mix(digest, Sum(answer));
        return digest;
    }

    /// <summary>What a command that reads answers to the server itself.</summary>
    public static byte[] Ask(RespClient client, KeyspaceId keyspace, params byte[][] words)
    {
        var request = new OwnRequest(words);
        if (client.Engine.Server.Commands.Find(request.Arguments)?.Data is not { } command) return Encoding.ASCII.GetBytes("there is no such command");
        var reply = new ReplyWriter();
        command.Run(client.Engine.BeginReading(client, reply, keyspace), request.Arguments);
        return reply.Written.ToArray();
    }

    // The bulk strings of an array, so many to an element.
    static IEnumerable<byte[]> Elements(byte[] answer, int each)
    {
        var at = Array.IndexOf(answer, (byte)'\n') + 1;
        var element = new List<byte>();
        for (var i = 0; at < answer.Length; i++)
        {
            var end = Array.IndexOf(answer, (byte)'\n', at);
            var length = int.Parse(Encoding.ASCII.GetString(answer, at + 1, end - at - 2), System.Globalization.CultureInfo.InvariantCulture);
            element.AddRange(answer.AsSpan(at, end - at + 1 + length));
            at = end + 1 + length + 2;
            if ((i + 1) % each != 0) continue;
            yield return [.. element];
            element.Clear();
        }
    }

    static byte[] Sum(byte[] bytes) => SHA256.HashData(bytes)[..DigestBytes];

    static void Mix(byte[] digest, byte[] other)
    {
        for (var i = 0; i < digest.Length; i++) digest[i] ^= other[i];
    }
}
