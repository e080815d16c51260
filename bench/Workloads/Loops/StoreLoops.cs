// StoreLoops: the loops that are measured, one method each, compiled once per engine.
//
// Each takes a stretch of an order and does nothing but make a key, call the engine, and look at what came back: the first byte of a
// value, the last of a key, so that nobody can win by not producing them. Callers pass stretches of some thousand operations, so a
// loop is entered often enough to be replaced by its optimized code early, in the warm-up.

namespace Aevum.Bench.Workloads.Loops;

sealed unsafe class StoreLoops<TEngine, TCursor>
    where TEngine : struct, Engines.IStoreEngine<TCursor>
    where TCursor : struct, Engines.IStoreCursor
{
    /// <summary>Operations in one stretch of a long loop.</summary>
    public const int Stretch = 10_000;

    /// <summary>A field, not a property: the loops call the struct in place.</summary>
    public TEngine Engine;

    /// <summary>Sum of what was looked at. Public, so that no compiler may drop the looking.</summary>
    public long Seen;

    public void Put(uint* order, int count, int epoch, int valueBytes)
    {
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        for (var i = 0; i < count; i++)
        {
            Keys.Set(key, order[i]);
            Engine.Put(new(key, Keys.Length), new(Values.At(order[i], epoch), valueBytes));
        }
    }

    public void PutBatches(uint* order, int count, int epoch, int valueBytes, int batchSize)
    {
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        for (var i = 0; i < count;)
        {
            Engine.BeginBatch();
            for (var end = Math.Min(i + batchSize, count); i < end; i++)
            {
                Keys.Set(key, order[i]);
                Engine.AddToBatch(new(key, Keys.Length), new(Values.At(order[i], epoch), valueBytes));
            }
            Engine.CommitBatch();
        }
    }

    /// <returns>How many keys were there.</returns>
    public int Get(uint* order, int count)
    {
        var key = stackalloc byte[Keys.Length];
        var target = stackalloc byte[Values.LengthMax];
        Keys.Begin(key);
        var found = 0;
        long seen = 0;
        for (var i = 0; i < count; i++)
        {
            Keys.Set(key, order[i]);
            if (Engine.Get(new(key, Keys.Length), new(target, Values.LengthMax)) < 0) continue;
            found++;
            seen += target[0];
        }
        Seen += seen;
        return found;
    }

    /// <returns>How many entries the store holds.</returns>
    public long Scan()
    {
        using var cursor = Engine.OpenCursor();
        long entries = 0, seen = 0;
        for (cursor.First(); cursor.IsValid; cursor.Next())
        {
            seen += cursor.Key[^1] + cursor.Value[0];
            entries++;
        }
        Seen += seen;
        return entries;
    }

    /// <summary>Per index: seek, look at the entry there and at those after it, <paramref name="nexts"/> steps.</summary>
    /// <returns>Entries looked at.</returns>
    public long Seek(uint* order, int count, int nexts, ref TCursor cursor)
    {
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        long entries = 0, seen = 0;
        for (var i = 0; i < count; i++)
        {
            Keys.Set(key, order[i]);
            cursor.Seek(new(key, Keys.Length));
            for (var n = 0; n < nexts && cursor.IsValid; n++)
            {
                seen += cursor.Key[^1] + cursor.Value[0];
                entries++;
                cursor.Next();
            }
        }
        Seen += seen;
        return entries;
    }

    /// <summary>The same with a new cursor per seek, which sees the present.</summary>
    public long SeekAnew(uint* order, int count, int nexts)
    {
        long entries = 0;
        for (var i = 0; i < count; i++)
        {
            var cursor = Engine.OpenCursor();
            entries += Seek(order + i, 1, nexts, ref cursor);
            cursor.Dispose();
        }
        return entries;
    }
}
