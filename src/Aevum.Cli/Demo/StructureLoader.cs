// StructureLoader: WordNet as clients of Redis see it, in database 0.
//
//   synset:<id>           hash          lemma (its first word), words, pos (noun verb adjective adverb), category, gloss
//   word:<word>           set           ids of the synsets that the word is in; in lower case, blanks as underscores
//   rel:<id>:<relation>   set           ids where that relation leads: rel:956:hypernym
//   count:pos             sorted set    parts of speech by their synsets
//   count:relation        sorted set    relations by their edges
//   count:degree          sorted set    ids of synsets by the edges that leave them

using System.Globalization;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Server.Hosting;

namespace Aevum.Cli.Demo;

sealed class StructureLoader(BulkWriter writer)
{
    /// <summary>What the symbols of the data are called (demo/README.md; names as in WordNet's own pages).</summary>
    public static IReadOnlyDictionary<string, string> Relations { get; } = new Dictionary<string, string>
    {
        ["@"] = "hypernym",
        ["@i"] = "instance_hypernym",
        ["~"] = "hyponym",
        ["~i"] = "instance_hyponym",
        ["#m"] = "member_holonym",
        ["#p"] = "part_holonym",
        ["#s"] = "substance_holonym",
        ["%m"] = "member_meronym",
        ["%p"] = "part_meronym",
        ["%s"] = "substance_meronym",
        ["!"] = "antonym",
        ["&"] = "similar",
        ["+"] = "derivation",
        ["^"] = "also",
        ["$"] = "verb_group",
        ["*"] = "entailment",
        [">"] = "cause",
        ["="] = "attribute",
        ["\\"] = "pertainym",
        ["<"] = "participle",
        [";c"] = "topic",
        [";r"] = "region",
        [";u"] = "usage",
        ["-c"] = "topic_member",
        ["-r"] = "region_member",
        ["-u"] = "usage_member",
    };

    readonly Dictionary<string, int> _synsetsByPart = [];
    readonly Dictionary<string, int> _edgesByRelation = [];

    public void Load(IReadOnlyList<Synset> synsets, IReadOnlyList<Edge> edges, Stages stages)
    {
        stages.Begin("hashes", synsets.Count);
        foreach (var synset in synsets)
        {
            var id = Text(synset.Id);
            var part = PartOf(synset.PartOfSpeech);
            var words = synset.Words.Split("; ", StringSplitOptions.RemoveEmptyEntries);
            writer.Add("HSET", "synset:" + id, "lemma", words[0], "words", synset.Words, "pos", part, "category", Text(synset.Category), "gloss", synset.Gloss);
            foreach (var word in words.Select(DemoLoader.AsKey).Distinct()) writer.Add("SADD", "word:" + word, id);
            Count(_synsetsByPart, part);
            stages.Advance(1);
        }

        stages.Begin("sets", edges.Count);
        var degrees = new int[synsets.Count];
        var targets = new List<string>();
        for (var i = 0; i < edges.Count;)
        {
            // Edges of one synset and relation stand together.
            var (from, symbol, _) = edges[i];
            var relation = RelationOf(symbol);
            targets.Clear();
            targets.AddRange(["SADD", $"rel:{Text(from)}:{relation}"]);
            for (; i < edges.Count && edges[i].From == from && edges[i].Symbol == symbol; i++)
            {
                targets.Add(Text(edges[i].To));
                Count(_edgesByRelation, relation);
                degrees[from]++;
                stages.Advance(1);
            }
            writer.Add([.. targets]);
        }

        stages.Begin("sorted sets", degrees.Length);
        foreach (var (part, count) in _synsetsByPart) writer.Add("ZADD", "count:pos", Text(count), part);
        foreach (var (relation, count) in _edgesByRelation) writer.Add("ZADD", "count:relation", Text(count), relation);
        for (var id = 0; id < degrees.Length; id++)
        {
            writer.Add("ZADD", "count:degree", Text(degrees[id]), Text(id));
            stages.Advance(1);
        }
        writer.Commit();
    }

    static void Count(Dictionary<string, int> counts, string what) => counts[what] = counts.GetValueOrDefault(what) + 1;

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    static string RelationOf(string symbol) =>
        Relations.GetValueOrDefault(symbol) ?? throw new CorruptionException($"the demo data has a relation that nobody knows: {symbol}");

    static string PartOf(string letter) => letter switch
    {
        "n" => "noun",
        "v" => "verb",
        "a" => "adjective",
        "r" => "adverb",
        _ => throw new CorruptionException($"the demo data has a part of speech that nobody knows: {letter}"),
    };
}
