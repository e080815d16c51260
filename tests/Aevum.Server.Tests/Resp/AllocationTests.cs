using System.Text;

namespace Aevum.Server.Tests.Resp;

/// <summary>What a pipeline of ordinary requests leaves behind on the managed heap, from the bytes that come in to the bytes that go out.</summary>
public sealed class AllocationTests
{
    const int Pipeline = 16;
    const int Rounds = 200;

    // Until then lists are growing: of requests, and of versions whose memory is used again.
    const int RoundsBefore = 3_000;

    // The log's file in memory grows now and then; nothing else may.
    const double BytesPerRequest = 1;

    [Theory]
    [InlineData("SET", "some value")]
    [InlineData("GET", null)]
    [InlineData("INCR", null)]
    public void A_pipeline_of_plain_requests_allocates_nothing(string command, string? value)
    {
        using var world = new RespWorld();
        var channel = world.Connect();
        var request = new StringBuilder();
        for (var i = 0; i < Pipeline; i++)
        {
            var key = $"{command.ToLowerInvariant()}:{i}";
            if (command == "GET") world.Ask("SET", key, "0");
            request.Append(Encoding.Latin1.GetString(TestChannel.Request(value is null ? [command, key] : [command, key, value])));
        }
        var bytes = Encoding.Latin1.GetBytes(request.ToString());
        long before = 0;
        for (var round = 0; round < RoundsBefore + Rounds; round++)
        {
            if (round == RoundsBefore) before = GC.GetAllocatedBytesForCurrentThread();
            if (channel.Client.OnReceived(bytes) != bytes.Length) Assert.Fail("not all was taken");   // Assert.Equal allocates
            world.Loop.EndTurn();
            channel.Drop();
        }
        var perRequest = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)(Rounds * Pipeline);
        Assert.True(perRequest < BytesPerRequest, $"{command}: {perRequest:F1} bytes a request");
    }
}
