// ExpiryOptions: what may stand behind the value of SET, and behind the key of GETEX.

using Aevum.Core.Time;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

readonly struct ExpiryOptions
{
    /// <summary>None: none was given.</summary>
    public SystemTime Expiry { get; private init; }

    public bool KeepExpiry { get; private init; }

    public bool Persist { get; private init; }

    public bool OnlyIfAbsent { get; private init; }

    public bool OnlyIfThere { get; private init; }

    public bool Get { get; private init; }

    /// <summary>True if what the key holds matters.</summary>
    public bool NeedsOld => KeepExpiry || OnlyIfAbsent || OnlyIfThere || Get;

    /// <summary>Reads the options from an argument on.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, int from, string command, out ExpiryOptions options, bool isGetEx = false)
    {
        options = default;
        for (var i = from; i < args.Count; i++)
        {
            var hasTime = options.Expiry != SystemTime.None || options.KeepExpiry || options.Persist;
            if (!isGetEx && !options.OnlyIfThere && args.Is(i, "nx"u8)) options = options with { OnlyIfAbsent = true };
            else if (!isGetEx && !options.OnlyIfAbsent && args.Is(i, "xx"u8)) options = options with { OnlyIfThere = true };
            else if (!isGetEx && args.Is(i, "get"u8)) options = options with { Get = true };
            else if (!isGetEx && !hasTime && args.Is(i, "keepttl"u8)) options = options with { KeepExpiry = true };
            else if (isGetEx && !hasTime && args.Is(i, "persist"u8)) options = options with { Persist = true };
            else if (!hasTime && i + 1 < args.Count && UnitOf(args, i) is { } unit)
            {
                if (!TryTime(call, args[i + 1], unit.IsMilliseconds, unit.IsAbsolute, command, out var expiry)) return false;
                options = options with { Expiry = expiry };
                i++;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }
        return true;
    }

    static (bool IsMilliseconds, bool IsAbsolute)? UnitOf(CommandArguments args, int at) =>
        args.Is(at, "ex"u8) ? (false, false) : args.Is(at, "px"u8) ? (true, false) :
        args.Is(at, "exat"u8) ? (false, true) : args.Is(at, "pxat"u8) ? (true, true) : null;

    /// <summary>A time of an expiry that must be above zero.</summary>
    public static bool TryTime(DataCall call, ReadOnlySpan<byte> argument, bool isMilliseconds, bool isAbsolute, string command, out SystemTime expiry)
    {
        expiry = default;
        if (!call.TryInteger(argument, out var number)) return false;
        if (number > 0 && TryExpiry(call, number, isMilliseconds, isAbsolute, out expiry)) return true;
        call.Reply.Error($"ERR invalid expire time in '{command}' command");
        return false;
    }

    /// <summary>A moment given in seconds or milliseconds, since 1970 or from now. Those before 1970 are the first one; those behind the last system
    /// time there is (in the year 2255) are the last one.</summary>
    /// <returns>False: in milliseconds it is no number of 64 bits.</returns>
    public static bool TryExpiry(DataCall call, long number, bool isMilliseconds, bool isAbsolute, out SystemTime expiry)
    {
        expiry = default;
        if (!isMilliseconds && (number > long.MaxValue / 1000 || number < long.MinValue / 1000)) return false;
        var milliseconds = isMilliseconds ? number : number * 1000;
        if (!isAbsolute)
        {
            if (milliseconds > long.MaxValue - call.NowMilliseconds) return false;
            milliseconds += call.NowMilliseconds;
        }
        expiry = SystemTime.FromMicroseconds((ulong)Math.Clamp(milliseconds, 1, (long)(SystemTime.MicrosecondsMax / 1000)) * 1000);
        return true;
    }
}
