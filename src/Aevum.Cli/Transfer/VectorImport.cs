// VectorImport: aevum import DIR [FILE] --collection NAME: vectors of a file or a pipe into a collection.
//
//   vector -> the batch that is filling -> a commit every 500 rows or 1 MiB; at the end the index catches up and is saved with the database
//
// Always true: where an import ends at a row that is refused, all rows before it are committed, and none after it. A key that comes again gets a version more.

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Model.Vectors;

namespace Aevum.Cli.Transfer;

/// <summary>What the command line says of a collection.</summary>
sealed class VectorOptions
{
    public Option<string?> Collection { get; } = new("--collection") { Description = "Vectors, into this collection." };

    public Option<int?> Dimension { get; } = new("--dim") { Description = "Components of a vector; of f32, f16 and i8 it must be told." };

    public Option<string> Metric { get; } = new("--metric")
    {
        Description = "How vectors are compared, of a collection that is made.", DefaultValueFactory = _ => "cosine",
    };

    public Option<string> Element { get; } = new("--type")
    {
        Description = "What is kept of a component, of a collection that is made.", DefaultValueFactory = _ => "f32",
    };

    public Option<string> Prefix { get; } = new("--prefix") { Description = "Stands before row numbers that are keys.", DefaultValueFactory = _ => "" };

    public VectorOptions()
    {
        Metric.AcceptOnlyFromAmong([.. VectorWords.NumberMetrics]);
        Element.AcceptOnlyFromAmong([.. VectorWords.NumberElements]);
    }

    public IEnumerable<Option> All => [Collection, Dimension, Metric, Element, Prefix];
}

sealed class VectorImport(Terminal terminal, VectorOptions given, ParseResult parsed, bool skipBad)
{
    const int BatchRows = 500;
    const int BatchBytes = 1 << 20;
    const int BadRowsTold = 20;

    readonly HashSet<byte[]> _keys = new(KeyComparer.Instance);
    long _rows;
    long _commits;
    long _bad;

    /// <summary>Imports every row, or up to the first bad one.</summary>
    public int Run(string directory, Func<Stream> open, string format, bool create, string? tenant, bool json)
    {
        if (format == "tsv") Throw.Invalid("vectors come as fvecs, npy, f32, f16, i8 or ndjson");
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        using var file = new VectorFiles(open(), format, parsed.GetValue(given.Dimension));
        var isWhole = false;
        using (var opened = OpenedDatabase.Open(directory, create, tenant))
        {
            if (json) isWhole = Import(opened.Session, file, create, (_, _) => { }, _ => { });
            else Stages.Run(terminal, time, stages => isWhole = Import(opened.Session, file, create, stages.Begin, stages.Advance));
        }
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        if (_bad > BadRowsTold) terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"... and {_bad - BadRowsTold:N0} more bad rows"));
        if (!isWhole) terminal.Fail("the import ended there; the rows before it are imported (--skip-bad goes on)");
        terminal.Out.WriteLine(json ? AsJson(isWhole, seconds)
            : string.Create(CultureInfo.InvariantCulture, $"{_rows:N0} vectors in {_commits:N0} commits and the index; {_bad:N0} bad rows"));
        return isWhole ? ExitCodes.Done : ExitCodes.Problems;
    }

    bool Import(Session session, VectorFiles file, bool create, Action<string, long> begin, Action<long> advance)
    {
        Collection? collection = null;
        var batch = session.NewBatch();
        long row = -1, bytes = 0;
        var isWhole = true;
        using var rows = file.Read().GetEnumerator();
        while (true)
        {
            row++;
            try
            {
                if (!rows.MoveNext()) break;
                if (row == 0) begin("vectors", file.Total);
                var (key, vector) = rows.Current;
                collection ??= CollectionFor(session, vector.Length, create);
                key ??= Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{parsed.GetValue(given.Prefix)}{row}"));
                if (batch.Count >= BatchRows || bytes > BatchBytes || _keys.Contains(key)) Commit();
                batch.Put(collection, key, vector);
                _keys.Add(key);
                bytes += key.Length + collection.Options.VectorBytes;
            }
            catch (Exception wrong) when (wrong is BadRowException || (collection is not null && wrong is AevumException
                { Code: ErrorCode.InvalidArgument or ErrorCode.LimitExceeded }))
            {
                if (_bad++ < BadRowsTold) terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"row {row}: {wrong.Message}"));
                if (skipBad && wrong is not BadRowException) continue;   // behind bytes that are no row nobody knows where the next begins
                isWhole = false;
                break;
            }
        }
        Commit();
        if (collection is null) return isWhole;
        begin("index", 0);
        collection.WaitIndexed();
        return isWhole;

        void Commit()
        {
            if (batch.Count > 0)
            {
                batch.Commit();
                _commits++;
                _rows += batch.Count;
                advance(batch.Count);
            }
            batch = session.NewBatch();
            bytes = 0;
            _keys.Clear();
        }
    }

    Collection CollectionFor(Session session, int dimension, bool create)
    {
        var name = parsed.GetValue(given.Collection)!;
        try
        {
            return session.Collection(name);
        }
        catch (AevumException missing) when (create && missing.Code == ErrorCode.NotFound)
        {
            return session.CreateCollection(name, new CollectionOptions(dimension)
            {
                Metric = VectorWords.Metric(parsed.GetValue(given.Metric)!), Element = VectorWords.Element(parsed.GetValue(given.Element)!),
            });
        }
    }

    string AsJson(bool isWhole, double seconds)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, JsonOptions.Writing))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("whole", isWhole);
            writer.WriteNumber("vectors", _rows);
            writer.WriteNumber("commits", _commits);
            writer.WriteNumber("bad", _bad);
            writer.WriteNumber("seconds", Math.Round(seconds, 3));
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
