// AclCheck: whether a user may do a request. Asked only of users that may not do everything.

using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Access;

enum AclDenial
{
    None,
    Command,
    Key,
    Channel,
}

static class AclCheck
{
    /// <summary>Looks whether one of the user's selectors allows a request.</summary>
    /// <param name="what">What is denied: the command's name, or the key or channel.</param>
    public static AclDenial Find(AclUser user, KnownCommand command, CommandArguments args, out byte[] what)
    {
        what = [];
        var keys = KeysOf(command, args);
        var denial = AclDenial.Command;
        foreach (var selector in user.Selectors)
        {
            var one = Find(selector, command, args, keys, out var denied);
            if (one == AclDenial.None) return AclDenial.None;
            // What came nearest to being allowed is what is told.
            if (one < denial || (one == denial && what.Length > 0)) continue;
            (denial, what) = (one, denied);
        }
        return denial;
    }

    static AclDenial Find(AclSelector selector, KnownCommand command, CommandArguments args, List<(int At, KeyRights Rights)> keys, out byte[] what)
    {
        what = Encoding.ASCII.GetBytes(command.Info.Name);
        if (!command.Info.Is(CommandFlags.NoAuth) && !selector.AllowsCommand(command.Number)) return AclDenial.Command;
        foreach (var (at, rights) in keys)
        {
            if (selector.AllowsKey(args[at], rights)) continue;
            what = args[at].ToArray();
            return AclDenial.Key;
        }
        var (first, last, isPattern) = command.Info.Name switch
        {
            "publish" or "spublish" => (1, 1, false),
            "subscribe" or "ssubscribe" => (1, args.Count - 1, false),
            "psubscribe" => (1, args.Count - 1, true),
            _ => (1, 0, false),
        };
        for (var i = first; i <= last; i++)
        {
            if (selector.AllowsChannel(args[i], isPattern)) continue;
            what = args[i].ToArray();
            return AclDenial.Channel;
        }
        return AclDenial.None;
    }

    /// <summary>The keys of a request and what it does to them.</summary>
    public static List<(int At, KeyRights Rights)> KeysOf(KnownCommand command, CommandArguments args)
    {
        var found = new List<int>();
        var keys = new List<(int, KeyRights)>();
        if (!command.Command.FindKeys(args, found)) found.Clear();
        if (found.Count == 0) return keys;
        var bySpec = new Dictionary<int, KeyRights>();
        var at = new List<int>();
        foreach (var spec in command.Facts.Specs)
        {
            at.Clear();
            spec.Find(args, at);
            var rights = (spec.Reads ? KeyRights.Read : 0) | (spec.Writes ? KeyRights.Write : 0);
            if (spec.Flags.Contains("variable_flags")) rights = VariableRights(command.Info.Name, args);
            foreach (var i in at) bySpec[i] = rights;
        }
        // SORT's STORE may stand anywhere: its key is what no specification knows, and is written.
        foreach (var i in found) keys.Add((i, bySpec.TryGetValue(i, out var rights) ? rights : KeyRights.Write));
        return keys;
    }

    // SET reads only with GET; BITFIELD writes only with SET or INCRBY.
    public static KeyRights VariableRights(string name, CommandArguments args)
    {
        var (gets, sets) = (false, false);
        for (var i = 2; i < args.Count; i++)
        {
            gets |= args.Is(i, "get"u8);
            sets |= args.Is(i, "set"u8) || args.Is(i, "incrby"u8);
        }
        if (name == "set") return gets ? KeyRights.All : KeyRights.Write;
        return sets ? KeyRights.All : KeyRights.Read;
    }

    /// <summary>The reply to whoever may not.</summary>
    public static byte[] ReplyOf(AclDenial denial, KnownCommand command) => denial switch
    {
        AclDenial.Key => "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"u8.ToArray(),
        AclDenial.Channel => "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n"u8.ToArray(),
        _ => Encoding.UTF8.GetBytes($"-NOPERM this user has no permissions to run the '{command.Info.Name}' command\r\n"),
    };

    /// <summary>The same as ACL DRYRUN tells it.</summary>
    public static string TextOf(AclDenial denial, KnownCommand command, byte[] what) => denial switch
    {
        AclDenial.Key => $"This user has no permissions to access the '{Encoding.UTF8.GetString(what)}' key",
        AclDenial.Channel => $"This user has no permissions to access the '{Encoding.UTF8.GetString(what)}' channel",
        _ => $"This user has no permissions to run the '{command.Info.Name}' command",
    };

    /// <summary>True if some selector lets the user run a command and read every key: SORT with BY or GET may read any.</summary>
    public static bool ReadsEverything(AclUser user, KnownCommand command) =>
        user.Selectors.Any(s => s.AllowsCommand(command.Number) && (s.AllKeys || s.Keys.Any(k => k.Pattern is [(byte)'*']
            && k.Rights.HasFlag(KeyRights.Read))));
}
