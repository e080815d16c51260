// AclUser: a user and what it may do, compiled: a bit for each command, patterns of keys and channels. Immutable: a change makes a new one, and whoever
// looks at a user sees the rules of one moment.
//
//   user       on or off, passwords, selectors: the first is the user's own rules, further ones stand in parentheses
//   selector   allows a request if it allows the command, every key and every channel; a user may do what one of its selectors allows

using System.Text;
using Aevum.Model.Catalog;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Security;

namespace Aevum.Server.Resp.Access;

[Flags]
enum KeyRights
{
    None = 0,
    Read = 1,
    Write = 2,
    All = Read | Write,
}

/// <param name="Rights">What may be done to keys that match.</param>
sealed record KeyPattern(byte[] Pattern, KeyRights Rights)
{
    public override string ToString() => Rights switch
    {
        KeyRights.All => "~",
        KeyRights.Read => "%R~",
        _ => "%W~",
    } + Encoding.UTF8.GetString(Pattern);
}

/// <summary>Rules that hold together.</summary>
sealed record AclSelector
{
    /// <summary>A bit for each command and subcommand, by their numbers.</summary>
    public ulong[] Commands { get; init; } = [];

    /// <summary>Every command, those to come too.</summary>
    public bool AllCommands { get; init; }

    /// <summary>Rules of commands in the words they were given in, behind "+@all" or "-@all".</summary>
    public IReadOnlyList<string> CommandWords { get; init; } = [];

    public IReadOnlyList<KeyPattern> Keys { get; init; } = [];

    public bool AllKeys { get; init; }

    public IReadOnlyList<byte[]> Channels { get; init; } = [];

    public bool AllChannels { get; init; }

    public bool AllowsCommand(int number) => number / 64 < Commands.Length && (Commands[number / 64] & (1UL << (number % 64))) != 0;

    public bool AllowsKey(ReadOnlySpan<byte> key, KeyRights rights)
    {
        if (AllKeys) return true;
        foreach (var pattern in Keys)
            if ((pattern.Rights & rights) == rights && GlobPattern.Matches(pattern.Pattern, key)) return true;
        return false;
    }

    /// <param name="isPattern">The channel is itself a pattern: then it must be one that is allowed, letter by letter.</param>
    public bool AllowsChannel(ReadOnlySpan<byte> channel, bool isPattern)
    {
        if (AllChannels) return true;
        foreach (var pattern in Channels)
            if (isPattern ? channel.SequenceEqual(pattern) : GlobPattern.Matches(pattern, channel)) return true;
        return false;
    }

    public string CommandText => (AllCommands ? "+@all" : "-@all") + string.Concat(CommandWords.Select(w => " " + w));

    public string KeyText => AllKeys ? "~*" : string.Join(' ', Keys);

    public string ChannelText => AllChannels ? "&*" : string.Join(' ', Channels.Select(c => "&" + Encoding.UTF8.GetString(c)));

    /// <summary>In the words of ACL LIST.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        if (KeyText.Length > 0) text.Append(KeyText).Append(' ');
        if (!AllChannels) text.Append("resetchannels ");
        if (ChannelText.Length > 0) text.Append(ChannelText).Append(' ');
        return text.Append(CommandText).ToString();
    }
}

sealed record AclUser(string Name)
{
    public bool IsOn { get; init; }

    /// <summary>Any password will do.</summary>
    public bool IsWithoutPassword { get; init; }

    /// <summary>RESTORE's payloads are checked in any case: the word is kept.</summary>
    public string? PayloadWord { get; init; }

    public IReadOnlyList<Credential> Passwords { get; init; } = [];

    public IReadOnlyList<AclSelector> Selectors { get; init; } = [new AclSelector()];

    public AclSelector Own => Selectors[0];

    /// <summary>May do everything: nothing needs to be looked at.</summary>
    public bool IsUnlimited { get; init; }

    /// <summary>The same with <see cref="IsUnlimited"/> worked out.</summary>
    public AclUser Compiled() => this with
    {
        IsUnlimited = Selectors.Any(s => s is { AllCommands: true, CommandWords.Count: 0, AllKeys: true, AllChannels: true }),
    };

    /// <summary>Rules in the words of ACL SETUSER, without passwords: what is kept in the catalog.</summary>
    public string RulesText
    {
        get
        {
            var text = new StringBuilder(IsOn ? "on" : "off");
            if (PayloadWord is not null) text.Append(' ').Append(PayloadWord);
            if (IsWithoutPassword) text.Append(" nopass");
            text.Append(' ').Append(Own);
            foreach (var selector in Selectors.Skip(1)) text.Append(" (").Append(selector).Append(')');
            return text.ToString();
        }
    }

    /// <summary>A line of ACL LIST. Passwords as they are kept, which tells nothing of them.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("user ").Append(Name).Append(IsOn ? " on" : " off");
        if (PayloadWord is not null) text.Append(' ').Append(PayloadWord);
        if (IsWithoutPassword) text.Append(" nopass");
        foreach (var password in Passwords) text.Append(' ').Append(Security.Passwords.TextOf(password));
        text.Append(' ').Append(Own);
        foreach (var selector in Selectors.Skip(1)) text.Append(" (").Append(selector).Append(')');
        return text.ToString();
    }
}
