// Restore: RESTORE and RESTORE-ASKING. Bytes that came from anywhere are read whole (Dumps/DumpReader: lengths, order, duplicates, checksum) before
// anything is written, so a dump that is wrong in its last byte changes nothing.
//
// Errors come in Redis' order: options, the key that is there without REPLACE, the time to live, version and checksum, what is inside. An object
// whose ABSTTL has passed is not written; the key it would have replaced goes.
//
// Always true: what is written replaces the key with all its elements; its expiry is the dump's and never the old key's.
//
// Not here: what DUMP writes (Dump, Dumps/DumpWriter); streams (Streams/StreamDump).

using System.Buffers.Binary;
using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Commands.Keys.Dumps;
using Aevum.Server.Resp.Commands.Streams;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>RESTORE and RESTORE-ASKING: an object from what DUMP answered, here or of Redis (<see cref="DumpReader"/>). IDLETIME and FREQ are taken and
/// forgotten: nothing is kept of how keys are used.</summary>
sealed class Restore(string name) : DataCommand
{
    const int FrequencyMax = 255;

    public override CommandInfo Info { get; } = new(name, name == "restore" ? CommandGroup.Generic : CommandGroup.Server)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Categories = ["dangerous", "keyspace"],
        Since = name == "restore" ? "2.6.0" : "3.0.0",
        Summary = "Gives a key what a dump holds.",
        Complexity = "O(N) with N the elements of the dump",
    };

    public override bool MayTakeSeveralCommits => true;

    // An object that is not there yet may be written beside as well as any other.
    public override WriteForecast Forecast(DataCall call, CommandArguments args) => WriteForecast.OfDump(args[3], args[1]);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryOptions(call, args, out var replaces, out var isAbsolute)) return;
        var key = args[1];
        var exists = call.TryReadHead(key, out _, out _);
        if (exists && !replaces)
        {
            call.Reply.Error("BUSYKEY Target key name already exists."u8);
            return;
        }
        if (!call.TryInteger(args[2], out var milliseconds)) return;
        if (milliseconds < 0)
        {
            call.Reply.Error("ERR Invalid TTL value, must be >= 0"u8);
            return;
        }
        if (!DumpReader.IsSound(args[3]))
        {
            call.Reply.Error("ERR DUMP payload version or checksum are wrong"u8);
            return;
        }
        var isStream = DumpReader.HoldsStream(args[3]);
        var stream = isStream ? DumpReader.ReadStream(args[3]) : null;
        var dumped = isStream ? null : DumpReader.Read(args[3]);
        if (dumped is null && stream is null)
        {
            call.Reply.Error("ERR Bad data format"u8);
            return;
        }
        var expiry = SystemTime.None;
        if (milliseconds > 0)
            expiry = KeyExpiry.FromMilliseconds(milliseconds + (isAbsolute ? 0 : Math.Min(call.NowMilliseconds, long.MaxValue - milliseconds)));
        call.Reply.Ok();
        if (expiry != SystemTime.None && expiry <= call.Now)
        {
            if (exists && Delete.TryDelete(call, key)) call.Signal(key, "del", NotificationClass.Generic);
            return;
        }
        if (stream is not null) StreamDump.Restore(call, key, stream, expiry);
        else Write(call, key, dumped!, expiry);
        call.Signal(key, "restore", NotificationClass.Generic, isReady: true);
    }

    static bool TryOptions(DataCall call, CommandArguments args, out bool replaces, out bool isAbsolute)
    {
        (replaces, isAbsolute) = (false, false);
        bool hasIdle = false, hasFrequency = false;
        for (var i = 4; i < args.Count; i++)
        {
            var hasValue = i + 1 < args.Count;
            if (args.Is(i, "replace"u8))
            {
                replaces = true;
            }
            else if (args.Is(i, "absttl"u8))
            {
                isAbsolute = true;
            }
            else if (hasValue && !hasFrequency && args.Is(i, "idletime"u8))
            {
                if (!call.TryInteger(args[++i], out var idle)) return false;
                hasIdle = true;
                if (idle >= 0) continue;
                call.Reply.Error("ERR Invalid IDLETIME value, must be >= 0"u8);
                return false;
            }
            else if (hasValue && !hasIdle && args.Is(i, "freq"u8))
            {
                if (!call.TryInteger(args[++i], out var frequency)) return false;
                hasFrequency = true;
                if (frequency is >= 0 and <= FrequencyMax) continue;
                call.Reply.Error("ERR Invalid FREQ value, must be >= 0 and <= 255"u8);
                return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }
        return true;
    }

    static void Write(DataCall call, ReadOnlySpan<byte> key, DumpedObject dumped, SystemTime expiry)
    {
        var entries = dumped.Entries;
        switch (dumped.Kind)
        {
            case StructureKind.String:
                call.ForgetElements(key);
                call.PutString(key, entries[0], expiry);
                return;
            case StructureKind.List:
                var list = call.Lists.Replace(key);
                list.Expiry = expiry;
                foreach (var value in entries) list.Push(isLeft: false, value);
                list.Save();
                return;
            case StructureKind.Hash:
                var hash = call.Hashes.Replace(key);
                hash.Expiry = expiry;
                for (var i = 0; i < entries.Count; i += 2) hash.PutNew(entries[i], entries[i + 1]);
                hash.Save();
                return;
            case StructureKind.Set:
                var set = call.Sets.Replace(key);
                set.Expiry = expiry;
                foreach (var member in entries) set.PutNew(member);
                set.Save();
                return;
            default:
                var sorted = call.SortedSets.Replace(key);
                sorted.Expiry = expiry;
                for (var i = 0; i < entries.Count; i += 2)
                    sorted.Change(entries[i], BinaryPrimitives.ReadDoubleLittleEndian(entries[i + 1]) + 0.0, exists: false, 0);
                sorted.Save();
                return;
        }
    }
}
