using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>FIELDS, a number, and as many fields: the end of commands about fields' expiries.</summary>
static class FieldArguments
{
    /// <param name="at">Where FIELDS must stand.</param>
    /// <param name="first">Where the first field stands; they go to the end.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, int at, out int first)
    {
        first = at + 2;
        if (first >= args.Count || !args.Is(at, "fields"u8))
        {
            call.Reply.Error("ERR Mandatory argument FIELDS is missing or not at the right position"u8);
            return false;
        }
        if (!Numbers.TryInteger(args[at + 1], out var count) || count < 1)
        {
            call.Reply.Error("ERR Parameter `numFields` should be greater than 0"u8);
            return false;
        }
        if (count == args.Count - first) return true;
        call.Reply.Error("ERR The `numfields` parameter must match the number of arguments"u8);
        return false;
    }
}
