// TransactionScript: a transaction of the database with a record of what it read and wrote beside it. What it reads of its own writes is checked at
// once; everything else when the history is.

using System.Globalization;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Model.Keyspace;
using Aevum.Simulation.Storage;
using Aevum.Testing.Histories;

namespace Aevum.Simulation.Sessions;

sealed class TransactionScript(Transaction transaction, Attempt attempt, Func<Place, Keyspace> keyspaceOf)
{
    readonly SortedDictionary<byte[], byte[]?> _own = new(ByteOrder.Instance);   // by full key; null: deleted
    int _tags;

    public Attempt Attempt => attempt;

    public Transaction Transaction => transaction;

    public bool HasWrites => _own.Count > 0;

    public bool HasWitness => _own.Any(o => Place.Of(o.Key).Keyspace == Place.Default && o.Value?[0] == 'T');

    public void Get(Place place)
    {
        var value = transaction.Get(keyspaceOf(place), place.User);
        Note(place, value);
    }

    public void GetForUpdate(Place place)
    {
        attempt.EndedByLock = true;
        Note(place, transaction.GetForUpdate(keyspaceOf(place), place.User));
        attempt.EndedByLock = false;
    }

    void Note(Place place, byte[]? value)
    {
        if (_own.TryGetValue(place.Full, out var own))
        {
            if (!(own ?? []).AsSpan().SequenceEqual(value)) throw new SimulationFailure($"{attempt.Name} does not read back what it wrote to {place}");
            return;
        }
        attempt.Steps.Add(new KeyRead(place.Name, value is null ? null : place.TagOf(value)));
    }

    /// <param name="most">Left after so many.</param>
    public void Scan(Place start, string end, int most)
    {
        var found = new Dictionary<string, string>();
        var behind = new Place(start.Keyspace, end).Name;
        foreach (var entry in transaction.Scan(keyspaceOf(start), ScanOptions.Between(start.User, Encoding.ASCII.GetBytes(end))))
        {
            var place = new Place(start.Keyspace, Encoding.ASCII.GetString(entry.Key));
            found[place.Name] = place.TagOf(entry.Value);
            if (found.Count < most) continue;
            behind = place.Name + "\0";
            break;
        }
        attempt.Steps.Add(new RangeRead(start.Name, behind, found));
    }

    public void Put(Place place, int padding)
    {
        var tag = string.Create(CultureInfo.InvariantCulture, $"{attempt.Name}.{++_tags}");
        var value = Encoding.ASCII.GetBytes(padding == 0 ? tag : $"{tag}~{new string('.', padding)}");
        transaction.Put(keyspaceOf(place), place.User, value);
        Write(place, value, tag);
    }

    public void Delete(Place place)
    {
        transaction.Delete(keyspaceOf(place), place.User);
        Write(place, null, string.Create(CultureInfo.InvariantCulture, $"{attempt.Name}.{++_tags}"));
    }

    public void Increment(Place place, int delta)
    {
        var isOwn = _own.ContainsKey(place.Full);
        var sum = transaction.Increment(keyspaceOf(place), place.User, delta);
        var value = Number(sum);
        if (!isOwn) attempt.Steps.Add(new KeyRead(place.Name, sum == delta ? null : place.TagOf(Number(sum - delta))));
        Write(place, value, place.TagOf(value));
    }

    public static byte[] Number(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));

    void Write(Place place, byte[]? value, string tag)
    {
        _own[place.Full] = value;
        attempt.Steps.Add(new KeyWrite(place.Name, tag, 0, value is null));
    }

    // ---------------------------------------------------------------------------------------- savepoints

    /// <returns>What takes back everything from here on, as often as it is asked.</returns>
    public Action Save()
    {
        var savepoint = transaction.SetSavepoint();
        var own = _own.ToArray();
        var steps = attempt.Steps.Count;
        return () =>
        {
            transaction.RollbackTo(savepoint);
            attempt.WentBack = true;
            var writes = attempt.Steps.Skip(steps).OfType<KeyWrite>().ToArray();
            attempt.TakenBack.AddRange(writes.Where(w => !w.IsDelete && w.Tag[0] == 'T'));
            foreach (var write in writes) attempt.Steps.Remove(write);
            // A range that was read around writes of its own does not show what they hid.
            if (writes.Length > 0) attempt.Steps.RemoveAll(s => s is RangeRead && attempt.Steps.IndexOf(s) >= steps);
            _own.Clear();
            foreach (var (key, value) in own) _own[key] = value;
        };
    }

    // ---------------------------------------------------------------------------------------- ending

    /// <summary>Says what the commit will do.</summary>
    public void Prepare()
    {
        attempt.Effects.Clear();
        foreach (var (key, value) in _own)
        {
            if (value is null) attempt.Effects.Add(new(EffectKind.Delete, key, [], 0));
            else attempt.Put(Place.Of(key), value);
        }
    }

    public ulong Commit()
    {
        Prepare();
        return transaction.Commit().Value;
    }
}
