// LoadingTransaction: what a client queues between MULTI and EXEC before the database is open. What Redis refuses while it loads is refused, and EXEC then;
// else EXEC waits for the database with all that was queued, which the server takes over as if it had come there.

using System.Text;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Hosting;

sealed class LoadingTransaction
{
    const int BytesMax = 64 << 10;

    readonly List<byte[]> _requests = [];
    int _bytes;
    bool _hasFailed;

    public static bool Accepts(CommandFacts facts, int count) => facts.Arity >= 0 ? count == facts.Arity : count >= -facts.Arity;

    /// <summary>False: EXEC answers at once.</summary>
    public bool IsWorthExecuting => !_hasFailed && _requests.Count > 0;

    /// <summary>EXEC will do nothing.</summary>
    public void Fail() => _hasFailed = true;

    /// <summary>Takes a request.</summary>
    /// <param name="request">As it came.</param>
    /// <param name="facts">Null: Redis has no such command.</param>
    /// <param name="isOver">True: this was its last one.</param>
    /// <returns>The reply.</returns>
    public ReadOnlySpan<byte> Take(CommandArguments args, ReadOnlySpan<byte> request, CommandFacts? facts, out bool isOver)
    {
        isOver = facts?.Name is "exec" or "discard";
        switch (facts?.Name)
        {
            case "exec":
                return _hasFailed ? "-EXECABORT Transaction discarded because of previous errors.\r\n"u8 : "*0\r\n"u8;
            case "discard":
                return "+OK\r\n"u8;
            case "multi":
                return "-ERR MULTI calls can not be nested\r\n"u8;
            case "watch":
                return "-ERR WATCH inside MULTI is not allowed\r\n"u8;
        }
        if (facts?.Flags.Contains("loading") != true || _bytes + request.Length > BytesMax)
        {
            Fail();
            return LoadingClient.Refusal;
        }
        if (facts.Flags.Contains("no_multi"))
        {
            Fail();
            return RespErrors.NotInTransaction;
        }
        _requests.Add(request.ToArray());
        _bytes += request.Length;
        return "+QUEUED\r\n"u8;
    }

    /// <summary>Queues all of it anew, where it is known what the client may do; it has been answered. On the loop.</summary>
    public void HandTo(RespClient client)
    {
        client.IsMuted = true;
        client.OnReceived(Encoding.ASCII.GetBytes("MULTI\r\n"));
        foreach (var request in _requests)
        {
            if (client.Transaction is not { } transaction) break;   // it has to show first who it is: EXEC will say so
            if (client.OnReceived(request) != request.Length) transaction.Fail();
        }
        if (_hasFailed) client.Transaction?.Fail();
        client.IsMuted = false;
    }
}
