// DemoLoader: WordNet as keys.
//
//   synset/<id>                    part of speech | category | words | gloss
//   word/<word>/<id>               part of speech | category                the word in lower case, blanks as underscores
//   edge/<from>/<symbol>/<to>      the words of <to>
//   vector/<id>                    a scale (float32, little endian) and 128 signed bytes: component = byte x scale
//
// Ids are decimal numbers. So one scan answers: which synsets has a word (word/dog/), where does a synset lead (edge/956/), where by one
// relation (edge/956/@/: kinds that it is a kind of).

using System.Globalization;
using System.Text;
using Aevum.Cli.Stores;
using Aevum.Cli.Terminals;
using Aevum.Core.Batches;

namespace Aevum.Cli.Demo;

sealed class DemoLoader(Store store)
{
    const int BatchEffects = 500;

    readonly WriteBatch _batch = new();
    readonly List<string> _words = [];

    /// <summary>Keys written so far.</summary>
    public long Keys { get; private set; }

    public void Load(DemoData data, Stages stages)
    {
        var synsets = data.Synsets().ToList();
        stages.Begin("synsets", synsets.Count);
        foreach (var synset in synsets)
        {
            _words.Add(synset.Words);
            var kind = string.Create(CultureInfo.InvariantCulture, $"{synset.PartOfSpeech} | {synset.Category}");
            Put($"synset/{synset.Id}", $"{kind} | {synset.Words} | {synset.Gloss}");
            foreach (var word in synset.Words.Split("; ", StringSplitOptions.RemoveEmptyEntries).Select(AsKey).Distinct())
                Put($"word/{word}/{synset.Id}", kind);
            Count(stages);
        }

        var edges = data.Edges(_words.Count).ToList();
        stages.Begin("edges", edges.Count);
        foreach (var edge in edges)
        {
            Put($"edge/{edge.From}/{edge.Symbol}/{edge.To}", _words[edge.To]);
            Count(stages);
        }

        stages.Begin("vectors", _words.Count);
        var id = 0;
        foreach (var vector in data.Vectors(_words.Count))
        {
            Put($"vector/{id++}", vector);
            Count(stages);
        }
        Write();
        store.Tree.Flush();
        store.Tree.WaitIdle();
    }

    static string AsKey(string word) => word.ToLowerInvariant().Replace(' ', '_');

    void Put(string key, string value) => Put(key, Encoding.UTF8.GetBytes(value));

    void Put(string key, byte[] value)
    {
        _batch.Put(Encoding.UTF8.GetBytes(key), value);
        Keys++;
    }

    void Count(Stages stages)
    {
        stages.Advance(1);
        if (_batch.Count >= BatchEffects) Write();
    }

    void Write()
    {
        _batch.SystemTime = store.NextTime();
        store.Tree.Write(_batch);
        _batch.Clear();
    }
}
