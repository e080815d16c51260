using Aevum.Core.Batches;

namespace Aevum.Model.KeyValue;

/// <summary>Deletes every key of a range and returns how many held a value. Key: the first of the range; argument: the first behind it. It walks the
/// range in its turn, while nothing else is decided: for when counting beforehand does not succeed.</summary>
public sealed class DeleteAll : IProcedure
{
    public static DeleteAll Instance { get; } = new();

    public string Name => "kv.delete-all";

    public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        var counter = new Counter();
        context.Scan(key, argument, counter);
        if (counter.Count > 0) context.DeleteRange(key, argument);
        context.Return(counter.Count);
    }

    sealed class Counter : IRowVisitor
    {
        public long Count { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            Count++;
            return true;
        }
    }
}
