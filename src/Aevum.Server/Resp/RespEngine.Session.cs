// RespEngine, session: what commands about connections and the server ask of the loop's engine.

using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

sealed partial class RespEngine
{
    /// <summary>Begins a read at the client's moment, for a command that is not about data itself. Ends with the next one.</summary>
    /// <param name="keyspace">Null: the client's.</param>
    public DataCall BeginReading(RespClient client, ReplyWriter reply, KeyspaceId? keyspace = null)
    {
        BeginRead(_reader, _call, keyspace ?? client.Keyspace, client.Moment, reply);
        return _call;
    }
}
