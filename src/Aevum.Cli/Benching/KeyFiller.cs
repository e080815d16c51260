using Aevum.Cli.Connecting;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Benching;

/// <summary>Puts there what the commands of a load read: each key once, in bursts, over one connection.</summary>
static class KeyFiller
{
    const int Burst = 256;

    /// <exception cref="AevumException">InputOutput: the connection broke. InvalidArgument: the server answered an error.</exception>
    public static void Fill(LoadOptions options, Stages stages, CancellationToken cancellation)
    {
        var fills = options.Mix.Parts.Select(p => p.Command.FilledBy).OfType<string>().Distinct().ToArray();
        using var stream = RespConnection.Open(options.Server).Detach();
        var (draw, requests, skimmer, received) = (options.NewDraw(options.Seed), new RequestBuffer(), new ReplySkimmer(), new byte[16 << 10]);
        foreach (var command in fills.Select(f => LoadCommands.Find(f)!))
        {
            stages.Begin("fill " + command.Name, options.Keys);
            for (long key = 0; key < options.Keys && !cancellation.IsCancellationRequested; key += Burst)
            {
                var count = (int)Math.Min(Burst, options.Keys - key);
                requests.Clear();
                for (var i = 0; i < count; i++)
                {
                    draw.Give(key + i);
                    command.Write(requests, draw);
                }
                Exchange(stream, requests, skimmer, received, count);
                stages.Advance(count);
            }
        }
    }

    static void Exchange(Stream stream, RequestBuffer requests, ReplySkimmer skimmer, byte[] received, int count)
    {
        try
        {
            stream.Write(requests.Written.Span);
            while (count > 0)
            {
                var length = stream.Read(received);
                if (length == 0) throw new AevumException(ErrorCode.InputOutput, "the server ended the connection");
                ReadOnlySpan<byte> bytes = received.AsSpan(0, length);
                while (skimmer.TrySkim(ref bytes, out var kind))
                {
                    if (kind == ReplyKind.Error) Throw.Invalid($"keys cannot be filled: {skimmer.Error}");
                    count--;
                }
            }
        }
        catch (IOException failure)
        {
            throw new AevumException(ErrorCode.InputOutput, $"the connection broke: {failure.InnerException?.Message ?? failure.Message}", failure);
        }
    }
}
