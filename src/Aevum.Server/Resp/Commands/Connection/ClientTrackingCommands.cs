// ClientTrackingCommands: what a client says of how it wants to be told of changes. The rules of Redis: prefixes only with BCAST and none within another;
// OPTIN and OPTOUT exclude each other and BCAST; a mode is left by switching off. What is remembered and sent: Tracking/TrackingTable.cs.

using System.Text;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.Tracking;

namespace Aevum.Server.Resp.Commands.Connection;

/// <summary>CLIENT TRACKING, TRACKINGINFO, CACHING (<see cref="TrackingTable"/>).</summary>
static class ClientTrackingCommands
{
    public static void Switch(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var (isBroadcast, optIn, optOut, noLoop, redirect) = (false, false, false, false, 0L);
        var prefixes = new List<byte[]>();
        for (var i = 3; i < args.Count; i++)
        {
            if (args.Is(i, "redirect"u8) && i + 1 < args.Count)
            {
                if (redirect != 0)
                {
                    reply.Error("ERR A client can only redirect to a single other client"u8);
                    return;
                }
                if (!Numbers.TryInteger(args[++i], out redirect))
                {
                    reply.Error("ERR value is not an integer or out of range"u8);
                    return;
                }
                if (!client.Engine.Server.Clients.ContainsKey(redirect))
                {
                    reply.Error("ERR The client ID you want redirect to does not exist"u8);
                    return;
                }
            }
            else if (args.Is(i, "bcast"u8)) isBroadcast = true;
            else if (args.Is(i, "optin"u8)) optIn = true;
            else if (args.Is(i, "optout"u8)) optOut = true;
            else if (args.Is(i, "noloop"u8)) noLoop = true;
            else if (args.Is(i, "prefix"u8) && i + 1 < args.Count) prefixes.Add(args[++i].ToArray());
            else
            {
                reply.Error("ERR syntax error"u8);
                return;
            }
        }
        if (args.Is(2, "off"u8))
        {
            End(client);
            reply.Ok();
            return;
        }
        if (!args.Is(2, "on"u8))
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        if (WhyNot(client.Tracking, isBroadcast, optIn, optOut, prefixes) is { } wrong)
        {
            reply.Error(wrong);
            return;
        }
        if (isBroadcast && client.Tracking is { } before) prefixes.InsertRange(0, before.Prefixes);
        if (isBroadcast && prefixes.Count == 0) prefixes.Add([]);
        var table = client.Engine.Server.Tracking;
        if (client.Tracking is not null) table.Remove(client);
        client.Tracking = new ClientTracking
        {
            IsBroadcast = isBroadcast,
            OptIn = optIn,
            OptOut = optOut,
            NoLoop = noLoop,
            Redirect = redirect,
            Prefixes = prefixes,
        };
        table.Add(client);
        reply.Ok();
    }

    static string? WhyNot(ClientTracking? before, bool isBroadcast, bool optIn, bool optOut, List<byte[]> prefixes)
    {
        if (!isBroadcast && prefixes.Count > 0) return "ERR PREFIX option requires BCAST mode to be enabled";
        if (before is not null && before.IsBroadcast != isBroadcast)
            return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
        if (isBroadcast && (optIn || optOut)) return "ERR OPTIN and OPTOUT are not compatible with BCAST";
        if (optIn && optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
        if (before is not null && ((optIn && before.OptOut) || (optOut && before.OptIn)))
            return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";
        for (var i = 0; i < prefixes.Count; i++)
        {
            foreach (var earlier in before?.Prefixes ?? [])
                if (Overlap(prefixes[i], earlier))
                    return $"ERR Prefix '{Encoding.UTF8.GetString(prefixes[i])}' overlaps with an existing prefix "
                        + $"'{Encoding.UTF8.GetString(earlier)}'. Prefixes for a single client must not overlap.";
            for (var j = i + 1; j < prefixes.Count; j++)
                if (Overlap(prefixes[i], prefixes[j]))
                    return $"ERR Prefix '{Encoding.UTF8.GetString(prefixes[i])}' overlaps with another provided prefix "
                        + $"'{Encoding.UTF8.GetString(prefixes[j])}'. Prefixes for a single client must not overlap.";
        }
        return null;
    }

    static bool Overlap(byte[] a, byte[] b) => a.AsSpan().StartsWith(b) || b.AsSpan().StartsWith(a);

    static void End(RespClient client)
    {
        if (client.Tracking is null) return;
        client.Engine.Server.Tracking.Remove(client);
        client.Tracking = null;
    }

    public static void Caching(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Tracking is not { } tracking || (!tracking.OptIn && !tracking.OptOut))
        {
            reply.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"u8);
            return;
        }
        var yes = args.Is(2, "yes"u8);
        if (!yes && !args.Is(2, "no"u8))
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        if (yes != tracking.OptIn)
        {
            if (yes) reply.Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."u8);
            else reply.Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."u8);
            return;
        }
        tracking.NextCached = yes;
        reply.Ok();
    }

    public static void Info(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var tracking = client.Tracking;
        var flags = new List<string> { tracking is null ? "off" : "on" };
        if (tracking is { IsBroadcast: true }) flags.Add("bcast");
        if (tracking is { OptIn: true })
        {
            flags.Add("optin");
            if (tracking.NextCached == true) flags.Add("caching-yes");
        }
        if (tracking is { OptOut: true })
        {
            flags.Add("optout");
            if (tracking.NextCached == false) flags.Add("caching-no");
        }
        if (tracking is { NoLoop: true }) flags.Add("noloop");
        if (tracking is { IsBroken: true }) flags.Add("broken_redirect");
        reply.Map(3);
        reply.Bulk("flags"u8);
        reply.Set(flags.Count);
        foreach (var flag in flags) reply.Bulk(flag);
        reply.Bulk("redirect"u8);
        reply.Integer(tracking?.Redirect ?? -1);
        reply.Bulk("prefixes"u8);
        var prefixes = tracking?.Prefixes ?? [];
        reply.Array(prefixes.Count);
        foreach (var prefix in prefixes) reply.Bulk(prefix);
    }
}
