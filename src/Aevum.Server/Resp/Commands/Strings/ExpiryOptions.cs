// ExpiryOptions: what may stand behind the value of SET, and behind the key of GETEX.

using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

readonly struct ExpiryOptions
{
    readonly int _timeAt;          // where the time stands; 0: none was given
    readonly bool _isMilliseconds;
    readonly bool _isAbsolute;

    ExpiryOptions(in ExpiryOptions others, int timeAt, (bool IsMilliseconds, bool IsAbsolute) unit)
    {
        this = others;
        _timeAt = timeAt;
        (_isMilliseconds, _isAbsolute) = unit;
    }

    public bool HasTime => _timeAt > 0;

    public bool KeepExpiry { get; private init; }

    public bool Persist { get; private init; }

    public bool OnlyIfAbsent { get; private init; }

    public bool OnlyIfThere { get; private init; }

    public bool Get { get; private init; }

    /// <summary>True if what the key holds matters.</summary>
    public bool NeedsOld => KeepExpiry || OnlyIfAbsent || OnlyIfThere || Get;

    /// <summary>Reads the options from an argument on: whether they go together, not yet whether the time is one.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, int from, out ExpiryOptions options, bool isGetEx = false)
    {
        options = default;
        for (var i = from; i < args.Count; i++)
        {
            if (!isGetEx && !options.OnlyIfThere && args.Is(i, "nx"u8)) options = options with { OnlyIfAbsent = true };
            else if (!isGetEx && !options.OnlyIfAbsent && args.Is(i, "xx"u8)) options = options with { OnlyIfThere = true };
            else if (!isGetEx && args.Is(i, "get"u8)) options = options with { Get = true };
            else if (!isGetEx && !options.HasTime && args.Is(i, "keepttl"u8)) options = options with { KeepExpiry = true };
            else if (isGetEx && !options.HasTime && args.Is(i, "persist"u8)) options = options with { Persist = true };
            else if (i + 1 < args.Count && UnitOf(args, i) is { } unit && options.AllowsTimeIn(unit)) options = new ExpiryOptions(options, ++i, unit);
            else
            {
                call.SyntaxError();
                return false;
            }
        }
        return true;
    }

    // A time may be said again, in the same words.
    bool AllowsTimeIn((bool IsMilliseconds, bool IsAbsolute) unit) =>
        !KeepExpiry && !Persist && (!HasTime || (_isMilliseconds, _isAbsolute) == unit);

    /// <summary>When what is written expires, as the options have it; None: they give no time.</summary>
    /// <returns>False: the time is none, and the reply says so.</returns>
    public bool TryExpiry(DataCall call, CommandArguments args, string command, out SystemTime expiry)
    {
        expiry = SystemTime.None;
        return !HasTime || TryTime(call, args[_timeAt], _isMilliseconds, _isAbsolute, command, out expiry);
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

    /// <summary>A moment given in seconds or milliseconds, since 1970 or from now. Those before 1970 are the first one.</summary>
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
        expiry = KeyExpiry.FromMilliseconds(milliseconds);
        return true;
    }
}
