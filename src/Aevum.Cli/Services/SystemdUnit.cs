// SystemdUnit: the unit file of the server for systemd, as text; a function of the plan and nothing else.
//
// Type=notify: the server tells when clients are served (ServiceNotifier), and a long recovery is no failure, so there is no limit to starting. What it
// cannot need is taken from it. Not taken: memory that is written and then run, which a just-in-time compiler needs.

using System.Text;

namespace Aevum.Cli.Services;

static class SystemdUnit
{
    public const string FileName = "aevum.service";

    public static string Of(ServicePlan plan)
    {
        var text = new StringBuilder();
        var directory = plan.Directory ?? (plan.IsForUser ? "%S/aevum" : "/var/lib/aevum");
        text.Append($"""
            [Unit]
            Description=Aevum database
            After=network.target

            [Service]
            Type=notify
            NotifyAccess=main
            ExecStart={Word(plan.Program)} serve --data {(plan.Directory is null ? directory : Word(directory))} --resp {Word(plan.Resp)}
            Restart=on-failure
            RestartSec=1
            TimeoutStartSec=infinity
            TimeoutStopSec=90
            WatchdogSec=60
            LimitNOFILE=65536
            UMask=0077
            """);
        text.Append('\n');
        if (plan.Directory is null) text.Append("StateDirectory=aevum\nStateDirectoryMode=0700\n");
        text.Append("\n# What a database server cannot need.\n");
        text.Append("NoNewPrivileges=yes\n");
        if (!plan.IsForUser)
        {
            // DynamicUser: one that exists while the service runs, and to whom StateDirectory belongs.
            text.Append(plan.RunAs is { } user ? $"User={user}\n" : "DynamicUser=yes\n").Append("CapabilityBoundingSet=\nProtectSystem=strict\n");
            text.Append(IsInHome(plan, plan.Program) || IsInHome(plan, directory) ? "ProtectHome=read-only\n" : "ProtectHome=yes\n");
            if (plan.Directory is not null) text.Append($"ReadWritePaths={Quoted(directory.Replace("%", "%%", StringComparison.Ordinal))}\n");
            text.Append("PrivateTmp=yes\nPrivateDevices=yes\nProtectClock=yes\nProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes\n");
            text.Append("ProtectKernelModules=yes\nProtectKernelTunables=yes\n");
        }
        text.Append("LockPersonality=yes\nRestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\nRestrictNamespaces=yes\nRestrictRealtime=yes\n");
        text.Append("RestrictSUIDSGID=yes\nSystemCallArchitectures=native\nSystemCallFilter=@system-service\n");
        text.Append($"\n[Install]\nWantedBy={(plan.IsForUser ? "default.target" : "multi-user.target")}\n");
        return text.ToString();
    }

    static bool IsInHome(ServicePlan plan, string path) =>
        new[] { "/home", "/root", plan.Home }.Any(home => path.StartsWith(home + "/", StringComparison.Ordinal));

    /// <summary>A word of a unit's command line: in quotes where it must be, and nothing in it is expanded (man 5 systemd.service, command lines).</summary>
    public static string Word(string text)
    {
        return Quoted(text.Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal));
    }

    static string Quoted(string text)
    {
        var escaped = text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return escaped.Any(c => char.IsWhiteSpace(c) || c is '"' or '\'' or ';' or '\\') ? $"\"{escaped}\"" : escaped;
    }
}
