namespace Aevum.Protocols.Tests;

/// <summary>The harness finds what it is there to find.</summary>
public sealed class ClientScriptTests
{
    static readonly string[] s_all = [.. ClientScript.Topics.Select(t => t + ": works")];

    [Fact]
    public void A_run_in_which_all_held_is_without_complaint() => Assert.Empty(new ClientScript(s_all, [], s_all.Length, 0, "").Complaints());

    [Fact]
    public void A_failed_check_is_told() =>
        Assert.Equal(["lists: push: said 3"], new ClientScript(s_all, ["lists: push: said 3"], s_all.Length + 1, 1, "").Complaints());

    [Fact]
    public void A_script_that_dies_early_is_no_success() => Assert.NotEmpty(new ClientScript(s_all, [], null, 0, "").Complaints());

    [Fact]
    public void A_check_that_is_lost_is_missed() => Assert.NotEmpty(new ClientScript(s_all, [], s_all.Length + 1, 0, "").Complaints());

    [Fact]
    public void A_bad_exit_code_is_told() => Assert.NotEmpty(new ClientScript(s_all, [], s_all.Length, 3, "").Complaints());

    [Fact]
    public void A_topic_that_nobody_checks_is_told() =>
        Assert.Equal([$"{ClientScript.Topics[0]}: no check of it ran"], new ClientScript(s_all[1..], [], s_all.Length - 1, 0, "").Complaints());

    [Fact]
    public void A_client_that_is_not_there_skips_and_says_why()
    {
        foreach (var name in (string[])["redis-cli", "redis-py", "ioredis", "node-redis"])
        {
            var client = Client.Of(name);
            Assert.True((client.Program is null) == (client.Missing is not null), name);
            Assert.True(File.Exists(client.ScriptPath), client.ScriptPath);
            Assert.Equal(client.Missing, new FactForClientAttribute(name).Skip);
        }
        Assert.Throws<ArgumentException>(() => Client.Of("no-such-client"));
    }
}
