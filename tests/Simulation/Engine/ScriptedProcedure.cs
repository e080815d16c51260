// ScriptedProcedure: a procedure that does what a seed drew: reads, scans, writes, fails. What it saw is what it returns, as text, so that the
// model, which runs the same script on its own state, tells a wrong read at once.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Simulation.Engine;

enum ScriptAction
{
    Read,
    Scan,
    Put,
    Delete,
    Merge,
    DeleteRange,

    /// <summary>Puts one more than the decimal number that the key holds.</summary>
    Count,

    /// <summary>Puts what the key holds, twice over.</summary>
    Copy,
    Fail,
}

readonly record struct ScriptLine(ScriptAction Action, byte[] Key, byte[] Value, int Limit, ulong Expiry);

sealed class ScriptedProcedure(IReadOnlyList<ScriptLine> lines) : IProcedure
{
    public string Name => "simulation.script";

    public IReadOnlyList<ScriptLine> Lines => lines;

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        var seen = new StringBuilder();
        long count = 0;
        foreach (var line in lines)
        {
            switch (line.Action)
            {
                case ScriptAction.Read:
                    seen.Append(context.TryRead(line.Key, out var read) ? Show(read) : "-").Append(' ');
                    break;
                case ScriptAction.Scan:
                    var visitor = new Visitor(seen, line.Limit);
                    context.Scan(line.Key, line.Value, visitor);
                    count += visitor.Count;
                    break;
                case ScriptAction.Put: context.Put(line.Key, line.Value, new(line.Expiry)); break;
                case ScriptAction.Delete: context.Delete(line.Key); break;
                case ScriptAction.Merge: context.Merge(line.Key, line.Value); break;
                case ScriptAction.DeleteRange: context.DeleteRange(line.Key, line.Value); break;
                case ScriptAction.Count:
                    var sum = context.TryRead(line.Key, out var number) &&
                        long.TryParse(Encoding.ASCII.GetString(number.Bytes), out var before) ? before + 1 : 1;
                    context.Put(line.Key, Encoding.ASCII.GetBytes(sum.ToString(CultureInfo.InvariantCulture)));
                    count += sum;
                    break;
                case ScriptAction.Copy:
                    if (!context.TryRead(line.Key, out var found)) break;
                    if (found.Bytes.Length < 500) context.Put(line.Key, [.. found.Bytes, .. found.Bytes], found.Expiry);
                    break;
                case ScriptAction.Fail:
                    context.Return(-1);
                    throw new AevumException((ErrorCode)line.Limit, "as the script says");
            }
        }
        context.Return(count);
        // Not all of it: an answer is kept with its idempotency key.
        context.Return(Encoding.ASCII.GetBytes(seen.Length > 300 ? seen.ToString(0, 300) : seen.ToString()));
    }

    // The batch's own writes have its time, which is not the same for the model where that has to guess it.
    static string Show(in FoundValue value) =>
        string.Create(CultureInfo.InvariantCulture, $"{Hash(value.Bytes):x8}/{value.Bytes.Length}/{value.Expiry.Value}");

    static uint Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261;
        foreach (var b in bytes) hash = (hash ^ b) * 16777619;
        return hash;
    }

    sealed class Visitor(StringBuilder seen, int limit) : IRowVisitor
    {
        public int Count { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            Count++;
            seen.Append(Convert.ToHexString(key[Math.Min(8, key.Length)..])).Append('=').Append(Show(value)).Append(' ');
            return Count < limit;
        }
    }
}
