// AccessControl: the users of the protocol. They are principals of the catalog with rules for the door "resp": one store of users for the whole database,
// versions and backups included; what ACL SETUSER answered is kept. Here they are compiled, by name.
//
//   the user default     who has not said otherwise; where the catalog has none: on, without a password, allowed everything, as on Redis
//   requirepass          a password of default until the server ends, as CONFIG SET is; it takes the place of those that are kept
//
// A client holds a UserHandle: what a change makes of the user is seen by its next request. Clients of a user that goes, or that may no longer listen to
// what they listen to, are ended.

using System.Collections.Concurrent;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Server.Resp.Commands.Connection;
using Aevum.Server.Resp.PubSub;
using Aevum.Server.Security;

namespace Aevum.Server.Resp.Access;

/// <summary>A user as clients hold it: its rules may change meanwhile.</summary>
sealed class UserHandle(AclUser rules)
{
    volatile AclUser _rules = rules;

    public AclUser Rules
    {
        get => _rules;
        set => _rules = value;
    }
}

sealed class AccessControl
{
    public const string Door = "resp";
    public const string DefaultName = "default";

    static readonly string[] DefaultWords = ["on", "nopass", "~*", "&*", "+@all"];

    readonly RespServer _server;
    readonly Lock _gate = new();
    readonly ConcurrentDictionary<string, UserHandle> _users = new(StringComparer.Ordinal);
    readonly AclRules _rules;
    volatile string? _requiredPass;

    public AccessControl(RespServer server)
    {
        _server = server;
        _rules = new AclRules(server.Commands, server.Options.PasswordIterations);
        Log = new AclLog(server);
        Load();
    }

    public AclLog Log { get; }

    public UserHandle Default => _users[DefaultName];

    /// <summary>True if a client that has said nothing may do nothing.</summary>
    public bool RequiresPassword => _requiredPass is not null || !Default.Rules.IsWithoutPassword || !Default.Rules.IsOn;

    public bool Has(string name) => _users.ContainsKey(name);

    /// <summary>Null: there is none.</summary>
    public AclUser? Find(string name) => _users.TryGetValue(name, out var user) ? user.Rules : null;

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<AclUser> All => [.. _users.Values.Select(u => u.Rules).OrderBy(u => u.Name, StringComparer.Ordinal)];

    // ------------------------------------------------------------------------------------------------ who somebody is

    /// <summary>Tries a password. Takes a while: not on a loop.</summary>
    /// <returns>Null: it does not fit, or there is no such user, or it is off; all take the same time.</returns>
    public UserHandle? Authenticate(string name, ReadOnlySpan<byte> password)
    {
        var sha256 = Passwords.Sha256Of(password);
        if (!_users.TryGetValue(name, out var handle))
        {
            Passwords.Pretend(sha256, _server.Options.PasswordIterations);
            return null;
        }
        var user = handle.Rules;
        if (name == DefaultName && _requiredPass is { } required) return required == sha256 && user.IsOn ? handle : Refused(sha256);
        if (user.IsWithoutPassword && user.IsOn) return handle;
        var fits = false;
        foreach (var kept in user.Passwords) fits |= Passwords.Fits(sha256, kept);
        if (user.Passwords.Count == 0) Passwords.Pretend(sha256, _server.Options.PasswordIterations);
        return fits && user.IsOn ? handle : null;
    }

    UserHandle? Refused(string sha256)
    {
        Passwords.Pretend(sha256, _server.Options.PasswordIterations);
        return null;
    }

    /// <summary>Makes a client a user that <see cref="Authenticate"/> found.</summary>
    /// <returns>False: it was removed since: whoever removes one ends only the clients that it has then.</returns>
    public bool TryBecome(RespClient client, UserHandle user)
    {
        lock (_gate)
        {
            if (!_users.TryGetValue(user.Rules.Name, out var now) || now != user) return false;
            client.Become(user);
            return true;
        }
    }

    /// <summary>Sets what CONFIG requirepass says; empty: none.</summary>
    public void SetRequiredPass(string text) =>
        _requiredPass = text.Length == 0 ? null : Passwords.Sha256Of(System.Text.Encoding.Latin1.GetBytes(text));

    /// <summary>True if AUTH with a password alone would fit anything.</summary>
    public bool AcceptsAnyPassword => _requiredPass is null && Default.Rules.IsWithoutPassword;

    // ------------------------------------------------------------------------------------------------ changes

    /// <summary>Changes a user, or makes one, and keeps it. Not on a loop where there are passwords among the words.</summary>
    /// <returns>What is wrong, as the text of an error; null: it is done.</returns>
    public string? TrySet(string name, IReadOnlyList<string> words)
    {
        lock (_gate)
        {
            var allChannels = _server.Settings.ChannelsByDefault.Value == "allchannels";
            var before = Find(name);
            var user = before ?? new AclUser(name) { Selectors = [new AclSelector { AllChannels = allChannels }] };
            if (_rules.TryApply(user, words, allChannels, out var changed) is { } wrong) return wrong;
            try
            {
                Keep(changed);
            }
            catch (AevumException failure)
            {
                return RespErrors.TextOf(failure);
            }
            Put(changed);
            if (before is not null) EndListenersOf(changed);
            return null;
        }
    }

    /// <summary>Removes a user, and ends its clients. Not on a loop.</summary>
    /// <param name="asker">Who asked for it is answered first.</param>
    /// <returns>False: there is no such user.</returns>
    public bool Remove(string name, RespClient asker)
    {
        lock (_gate)
        {
            if (!_users.ContainsKey(name)) return false;
            _server.Database.Change((batch, catalog) =>
            {
                var entry = catalog.FindPrincipal(name)!;
                var others = entry.Access.Rules.Where(r => r.Key != Door).ToList();
                return others.Count == 0 ? CatalogChange.DropPrincipal(batch, catalog, entry.Id)
                    : CatalogChange.AlterPrincipal(batch, catalog, entry.Id, new PrincipalAccess(entry.Access.Credentials, others));
            });
            _users.TryRemove(name, out var gone);
            foreach (var client in _server.Clients.Values.Where(c => c.User == gone && c != asker)) ClientKill.End(client, null);
            return true;
        }
    }

    /// <summary>Reads all users from the catalog anew; those that changed meanwhile elsewhere are seen.</summary>
    public void Load()
    {
        lock (_gate)
        {
            var found = new HashSet<string>(StringComparer.Ordinal) { DefaultName };
            foreach (var principal in _server.Database.Catalog.Principals)
            {
                if (principal.Access.RulesOf(Door) is not { } text) continue;
                found.Add(principal.Name);
                Put(_rules.Read(principal.Name, principal.Access, text));
            }
            if (_server.Database.Catalog.FindPrincipal(DefaultName)?.Access.RulesOf(Door) is null)
            {
                _ = _rules.TryApply(new AclUser(DefaultName), DefaultWords, false, out var unlimited);
                Put(unlimited);
            }
            foreach (var name in _users.Keys)
                if (!found.Contains(name)) _users.TryRemove(name, out _);
        }
    }

    void Put(AclUser user)
    {
        if (_users.TryGetValue(user.Name, out var handle)) handle.Rules = user;
        else _users[user.Name] = new UserHandle(user);
    }

    void Keep(AclUser user) => _server.Database.Change((batch, catalog) =>
    {
        var entry = catalog.FindPrincipal(user.Name);
        var rules = (entry?.Access.Rules ?? new Dictionary<string, string>()).Where(r => r.Key != Door).Append(new(Door, user.RulesText));
        var access = new PrincipalAccess(user.Passwords, rules);
        return entry is null ? CatalogChange.CreatePrincipal(batch, catalog, user.Name, access) : CatalogChange.AlterPrincipal(batch, catalog,
            entry.Id, access);
    });

    // Whoever listens to what it may no longer listen to.
    void EndListenersOf(AclUser user)
    {
        if (user.IsUnlimited || user.Selectors.Any(s => s.AllChannels)) return;
        foreach (var client in _server.Clients.Values.Where(c => c.User.Rules == user && c.IsListening))
        {
            client.Engine.Post(() =>
            {
                if (client.Subscriptions is not { } all) return;
                var allowed = all.Of(ChannelKind.Channel).Concat(all.Of(ChannelKind.Shard)).All(name => user.Selectors.Any(s => s.AllowsChannel(name, false)))
                    && all.Of(ChannelKind.Pattern).All(name => user.Selectors.Any(s => s.AllowsChannel(name, true)));
                if (!allowed) client.Abort();
            });
        }
    }
}
