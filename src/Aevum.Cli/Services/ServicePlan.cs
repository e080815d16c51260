namespace Aevum.Cli.Services;

/// <summary>What a service is to run, and for whom.</summary>
/// <param name="Program">The program's full path.</param>
/// <param name="Directory">The database's; null: the manager's place for it (systemd's StateDirectory).</param>
/// <param name="Resp">Where Redis' protocol is spoken.</param>
/// <param name="IsForUser">True: a service of one user, started with his session; false: of the machine.</param>
/// <param name="Home">The user's home directory.</param>
/// <param name="Root">What the file is put below: "/", or the directory of a package that is being made.</param>
/// <param name="RunAs">The user in whose name a service of the machine runs; null: one that systemd makes for it.</param>
sealed record ServicePlan(string Program, string? Directory, string Resp, bool IsForUser, string Home, string Root = "/", string? RunAs = null)
{
    /// <summary>Where systemd looks for the unit.</summary>
    public string UnitPath => Below(IsForUser ? Path.Combine(Home, ".config", "systemd", "user") : "/etc/systemd/system", SystemdUnit.FileName);

    /// <summary>Where launchd looks for the property list.</summary>
    public string PlistPath => Below(IsForUser ? Path.Combine(Home, "Library", "LaunchAgents") : "/Library/LaunchDaemons", LaunchdPlist.FileName);

    string Below(string folder, string file) => Path.Combine(Root, folder.TrimStart('/'), file);
}
