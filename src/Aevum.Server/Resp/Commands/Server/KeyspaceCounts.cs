// KeyspaceCounts: how many keys each database has, for INFO keyspace. There is no counter to read: keys expire by themselves, and a flush is one range
// delete. They are counted by a walk over heads, and since INFO is asked often, a count is told again until twenty times as long has passed as the walk took:
// small databases are counted each time, and counting takes a twentieth of one worker at most.

using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Server.Resp.Commands.Keys;

namespace Aevum.Server.Resp.Commands.Server;

/// <param name="Expiring">Keys that have an expiry.</param>
/// <param name="TimeToLive">Of those, milliseconds on average.</param>
readonly record struct KeyspaceCount(int Database, long Keys, long Expiring, long TimeToLive);

sealed class KeyspaceCounts(RespServer server)
{
    const int Patience = 20;

    readonly Lock _gate = new();
    IReadOnlyList<KeyspaceCount> _counts = [];
    long _countedAt = -1;
    TimeSpan _took;

    /// <summary>Databases that hold something. May take as long as a walk over all: not on a loop.</summary>
    public IReadOnlyList<KeyspaceCount> Count()
    {
        lock (_gate)
        {
            var time = server.Scheduler.Time;
            if (_countedAt >= 0 && time.GetElapsedTime(_countedAt) < Patience * _took) return _counts;
            var began = server.Timestamp;
            _counts = [.. Enumerable.Range(0, server.Databases.Count).Select(CountOf).Where(c => c.Keys > 0)];
            _countedAt = server.Timestamp;
            _took = time.GetElapsedTime(began, _countedAt);
            return _counts;
        }
    }

    KeyspaceCount CountOf(int number)
    {
        if (!server.Databases.TryIdOf(number, out var keyspace)) return default;
        var now = server.Database.Clock.Now;
        var reader = new ViewReader(server.Database.Router) { Time = now };
        long keys = 0, expiring = 0;
        double left = 0;
        HeadWalk.Run(reader, keyspace, default, (_, _, expiry) =>
        {
            keys++;
            if (expiry == SystemTime.None) return true;
            expiring++;
            left += Math.Max(0, (double)expiry.Microseconds - now.Microseconds) / 1000;
            return true;
        });
        return new KeyspaceCount(number, keys, expiring, expiring == 0 ? 0 : (long)(left / expiring));
    }
}
