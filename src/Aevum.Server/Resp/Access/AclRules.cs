// AclRules: the words of ACL SETUSER, one after the other, each making a new user of the one before. Errors are in Redis' words.
//
//   on off nopass resetpass reset   >password <password #sha256 !sha256   $pbkdf2-sha256$... (as ACL LIST shows what is kept)
//   ~pattern %R~pattern %W~pattern %RW~pattern allkeys resetkeys          &pattern allchannels resetchannels
//   +command -command +command|sub +@category -@category allcommands nocommands      (rules of a further selector) clearselectors
//   sanitize-payload skip-sanitize-payload
//
// Rules of commands are kept as words, in order, the last one about a command or category replacing earlier ones; the bits follow from them.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Server.Security;

namespace Aevum.Server.Resp.Access;

sealed class AclRules(CommandTable commands, int iterations)
{
    const string Unknown = "Unknown command or category name in ACL";
    const string SyntaxError = "Syntax error";

    /// <summary>Applies words to a user.</summary>
    /// <returns>What is wrong, as the text of an error; null: nothing.</returns>
    public string? TryApply(AclUser user, IReadOnlyList<string> words, bool allChannels, out AclUser changed)
    {
        changed = user;
        if (Join(words, out var joined) is { } unmatched) return unmatched;
        foreach (var word in joined)
        {
            if (Apply(changed, word, allChannels, out var next) is { } wrong) return $"ERR Error in ACL SETUSER modifier '{word}': {wrong}";
            changed = next;
        }
        changed = changed.Compiled();
        return null;
    }

    // A selector may come in several words: "(+get" "~a)".
    static string? Join(IReadOnlyList<string> words, out List<string> joined)
    {
        joined = [];
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (!word.StartsWith('('))
            {
                joined.Add(word);
                continue;
            }
            var first = word;
            while (!word.EndsWith(')'))
            {
                if (++i == words.Count) return $"ERR Unmatched parenthesis in acl selector starting at '{first}'.";
                word += " " + words[i];
            }
            joined.Add(word);
        }
        return null;
    }

    string? Apply(AclUser user, string word, bool allChannels, out AclUser changed)
    {
        changed = user;
        var fresh = new AclSelector { AllChannels = allChannels };
        switch (word.ToLowerInvariant())
        {
            case "on": changed = user with { IsOn = true }; return null;
            case "off": changed = user with { IsOn = false }; return null;
            case "nopass": changed = user with { IsWithoutPassword = true, Passwords = [] }; return null;
            case "resetpass": changed = user with { IsWithoutPassword = false, Passwords = [] }; return null;
            case "sanitize-payload" or "skip-sanitize-payload": changed = user with { PayloadWord = word.ToLowerInvariant() }; return null;
            case "clearselectors": changed = user with { Selectors = [user.Own] }; return null;
            case "reset": changed = new AclUser(user.Name) { Selectors = [fresh], PayloadWord = "sanitize-payload" }; return null;
        }
        if (word.Length == 0) return SyntaxError;
        switch (word[0])
        {
            case '>': return AddPassword(user, Passwords.Sha256Of(Bytes(word[1..])), out changed);
            case '#': return Passwords.IsSha256(word[1..]) ? AddPassword(user, word[1..], out changed) : WrongHash;
            case '<': return RemovePassword(user, Passwords.Sha256Of(Bytes(word[1..])), out changed);
            case '!': return Passwords.IsSha256(word[1..]) ? RemovePassword(user, word[1..], out changed) : WrongHash;
            case '$' when Passwords.TryParse(word, out var kept):
                changed = user with { IsWithoutPassword = false, Passwords = [.. user.Passwords, kept] };
                return null;
            case '(':
                var further = new AclSelector();
                foreach (var part in word[1..^1].Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    if (Apply(further, part, out further) is { } inside) return inside;
                changed = user with { Selectors = [.. user.Selectors, further] };
                return null;
        }
        if (Apply(user.Own, word, out var own) is { } wrong) return wrong;
        changed = user with { Selectors = [own, .. user.Selectors.Skip(1)] };
        return null;
    }

    const string WrongHash = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

    string? AddPassword(AclUser user, string sha256, out AclUser changed)
    {
        changed = user with { IsWithoutPassword = false };
        if (!user.Passwords.Any(p => Passwords.Fits(sha256, p))) changed = changed with { Passwords = [.. user.Passwords, Passwords.Keep(sha256, iterations)] };
        return null;
    }

    static string? RemovePassword(AclUser user, string sha256, out AclUser changed)
    {
        changed = user;
        if (user.Passwords.FirstOrDefault(p => Passwords.Fits(sha256, p)) is not { } found) return "The password you are trying to remove from the "
            + "user does not exist";
        changed = user with { Passwords = [.. user.Passwords.Where(p => p != found)] };
        return null;
    }

    // ------------------------------------------------------------------------------------------------ selectors

    string? Apply(AclSelector selector, string word, out AclSelector changed)
    {
        changed = selector;
        switch (word.ToLowerInvariant())
        {
            case "allkeys" or "~*": changed = selector with { AllKeys = true, Keys = [] }; return null;
            case "resetkeys": changed = selector with { AllKeys = false, Keys = [] }; return null;
            case "allchannels" or "&*": changed = selector with { AllChannels = true, Channels = [] }; return null;
            case "resetchannels": changed = selector with { AllChannels = false, Channels = [] }; return null;
            case "allcommands" or "+@all": changed = Compile(selector with { AllCommands = true, CommandWords = [] }); return null;
            case "nocommands" or "-@all": changed = Compile(selector with { AllCommands = false, CommandWords = [] }); return null;
        }
        return word[0] switch
        {
            '~' => AddKeys(selector, word[1..], KeyRights.All, out changed),
            '%' => AddKeys(selector, word, out changed),
            '&' => AddChannel(selector, word[1..], out changed),
            '+' or '-' => AddCommand(selector, word, out changed),
            _ => SyntaxError,
        };
    }

    static string? AddKeys(AclSelector selector, string word, out AclSelector changed)
    {
        changed = selector;
        var rights = KeyRights.None;
        var at = 1;
        for (; at < word.Length && word[at] != '~'; at++)
        {
            var one = char.ToUpperInvariant(word[at]) switch { 'R' => KeyRights.Read, 'W' => KeyRights.Write, _ => KeyRights.None };
            if (one == KeyRights.None) return SyntaxError;
            rights |= one;
        }
        if (at == word.Length || rights == KeyRights.None) return SyntaxError;
        return AddKeys(selector, word[(at + 1)..], rights, out changed);
    }

    static string? AddKeys(AclSelector selector, string pattern, KeyRights rights, out AclSelector changed)
    {
        changed = selector;
        if (selector.AllKeys)
            return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start "
                + "with an empty list of patterns";
        if (HasBlank(pattern)) return SyntaxError;
        if (pattern == "*" && rights == KeyRights.All)
        {
            changed = selector with { AllKeys = true, Keys = [] };
            return null;
        }
        var bytes = Bytes(pattern);
        var before = selector.Keys.FirstOrDefault(k => k.Pattern.AsSpan().SequenceEqual(bytes));
        changed = before is null
            ? selector with { Keys = [.. selector.Keys, new KeyPattern(bytes, rights)] }
            : selector with { Keys = [.. selector.Keys.Select(k => k == before ? k with { Rights = k.Rights | rights } : k)] };
        return null;
    }

    static string? AddChannel(AclSelector selector, string pattern, out AclSelector changed)
    {
        changed = selector;
        if (selector.AllChannels)
            return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' "
                + "to start with an empty list of channels";
        if (HasBlank(pattern)) return SyntaxError;
        var bytes = Bytes(pattern);
        if (!selector.Channels.Any(c => c.AsSpan().SequenceEqual(bytes))) changed = selector with { Channels = [.. selector.Channels, bytes] };
        return null;
    }

    string? AddCommand(AclSelector selector, string word, out AclSelector changed)
    {
        changed = selector;
        var name = word[1..].ToLowerInvariant();
        if (name.StartsWith('@') ? CommandCategories.IndexOf(name[1..]) < 0 : !Exists(name)) return Unknown;
        // What was said before of the same, or of its subcommands, no longer holds.
        var words = selector.CommandWords.Where(w => w[1..] != name && !w[1..].StartsWith(name + "|", StringComparison.Ordinal)).ToList();
        words.Add(word[0] + name);
        changed = Compile(selector with { CommandWords = words });
        return null;
    }

    bool Exists(string name)
    {
        var parts = name.Split('|', 2);
        if (commands.Find(Bytes(parts[0])) is not { } command) return false;
        return parts.Length == 1 || command.FindSubcommand(Bytes(parts[1])) is not null;
    }

    AclSelector Compile(AclSelector selector)
    {
        var bits = new ulong[(commands.Flat.Count + 63) / 64];
        if (selector.AllCommands) Array.Fill(bits, ulong.MaxValue);
        foreach (var word in selector.CommandWords)
        {
            var (allows, name) = (word[0] == '+', word[1..]);
            foreach (var command in commands.Flat)
            {
                var isMeant = name[0] == '@' ? command.Facts.Categories.Contains(name[1..]) : command.Info.Name == name || command.Parent?.Info.Name == name;
                if (!isMeant) continue;
                if (allows) bits[command.Number / 64] |= 1UL << (command.Number % 64);
                else bits[command.Number / 64] &= ~(1UL << (command.Number % 64));
            }
        }
        return selector with { Commands = bits };
    }

    static bool HasBlank(string text) => text.Any(c => c <= ' ');

    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A user from the words that the catalog keeps.</summary>
    /// <exception cref="AevumException">Corruption: they are no rules.</exception>
    public AclUser Read(string name, PrincipalAccess access, string text)
    {
        var user = new AclUser(name);
        // Behind "nopass" there may be no passwords: they are put in last.
        if (TryApply(user, text.Split(' ', StringSplitOptions.RemoveEmptyEntries), allChannels: false, out var read) is { } wrong)
            throw new CorruptionException($"the rules of user \"{name}\" are none: {wrong}");
        return read with { Passwords = access.Credentials };
    }
}
