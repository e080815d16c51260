using System.Net;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Server.Hosting;
using Aevum.Server.Hosting.Configuration;
using Aevum.Testing;

namespace Aevum.Server.Tests.Hosting;

public sealed class ConfigTests
{
    readonly MemoryFileSystem _files = new();

    ConfigSources Sources(string? file = null, Dictionary<string, string>? environment = null, Dictionary<ConfigKey, string>? flags = null)
    {
        if (file is not null) Write("aevum.json", file);
        return new ConfigSources
        {
            Files = _files,
            Machine = HardwareProfile.Smallest,
            File = file is null ? null : "aevum.json",
            Environment = environment ?? [],
            Flags = flags ?? [],
        };
    }

    void Write(string path, string text)
    {
        using var target = _files.Create(path);
        target.Append(Encoding.UTF8.GetBytes(text));
    }

    // Every one of the places in which a key can be said, in every combination.
    [Fact]
    public void A_flag_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default()
    {
        for (var places = 0; places < 8; places++)
        {
            var (inFile, inEnvironment, asFlag) = ((places & 1) != 0, (places & 2) != 0, (places & 4) != 0);
            var values = ConfigValues.Read(Sources(
                inFile ? """{"resp": {"clients-max": 1}}""" : "{}",
                inEnvironment ? new() { ["AEVUM_RESP__CLIENTS_MAX"] = "2" } : [],
                asFlag ? new() { [ConfigKeys.RespClientsMax] = "3" } : []));
            Assert.Empty(values.Problems);
            var expected = asFlag ? (3, "--clients-max") : inEnvironment ? (2, "AEVUM_RESP__CLIENTS_MAX") : inFile ? (1, "aevum.json:1") : (10_000, "default");
            Assert.Equal(expected, (values.Get(ConfigKeys.RespClientsMax), values.OriginOf(ConfigKeys.RespClientsMax)));
        }
    }

    [Fact]
    public void Every_key_can_be_said_everywhere_and_reads_what_it_writes()
    {
        foreach (var key in ConfigKeys.All)
        {
            var text = key.IsSecret ? "s" : key.Write(key.DefaultOn(HardwareProfile.Smallest));
            if (text == "") text = "x";
            var (section, name) = (key.Name.Split('.')[0], key.Name.Split('.')[1]);
            var inFile = ConfigValues.Read(Sources($"{{\"{section}\": {{\"{name}\": \"{text}\"}}}}"));
            Assert.Equal("aevum.json:1", inFile.OriginOf(key));
            var inEnvironment = ConfigValues.Read(Sources(environment: new() { [key.Variable] = text }));
            Assert.Equal(key.Variable, inEnvironment.OriginOf(key));
            Assert.Equal(text, key.Write(inEnvironment.All.First(v => v.Key == key).Value));
            Assert.Equal(key.IsSecret, key.Flag is null);
        }
        Assert.Equal(ConfigKeys.All.Count, ConfigKeys.All.Select(k => k.Name).Distinct().Count());
        Assert.Equal(ConfigKeys.All.Count(k => !k.IsSecret), ConfigKeys.All.Select(k => k.Flag).OfType<string>().Distinct().Count());
    }

    [Theory]
    [InlineData("""{"resp": {"clints-max": 1}}""", "aevum.json:1: there is no key resp.clints-max; did you mean resp.clients-max?")]
    [InlineData("""{"rasp": {"listen": "off"}}""", "aevum.json:1: there is no key rasp.listen; did you mean resp.listen?")]
    [InlineData("""{"zzzzzzzzzzzz": {"q": 1}}""", "aevum.json:1: there is no key zzzzzzzzzzzz.q")]
    [InlineData("{\n// so many\n\"resp\": {\n\"clients-max\": 0}}", "aevum.json:4: resp.clients-max: expected a number from 1 to 1000000, not '0'")]
    [InlineData("""{"resp": {"clients-max": [1]}}""", "aevum.json:1: resp.clients-max: expected a text, a number, true, false or a list of texts")]
    [InlineData("""{"resp": {"listen": {"a": 1}}}""", "aevum.json:1: resp.listen: expected a text, a number, true, false or a list of texts")]
    [InlineData("""{"resp": {"listen": "off", "listen": "off"}}""", "aevum.json:1: resp.listen stands there twice")]
    [InlineData("""{"resp": 5}""", "aevum.json:1: \"resp\" is a section: expected its keys in braces")]
    [InlineData("[]", "aevum.json: expected sections in braces, as in {\"data\": {\"sync\": \"os\"}}")]
    [InlineData("""{"data": {"memory": true, "directory": "x"}}""", "data.directory (aevum.json:1) and data.memory (aevum.json:1): it is one or the other")]
    [InlineData("""{"resp": {"tls-listen": "*:1"}}""", "resp.tls-listen (aevum.json:1) needs tls.certificate and tls.key")]
    [InlineData("""{"resp": {"output-pause": "1MiB", "output-max": "64KiB"}}""",
        "resp.output-pause is greater than resp.output-max: clients would be disconnected before they are waited for")]
    public void What_is_wrong_with_a_file_is_told_with_its_line(string file, string problem) =>
        Assert.Equal([problem], ConfigValues.Read(Sources(file)).Problems);

    [Theory]
    [InlineData("{\"resp\": {\n\"listen\" 5")]
    [InlineData("{} {}")]
    [InlineData("{\"resp\": {")]
    [InlineData("{\"resp\": {\"listen\": \"\\ud800\"}}")]
    public void What_is_no_JSON_is_told_once(string file) => Assert.StartsWith("aevum.json:", Assert.Single(ConfigValues.Read(Sources(file)).Problems));

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        var values = ConfigValues.Read(Sources(
            """{"a": 1, "resp": {"b": 2, "databases": "many"},}""",
            new() { ["AEVUM_RESP__LISTN"] = "", ["AEVUM_DATA__SYNC"] = "never", ["AEVUM_DATASETS"] = "no key", ["PATH"] = "x" },
            new() { [ConfigKeys.DataCache] = "lots" }));
        Assert.Equal(6, values.Problems.Count);
        Assert.Contains("AEVUM_RESP__LISTN: there is no such key; did you mean AEVUM_RESP__LISTEN?", values.Problems);
        Assert.Contains("--cache: expected a size such as 64MiB, not 'lots'", values.Problems);
    }

    [Fact]
    public void Random_files_never_break_the_reader()
    {
        var random = new Core.Scheduling.SeededRandom(7);
        var sample = Encoding.UTF8.GetBytes(
            """{ "data": { "directory": "x", "sync": "os" }, /* c */ "resp": { "listen": ["127.0.0.1:1"], "clients-max": 5, }, }""");
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = sample.ToArray();
            for (var edits = 1 + random.Next(4); edits > 0; edits--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ConfigFile.Read(bytes.AsSpan(0, random.Next(bytes.Length + 1)), "f", []);
        }
    }

    [Fact]
    public void Secrets_come_from_files_and_are_never_shown()
    {
        Write("secret", "hush\n");
        var values = ConfigValues.Read(Sources(environment: new() { ["AEVUM_RESP__PASSWORD_FILE"] = "secret" }));
        Assert.Empty(values.Problems);
        Assert.Equal("hush", values.Get(ConfigKeys.RespPassword));
        Assert.DoesNotContain(values.All, v => v.Shown.Contains("hush", StringComparison.Ordinal));
        Assert.Equal("(set)", values.All.First(v => v.Key == ConfigKeys.RespPassword).Shown);

        Assert.Contains("say the same thing", Assert.Single(ConfigValues.Read(Sources(
            environment: new() { ["AEVUM_RESP__PASSWORD_FILE"] = "secret", ["AEVUM_RESP__PASSWORD"] = "x" })).Problems));
        Assert.Contains("cannot be read", Assert.Single(ConfigValues.Read(Sources(environment: new() { ["AEVUM_RESP__PASSWORD_FILE"] = "nowhere" })).Problems));
        Assert.Contains("no such key", Assert.Single(ConfigValues.Read(Sources(environment: new() { ["AEVUM_DATA__SYNC_FILE"] = "secret" })).Problems));
    }

    [Fact]
    public void The_environment_names_the_file_where_no_flag_does()
    {
        Write("other.json", """{"resp": {"clients-max": 7}}""");
        Assert.Equal(7, ConfigValues.Read(Sources(environment: new() { ["AEVUM_CONFIG"] = "other.json" })).Get(ConfigKeys.RespClientsMax));
        var both = ConfigValues.Read(Sources("""{"resp": {"clients-max": 8}}""", new() { ["AEVUM_CONFIG"] = "other.json" }));
        Assert.Equal(8, both.Get(ConfigKeys.RespClientsMax));
        Assert.Contains("cannot be read", Assert.Single(ConfigValues.Read(Sources(environment: new() { ["AEVUM_CONFIG"] = "nowhere" })).Problems));
    }

    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("64 mib", 64L << 20)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("2GB", 2_000_000_000)]
    [InlineData("0", 0)]
    public void Sizes_have_units(string text, long bytes)
    {
        Assert.Equal(bytes, ConfigForms.ReadSize(text));
        Assert.Equal(bytes, ConfigForms.ReadSize(ConfigForms.WriteSize(bytes)));
    }

    [Theory]
    [InlineData("30s", 30_000_000)]
    [InlineData("250ms", 250_000)]
    [InlineData("10us", 10)]
    [InlineData("1.5h", 5_400_000_000)]
    [InlineData("2d", 172_800_000_000)]
    [InlineData("5m", 300_000_000)]
    [InlineData("0", 0)]
    public void Times_have_units(string text, long microseconds)
    {
        Assert.Equal(microseconds, (long)ConfigForms.ReadTime(text).TotalMicroseconds);
        Assert.Equal(microseconds, (long)ConfigForms.ReadTime(ConfigForms.WriteTime(ConfigForms.ReadTime(text))).TotalMicroseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("1e9")]
    [InlineData("64 furlongs")]
    [InlineData("99999999999TiB")]
    public void What_is_no_size_or_time_is_refused(string text)
    {
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => ConfigForms.ReadSize(text)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => ConfigForms.ReadTime(text)).Code);
    }

    [Fact]
    public void Addresses_are_numbers_or_localhost()
    {
        var read = ConfigForms.Addresses.Read("localhost:1, [::1]:2,*:3,10.0.0.1:65535");
        Assert.Equal([new(IPAddress.Loopback, 1), new(IPAddress.IPv6Loopback, 2), new(IPAddress.Any, 3), new(IPAddress.Parse("10.0.0.1"), 65535)], read);
        Assert.Equal(read, ConfigForms.Addresses.Read(ConfigForms.Addresses.Write(read)));
        Assert.Empty(ConfigForms.Addresses.Read("off"));
        foreach (var wrong in (string[])["1.2.3.4", ":6379", "::1:6379", "example.org:1", "127.0.0.1:65536", "127.0.0.1:-1", "[127.0.0.1]:1x", "a,"])
            Assert.Throws<AevumException>(() => ConfigForms.Addresses.Read(wrong));
    }

    [Theory]
    [InlineData("os", "os")]
    [InlineData("always", "always")]
    [InlineData("every:100", "every:100")]
    [InlineData("1s", "1000ms")]
    [InlineData("0.5s", "500ms")]
    public void Durability_is_read_as_the_log_wants_it(string text, string sync)
    {
        var values = ConfigValues.Read(Sources(flags: new() { [ConfigKeys.DataSync] = text, [ConfigKeys.DataMemory] = "true" }));
        var options = ServerOptions.From(values, Core.Diagnostics.NoLog.Instance);
        Assert.Equal(sync, options.Database.Sync);
        using var opened = Database.OpenInMemory(options.Database);
    }

    [Fact]
    public void The_page_of_the_configuration_has_every_key()
    {
        var path = Path.Combine(TestFolders.Repository, "docs", "configuration.md");
        var page = File.ReadAllText(path);
        const string begin = "<!-- keys: ./dev goldens Server rewrites them -->\n", end = "<!-- end of keys -->";
        var at = page.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var until = page.IndexOf(end, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite") File.WriteAllText(path, page[..at] + "\n" + ConfigPage.Tables() + page[until..]);
        else Assert.Equal("\n" + ConfigPage.Tables(), page[at..until]);
    }

    [Theory]
    [InlineData("MemTotal:  8388608 kB\n", "0::/a/b\n", "/sys/fs/cgroup/a/memory.max", "2147483648\n", 2L << 30)]
    [InlineData("MemTotal:  8388608 kB\n", "0::/a/b\n", "/sys/fs/cgroup/a/memory.max", "max\n", 8L << 30)]
    [InlineData("MemTotal:  8388608 kB\n", "0::/\n", "/sys/fs/cgroup/memory.max", "1073741824\n", 1L << 30)]
    [InlineData("MemTotal:  8388608 kB\n", "4:memory:/docker/x\n0::/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n", 1L << 30)]
    [InlineData("MemTotal:  8388608 kB\n", "4:cpu:/docker/x\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n", 8L << 30)]
    public void Memory_is_what_control_groups_allow(string meminfo, string groups, string limitFile, string limit, long expected)
    {
        foreach (var (path, text) in ((string, string)[])[("/proc/meminfo", meminfo), ("/proc/self/cgroup", groups), (limitFile, limit)])
        {
            _files.CreateDirectory(Path.GetDirectoryName(path)!);
            Write(path, text);
        }
        Assert.Equal(expected, HardwareProfile.Find(_files).MemoryBytes);
    }

    [Fact]
    public void A_machine_that_tells_nothing_has_memory_too() => Assert.InRange(HardwareProfile.Find(_files).MemoryBytes, 1, long.MaxValue);
}
