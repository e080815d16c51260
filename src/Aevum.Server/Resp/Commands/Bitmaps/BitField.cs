// BitField: BITFIELD and BITFIELD_RO: fields of a string read and changed, several in one request.
//
// A request is read whole before anything is done, so that one that is malformed changes nothing. What is written makes the string long enough
// for all of its fields at once, also where OVERFLOW FAIL then leaves a field as it was.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

sealed class BitField(string name, bool isReadOnly) : DataCommand
{
    enum Verb
    {
        Get,
        Set,
        Add,
    }

    readonly record struct Operation(Verb Verb, FieldType Type, FieldOverflow Overflow, long Offset, long Number);

    [ThreadStatic]
    static List<Operation>? t_operations;

    public override CommandInfo Info { get; } = new(name, CommandGroup.Bitmap)
    {
        Arity = -2,
        Flags = isReadOnly ? CommandFlags.ReadOnly | CommandFlags.Fast : CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = isReadOnly ? "6.0.0" : "3.2.0",
        Summary = isReadOnly
            ? "Reads numbers of any width at any bits of a string."
            : "Reads, sets and adds to numbers of any width at any bits of a string.",
        Complexity = "O(1) for each field that is read; O(N) with N the length of the whole string, which is written anew, if one is changed",
    };

    public override bool Writes(CommandArguments args)
    {
        if (isReadOnly) return false;
        for (var i = 2; i < args.Count; i++)
            if (args.Is(i, "set"u8) || args.Is(i, "incrby"u8)) return true;
        return false;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        var operations = t_operations ??= [];
        if (!TryRead(call, args, operations, out var lastWritten)) return;
        if (lastWritten >= 0 && isReadOnly)
        {
            call.Reply.Error("ERR BITFIELD_RO only supports the GET subcommand"u8);
            return;
        }
        var key = args[1];
        if (!call.TryExpect(key, StructureKind.String, out var exists, out var head, out var row)) return;
        var old = exists ? head.Rest : default;
        if (lastWritten < 0)
        {
            call.Reply.Array(operations.Count);
            foreach (var operation in operations)
                call.Reply.Integer(operation.Type.NumberOf(BitKernels.Field(old, operation.Offset, operation.Type.Width)));
            return;
        }
        if (!BitOffsets.TryReach(call, lastWritten)) return;
        var length = Math.Max(old.Length, (int)(lastWritten >> 3) + 1);
        var isChanged = length > old.Length;
        var draft = StringDraft.Begin(call, old, length);
        call.Reply.Array(operations.Count);
        foreach (var operation in operations) isChanged |= Do(call, draft, operation);
        if (!isChanged) return;
        StringDraft.Save(call, key, length, row.Expiry);
        call.Signal(key, "setbit", NotificationClass.String);
    }

    // True: the string is to be written, which a SET of what is there already does not ask for.
    static bool Do(DataCall call, Span<byte> bytes, in Operation operation)
    {
        var (type, offset) = (operation.Type, operation.Offset);
        var old = type.NumberOf(BitKernels.Field(bytes, offset, type.Width));
        if (operation.Verb == Verb.Get)
        {
            call.Reply.Integer(old);
            return false;
        }
        var wanted = operation.Verb == Verb.Set ? type.Given(operation.Number) : (Int128)old + operation.Number;
        if (!type.TryFit(wanted, operation.Overflow, out var number))
        {
            call.Reply.Null();
            return false;
        }
        BitKernels.SetField(bytes, offset, type.Width, (ulong)number);
        call.Reply.Integer(operation.Verb == Verb.Set ? old : number);
        return operation.Verb == Verb.Add || number != old;
    }

    /// <param name="lastWritten">The last bit that could be written; -1: none could.</param>
    static bool TryRead(DataCall call, CommandArguments args, List<Operation> operations, out long lastWritten)
    {
        operations.Clear();
        lastWritten = -1;
        var overflow = FieldOverflow.Wrap;
        for (var i = 2; i < args.Count;)
        {
            var rest = args.Count - i - 1;
            if (rest >= 1 && args.Is(i, "overflow"u8))
            {
                if (args.Is(i + 1, "wrap"u8)) overflow = FieldOverflow.Wrap;
                else if (args.Is(i + 1, "sat"u8)) overflow = FieldOverflow.Saturate;
                else if (args.Is(i + 1, "fail"u8)) overflow = FieldOverflow.Fail;
                else
                {
                    call.Reply.Error("ERR Invalid OVERFLOW type specified"u8);
                    return false;
                }
                i += 2;
                continue;
            }
            Verb verb;
            if (rest >= 2 && args.Is(i, "get"u8)) verb = Verb.Get;
            else if (rest >= 3 && args.Is(i, "set"u8)) verb = Verb.Set;
            else if (rest >= 3 && args.Is(i, "incrby"u8)) verb = Verb.Add;
            else
            {
                call.SyntaxError();
                return false;
            }
            if (!FieldType.TryRead(args[i + 1], out var type))
            {
                call.Reply.Error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."u8);
                return false;
            }
            if (!BitOffsets.TryRead(call, args[i + 2], type.Width, out var offset)) return false;
            long number = 0;
            if (verb != Verb.Get)
            {
                if (!call.TryInteger(args[i + 3], out number)) return false;
                lastWritten = Math.Max(lastWritten, offset + type.Width - 1);
            }
            operations.Add(new Operation(verb, type, overflow, offset, number));
            i += verb == Verb.Get ? 3 : 4;
        }
        return true;
    }
}
