// HistoryFile: a history as lines, one transaction each, in the form that checkers of strict serializability read:
//
//   {"p": who, "op": "txn", "arg": [[op, key, argument], ...], "ret": [result, ...], "call": began, "end": ended}
//
// op is get, put or del, on one map of keys; a range that was read stands there as a get of each key that it could have held. "end" null: nobody was
// told; it may have happened later, or never, and what it read is left out. Histories hold serializable transactions alone, or no order would explain
// them.

using System.Text.Json;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

static class HistoryFile
{
    public static void Write(string path, IReadOnlyList<(Attempt Attempt, HistoryTransaction Told)> history, IReadOnlyList<Attempt> neverDone)
    {
        var keys = history.Where(h => h.Told.IsCommitted).SelectMany(h => h.Told.Steps).OfType<KeyWrite>().Select(w => w.Key)
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        using var file = new StreamWriter(path);
        foreach (var (attempt, told) in history.Where(h => h.Told.IsCommitted)) Write(file, attempt, told.Steps, keys);
        foreach (var attempt in neverDone) Write(file, attempt, attempt.Steps, keys);
    }

    static void Write(StreamWriter file, Attempt attempt, IReadOnlyList<HistoryStep> steps, string[] keys)
    {
        var isKnown = attempt.Ended is not null;
        var (arguments, results) = (new List<object?[]>(), new List<object?>());
        foreach (var step in steps)
        {
            switch (step)
            {
                case KeyWrite write:
                    arguments.Add([write.IsDelete ? "del" : "put", write.Key, write.IsDelete ? null : write.Tag]);
                    results.Add(null);
                    break;
                case KeyRead read when isKnown:
                    arguments.Add(["get", read.Key, null]);
                    results.Add(read.Tag);
                    break;
                case RangeRead range when isKnown:
                    foreach (var key in keys)
                    {
                        if (string.CompareOrdinal(key, range.Start) < 0 || string.CompareOrdinal(key, range.End) >= 0) continue;
                        arguments.Add(["get", key, null]);
                        results.Add(range.Found.GetValueOrDefault(key));
                    }
                    break;
            }
        }
        file.WriteLine(JsonSerializer.Serialize(
            new { p = attempt.Name, op = "txn", arg = arguments, ret = isKnown ? results : null, call = attempt.Began, end = attempt.Ended }));
    }
}
