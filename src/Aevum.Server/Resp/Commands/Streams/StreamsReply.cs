using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>The reply of XREAD and XREADGROUP: streams and their entries; a map in the third version of the protocol. Without streams it is nothing.</summary>
struct StreamsReply(ReplyWriter reply)
{
    int _at = -1;
    long _streams;

    /// <summary>Begins a stream's part; its entries follow as one array.</summary>
    public void Begin(ReadOnlySpan<byte> key)
    {
        if (_streams++ == 0) _at = reply.BeginArray('%');
        if (reply.Version < 3) reply.Array(2);
        reply.Bulk(key);
    }

    /// <returns>False: there were no streams, and nothing has been written.</returns>
    public readonly bool TryEnd()
    {
        if (_streams == 0) return false;
        reply.EndArray(_at, _streams);
        return true;
    }
}
