// Rename: a head under another key. Always true: both keys change at one instant, and the expiry goes along.

using Aevum.Core.Batches;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>RENAME and RENAMENX. Elements of a large structure lie behind its head's key, so they are written anew.</summary>
sealed class Rename(string name, bool onlyIfAbsent) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = 3,
        Flags = CommandFlags.Write | (onlyIfAbsent ? CommandFlags.Fast : CommandFlags.None),
        Keys = KeyPlaces.Two,
        Since = "1.0.0",
        Summary = onlyIfAbsent ? "Gives a key another name, if that holds nothing." : "Gives a key another name; what that held is gone.",
        Complexity = "O(1), or O(N) with N the elements of a large structure",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var (from, to) = (args[1].ToArray(), args[2].ToArray());
        if (!call.TryReadHead(from, out _, out _))
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }
        var isSame = from.AsSpan().SequenceEqual(to);
        if (onlyIfAbsent && (isSame || call.TryReadHead(to, out _, out _)))
        {
            call.Reply.Integer(0);
            return;
        }
        if (onlyIfAbsent) call.Reply.Integer(1);
        else call.Reply.Ok();
        if (isSame) return;
        Delete.TryDelete(call, to);
        Copy(call, from, to);
        Delete.TryDelete(call, from);
        call.Signal(from, "rename_from", NotificationClass.Generic);
        call.Signal(to, "rename_to", NotificationClass.Generic, isReady: true);
    }

    /// <summary>Writes what a key holds under another one, which holds nothing, with its expiry.</summary>
    public static void Copy(DataCall call, byte[] from, byte[] to)
    {
        if (!call.TryReadHead(from, out var head, out var row)) return;
        var (isLarge, incarnation, expiry) = (head.IsLarge, head.Incarnation, row.Expiry);
        var value = row.Bytes.ToArray();
        call.Writes.Put(call.HeadKey(to), value, expiry);
        if (!isLarge) return;
        var source = call.HeadKey(from).ToArray();
        var target = call.HeadKey(to).ToArray();
        var end = source.ToArray();
        StructureKey.WriteEndOf(source, end);
        var elements = new Collected(source.Length);
        call.Rows.Scan([.. source, .. BigEndian(incarnation)], end, elements);
        foreach (var (own, element, elementExpiry) in elements.Rows)
        {
            if (!own.AsSpan().StartsWith(BigEndian(incarnation))) continue;   // of an older one that is gone
            call.Writes.Put([.. target, .. own], element, elementExpiry);
        }
        if (expiry != default) Elements.PutDown(call, target, incarnation, expiry);
    }

    static byte[] BigEndian(ulong number)
    {
        var bytes = new byte[sizeof(ulong)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }

    sealed class Collected(int headLength) : IRowVisitor
    {
        public List<(byte[] Own, byte[] Value, Core.Time.SystemTime Expiry)> Rows { get; } = [];

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            Rows.Add((key[headLength..].ToArray(), value.Bytes.ToArray(), value.Expiry));
            return true;
        }
    }
}
