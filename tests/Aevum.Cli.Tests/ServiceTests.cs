using System.Diagnostics;
using System.Net.Sockets;
using System.Xml;
using Aevum.Cli.Services;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed class ServiceTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    static readonly ServicePlan Machine = new("/opt/aevum/aevum", null, "127.0.0.1:6379", IsForUser: false, "/people/ada");
    static readonly ServicePlan User = Machine with { IsForUser = true, Directory = "/people/ada/my data" };
    static readonly ServicePlan Elsewhere = Machine with { Directory = "/srv/100%/a\"b", Program = "/people/ada/aevum", Resp = "[::1]:7000", RunAs = "ada" };

    public static TheoryData<string> Names => ["systemd-machine", "systemd-user", "systemd-elsewhere", "launchd-machine", "launchd-user"];

    static string Make(string name) => name switch
    {
        "systemd-machine" => SystemdUnit.Of(Machine),
        "systemd-user" => SystemdUnit.Of(User),
        "systemd-elsewhere" => SystemdUnit.Of(Elsewhere),
        "launchd-machine" => LaunchdPlist.Of(Machine),
        _ => LaunchdPlist.Of(User with { Directory = "/people/ada/<my> & data", Home = "/people/ada" }),
    };

    [Theory, MemberData(nameof(Names))]
    public void The_files_are_those_that_were_agreed_on(string name)
    {
        var path = Path.Combine(TestFolders.Project, "testdata", "services", name + ".txt");
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") File.WriteAllText(path, Make(name));
        Assert.Equal(File.ReadAllText(path), Make(name));
    }

    [Theory]
    [InlineData("launchd-machine")]
    [InlineData("launchd-user")]
    public void The_property_list_is_xml_of_keys_and_values(string name)
    {
        var document = new XmlDocument { XmlResolver = null };
        var lines = Make(name).Split('\n').Where(l => !l.StartsWith("<!DOCTYPE", StringComparison.Ordinal));   // it lies on the network
        document.LoadXml(string.Join('\n', lines));
        foreach (XmlElement dictionary in document.GetElementsByTagName("dict"))
            for (var i = 0; i < dictionary.ChildNodes.Count; i++) Assert.Equal(i % 2 == 0, dictionary.ChildNodes[i]!.Name == "key");
        var words = document.GetElementsByTagName("array")[0]!.ChildNodes.Cast<XmlNode>().Select(n => n.InnerText).ToArray();
        Assert.Equal(["serve", "--data"], words[1..3]);
        if (name == "launchd-user") Assert.Equal("/people/ada/<my> & data", words[3]);
    }

    [Theory]
    [InlineData("/plain/path", "/plain/path")]
    [InlineData("two words", "\"two words\"")]
    [InlineData("100%", "100%%")]
    [InlineData("$HOME", "$$HOME")]
    [InlineData("a\"b\\c", "\"a\\\"b\\\\c\"")]
    public void Nothing_in_a_word_is_expanded_or_cut(string text, string word) => Assert.Equal(word, SystemdUnit.Word(text));

    [FactThatNeeds(Program = "systemd-analyze")]
    public void Systemd_finds_nothing_wrong()
    {
        // It wants a program that is there.
        foreach (var plan in (ServicePlan[])[Machine, User, Elsewhere])
        {
            var path = _world.PathOf($"aevum-{plan.IsForUser}-{plan.Directory is null}.service");
            File.WriteAllText(path, SystemdUnit.Of(plan with { Program = "/bin/true" }));
            using var verify = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", path])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            var said = verify.StandardOutput.ReadToEnd() + verify.StandardError.ReadToEnd();
            verify.WaitForExit();
            Assert.True(verify.ExitCode == 0 && !said.Contains(path, StringComparison.Ordinal), said);
        }
    }

    [Fact]
    public void A_server_tells_its_manager_how_it_is()
    {
        if (OperatingSystem.IsWindows()) return;
        var path = _world.PathOf("notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        manager.Bind(new UnixDomainSocketEndPoint(path));
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "aevum.dll"), "serve", "--memory", "--resp", "127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in new[] { ("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000"), ("WATCHDOG_PID", ""), ("AEVUM_HTTP__LISTEN", "off") })
            start.Environment[name] = value;
        using var server = Process.Start(start)!;
        try
        {
            Assert.Equal("STATUS=opening the database", Receive());
            Assert.Equal("READY=1\nSTATUS=serving clients", Receive());
            Assert.Equal("WATCHDOG=1", Receive());
            Assert.Equal("WATCHDOG=1", Receive());
            using (var kill = Process.Start("kill", ["-TERM", $"{server.Id}"])) kill.WaitForExit();
            string said;
            while ((said = Receive()) == "WATCHDOG=1")
            {
            }
            Assert.StartsWith("STOPPING=1\n", said, StringComparison.Ordinal);
            server.WaitForExit();
            Assert.Equal(0, server.ExitCode);
        }
        finally
        {
            if (!server.HasExited) server.Kill();
        }

        string Receive()
        {
            var bytes = new byte[4096];
            return System.Text.Encoding.UTF8.GetString(bytes, 0, manager.Receive(bytes));
        }
    }

    [Fact]
    public void It_is_printed_written_told_of_and_removed()
    {
        var root = _world.PathOf("root");
        string[] plan = ["--root", root, "--data", "/srv/aevum", "--program", "/opt/aevum/aevum"];
        var unit = Path.Combine(root, "etc/systemd/system/aevum.service");
        if (OperatingSystem.IsMacOS()) unit = Path.Combine(root, "Library/LaunchDaemons/aevum.plist");

        var printed = CliWorld.Run("", ["service", "print", OperatingSystem.IsMacOS() ? "launchd" : "systemd", .. plan]);
        Assert.Equal(0, printed.ExitCode);
        var dry = CliWorld.Run("", ["service", "install", "--dry-run", .. plan]);
        Assert.Equal($"would write {unit}:\n{printed.Out}", dry.Out);
        Assert.False(File.Exists(unit));
        var unasked = CliWorld.Run("", ["service", "install", .. plan]);
        Assert.Equal(ExitCodes.CouldNotRun, unasked.ExitCode);
        Assert.Contains("nobody can be asked here", unasked.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Problems, CliWorld.Run("", ["service", "status", .. plan]).ExitCode);

        var installed = CliWorld.Run("", ["service", "install", "--yes", .. plan]);
        Assert.Equal((0, ""), (installed.ExitCode, installed.Error));
        Assert.Equal(printed.Out, File.ReadAllText(unit));
        Assert.Contains("the same", CliWorld.Run("", ["service", "install", .. plan]).Out, StringComparison.Ordinal);
        Assert.Equal(0, CliWorld.Run("", ["service", "status", .. plan]).ExitCode);
        File.AppendAllText(unit, "# mine\n");
        Assert.Contains("differs", CliWorld.Run("", ["service", "status", .. plan]).Out, StringComparison.Ordinal);

        Assert.Equal($"would remove {unit}\n", CliWorld.Run("", ["service", "uninstall", "--dry-run", .. plan]).Out);
        Assert.Equal(0, CliWorld.Run("", ["service", "uninstall", "--yes", .. plan]).ExitCode);
        Assert.False(File.Exists(unit));
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", ["service", "uninstall", "--yes", .. plan]).ExitCode);
    }
}
