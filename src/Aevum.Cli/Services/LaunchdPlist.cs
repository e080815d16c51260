using System.Security;
using System.Text;

namespace Aevum.Cli.Services;

/// <summary>The property list of the server for macOS' launchd, as text (man 5 launchd.plist). It has never been loaded on a Mac.</summary>
static class LaunchdPlist
{
    public const string Label = "aevum";
    public const string FileName = Label + ".plist";

    public static string Of(ServicePlan plan)
    {
        var directory = plan.Directory ?? (plan.IsForUser ? Path.Combine(plan.Home, "Library", "Application Support", "aevum") : "/usr/local/var/aevum");
        string[] words = [plan.Program, "serve", "--data", directory, "--resp", plan.Resp];
        var text = new StringBuilder();
        text.Append("""
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0">
            <dict>
              <key>Label</key>

            """);
        text.Append($"  <string>{Label}</string>\n  <key>ProgramArguments</key>\n  <array>\n");
        foreach (var word in words) text.Append($"    <string>{SecurityElement.Escape(word)}</string>\n");
        text.Append("""
              </array>
              <key>RunAtLoad</key>
              <true/>
              <key>KeepAlive</key>
              <dict>
                <key>SuccessfulExit</key>
                <false/>
              </dict>
              <key>ExitTimeOut</key>
              <integer>90</integer>
              <key>Umask</key>
              <integer>63</integer>
              <key>SoftResourceLimits</key>
              <dict>
                <key>NumberOfFiles</key>
                <integer>65536</integer>
              </dict>

            """);
        var log = Path.Combine(plan.IsForUser ? Path.Combine(plan.Home, "Library", "Logs") : "/usr/local/var/log", "aevum.log");
        foreach (var key in (string[])["StandardOutPath", "StandardErrorPath"])
            text.Append($"  <key>{key}</key>\n  <string>{SecurityElement.Escape(log)}</string>\n");
        return text.Append("</dict>\n</plist>\n").ToString();
    }
}
