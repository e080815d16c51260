// DemoLoader: WordNet in four keyspaces, as a vector collection, and once more in the structures of Redis (StructureLoader).
//
//   synsets    <id>                     part of speech | category | words | gloss
//   words      <word>/<id>              part of speech | category                the word in lower case, blanks as underscores
//   edges      <from>/<symbol>/<to>     the words of <to>
//   vectors    <id>                     a scale (float32, little endian) and 128 signed bytes: component = byte x scale
//   wordnet    <first word>/<id>        the collection: the same vector as float32, by cosine
//
// Ids are decimal numbers. So one scan answers: which synsets has a word (words: dog/), where does a synset lead (edges: 956/), where by one
// relation (edges: 956/@/: kinds that it is a kind of).

using System.Globalization;
using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Model.Catalog;
using Aevum.Server.Hosting;

namespace Aevum.Cli.Demo;

sealed class DemoLoader
{
    const int BatchSteps = 500;

    readonly Session _session;
    readonly Keyspace _synsets, _words, _edges, _vectors;
    readonly Collection _collection;
    readonly List<string> _wordsOf = [];
    Batch _batch;

    public DemoLoader(Session session)
    {
        var options = new KeyspaceOptions { History = HistoryPolicy.Forever, Compression = KeyspaceCompression.Lz4 };
        _session = session;
        _synsets = session.CreateKeyspace("synsets", options);
        _words = session.CreateKeyspace("words", options);
        _edges = session.CreateKeyspace("edges", options);
        _vectors = session.CreateKeyspace("vectors", options);
        _collection = session.CreateCollection("wordnet", new CollectionOptions(DemoData.Dimensions));
        _batch = session.NewBatch();
    }

    /// <summary>Keys written so far.</summary>
    public long Keys { get; private set; }

    public void Load(DemoData data, Stages stages)
    {
        var synsets = data.Synsets().ToList();
        stages.Begin("synsets", synsets.Count);
        foreach (var synset in synsets)
        {
            _wordsOf.Add(synset.Words);
            var kind = string.Create(CultureInfo.InvariantCulture, $"{synset.PartOfSpeech} | {synset.Category}");
            Put(_synsets, $"{synset.Id}", $"{kind} | {synset.Words} | {synset.Gloss}");
            foreach (var word in synset.Words.Split("; ", StringSplitOptions.RemoveEmptyEntries).Select(AsKey).Distinct())
                Put(_words, $"{word}/{synset.Id}", kind);
            Count(stages);
        }

        var edges = data.Edges(_wordsOf.Count).ToList();
        stages.Begin("edges", edges.Count);
        foreach (var edge in edges)
        {
            Put(_edges, $"{edge.From}/{edge.Symbol}/{edge.To}", _wordsOf[edge.To]);
            Count(stages);
        }

        stages.Begin("vectors", _wordsOf.Count);
        var id = 0;
        var components = new float[DemoData.Dimensions];
        foreach (var vector in data.Vectors(_wordsOf.Count))
        {
            Put(_vectors, $"{id}", vector);
            DemoData.Decode(vector, components);
            _batch.Put(_collection, Encoding.UTF8.GetBytes($"{AsKey(_wordsOf[id].Split("; ")[0])}/{id}"), components);
            id++;
            Count(stages);
        }
        _batch.Commit();

        using (var writer = new BulkWriter(_session.Database))
        {
            new StructureLoader(writer).Load(synsets, edges, stages);
            Keys += writer.Count;
        }
        _session.Database.Flush();
    }

    /// <summary>A word as keys hold it.</summary>
    public static string AsKey(string word) => word.ToLowerInvariant().Replace(' ', '_');

    void Put(Keyspace keyspace, string key, string value) => Put(keyspace, key, Encoding.UTF8.GetBytes(value));

    void Put(Keyspace keyspace, string key, byte[] value)
    {
        _batch.Put(keyspace, Encoding.UTF8.GetBytes(key), value);
        Keys++;
    }

    void Count(Stages stages)
    {
        stages.Advance(1);
        if (_batch.Count < BatchSteps) return;
        _batch.Commit();
        _batch = _session.NewBatch();
    }
}
