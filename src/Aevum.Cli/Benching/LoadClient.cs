// LoadClient: one connection of a load: sends a burst of requests, takes its replies, and again. How long a reply took is counted from when its burst
// was sent.
//
//   Running -> Ended     no request is left, or the load is over
//   Running -> Broken    the connection ended, or what came is no reply: told as an error; RedisLoad opens another
//
// It waits as a task: with thousands of clients most of them wait, and none of them holds a thread.

using Aevum.Cli.Connecting;
using Aevum.Core.Errors;

namespace Aevum.Cli.Benching;

sealed class LoadClient
{
    readonly RedisLoad _load;
    readonly LoadDraw _draw;
    readonly RequestBuffer _requests = new();
    readonly ReplySkimmer _skimmer = new();
    readonly int[] _asked;
    readonly byte[] _received = new byte[16 << 10];
    Stream? _stream;
    Task _running = Task.CompletedTask;

    public LoadClient(RedisLoad load, ulong seed)
    {
        _load = load;
        _draw = load.Options.NewDraw(seed);
        _asked = new int[load.Options.Pipeline];
    }

    /// <summary>True: it waits for another connection.</summary>
    public bool IsBroken { get; private set; } = true;

    /// <summary>Connects.</summary>
    /// <exception cref="AevumException">As of <see cref="RespConnection.Open"/>.</exception>
    public void Open()
    {
        _stream = RespConnection.Open(_load.Options.Server).Detach();
        _skimmer.Reset();
        IsBroken = false;
    }

    public void Begin() => _running = RunAsync();

    /// <summary>Waits for the replies that are under way, if they come, and disconnects.</summary>
    public void End(TimeSpan atMost)
    {
        _running.Wait(atMost);
        _stream?.Dispose();
        _running.Wait();
    }

    async Task RunAsync()
    {
        // Whoever began it begins the others first.
        await Task.Yield();
        try
        {
            while (_load.TakeRequests(_asked.Length) is > 0 and var count) await BurstAsync(count).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is AevumException or IOException or ObjectDisposedException)
        {
            _stream!.Dispose();
            if (_load.IsOver) return;
            _load.Errors.Add("the connection broke: " + (failure.InnerException ?? failure).Message);
            _load.CountBroken();
            IsBroken = true;
        }
        finally
        {
            if (!IsBroken) _load.CountEnded();
        }
    }

    async ValueTask BurstAsync(int count)
    {
        _requests.Clear();
        for (var i = 0; i < count; i++)
        {
            _asked[i] = _load.Options.Mix.Draw(_draw.Random);
            _load.Options.Mix.Parts[_asked[i]].Command.Write(_requests, _draw);
        }
        var sent = _load.Time.GetTimestamp();
        await _stream!.WriteAsync(_requests.Written).ConfigureAwait(false);
        for (var answered = 0; answered < count;)
        {
            var length = await _stream.ReadAsync(_received).ConfigureAwait(false);
            if (length == 0) throw new AevumException(ErrorCode.InputOutput, "the server ended the connection");
            answered = Take(_received.AsSpan(0, length), answered, count, sent);
        }
    }

    int Take(ReadOnlySpan<byte> bytes, int answered, int count, long sent)
    {
        var counters = _load.Counters;
        var nanoseconds = (long)_load.Time.GetElapsedTime(sent).TotalNanoseconds;
        while (_skimmer.TrySkim(ref bytes, out var kind))
        {
            if (answered == count) throw new AevumException(ErrorCode.InputOutput, "the server answered what nobody asked");
            var command = _asked[answered++];
            counters.Latencies[command].Record(nanoseconds);
            if (kind == ReplyKind.Nothing) counters.Nothing[command]++;
            if (kind != ReplyKind.Error) continue;
            counters.Errors[command]++;
            _load.Errors.Add(_skimmer.Error);
        }
        return answered;
    }
}
