// AllCommands: every command there is, listed by hand: nothing is found by reflection, so that trimming leaves them alone.

using Aevum.Server.Resp.Commands.Access;
using Aevum.Server.Resp.Commands.Bitmaps;
using Aevum.Server.Resp.Commands.Connection;
using Aevum.Server.Resp.Commands.Geo;
using Aevum.Server.Resp.Commands.Hashes;
using Aevum.Server.Resp.Commands.History;
using Aevum.Server.Resp.Commands.HyperLogLogs;
using Aevum.Server.Resp.Commands.Keys;
using Aevum.Server.Resp.Commands.Lists;
using Aevum.Server.Resp.Commands.PubSub;
using Aevum.Server.Resp.Commands.Server;
using Aevum.Server.Resp.Commands.Sets;
using Aevum.Server.Resp.Commands.SortedSets;
using Aevum.Server.Resp.Commands.Streams;
using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Commands.Transactions;
using Aevum.Server.Resp.Commands.Vectors;
using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp;

static class AllCommands
{
    /// <param name="server">Whom commands about the server ask.</param>
    public static IEnumerable<RespCommand> Make(RespServer server) => [
        .. ConnectionCommands.Make(),
        .. ServerCommands.Make(),
        AclCommands.Make(),
        .. PubSubCommands.Make(),
        .. TransactionCommands.Make(), .. KeyCommands.Make(server), .. StringCommands.Make(),
        .. BitmapCommands.Make(),
        .. HyperLogLogCommands.Make(),
        .. GeoCommands.Make(), .. HashCommands.Make(),
        .. ListCommands.Make(),
        .. SetCommands.Make(),
        .. SortedSetCommands.Make(),
        .. HistoryCommands.Make(),
        .. StreamCommands.Make(),
        .. VectorCommands.Make(),
    ];
}
