// VectorBenchCommand: aevum bench vectors FILE: tries the kinds of index on somebody's own vectors and recommends one. Nothing is written; no server is asked.

using System.CommandLine;
using Aevum.Cli.Terminals;
using Aevum.Cli.Transfer;
using Aevum.Core.Errors;
using Aevum.Model.Vectors;
using Aevum.Vectors;

namespace Aevum.Cli.Benching.Vectors;

static class VectorBenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "Vectors: fvecs, npy, f32, f16 or i8 (nothing but components), ndjson." };
        var format = new Option<string?>("--format") { Description = "What the file is, where its name does not end so." };
        format.AcceptOnlyFromAmong([.. VectorFiles.Formats]);
        var dimension = new Option<int?>("--dim") { Description = "Components of a vector; of f32, f16 and i8 it must be told." };
        var metric = new Option<string>("--metric") { Description = "How vectors are compared.", DefaultValueFactory = static _ => "cosine" };
        metric.AcceptOnlyFromAmong([.. VectorWords.NumberMetrics]);
        var k = Number("-k", "Neighbours that a query wants.", 10);
        var queries = Number("--queries", "Vectors held out and asked for.", 1000);
        var recall = new Option<double>("--recall") { Description = "What the recommendation must reach.", DefaultValueFactory = static _ => 0.95 };
        var rows = Number("--rows", "Vectors taken from the file at most.", 1_000_000);
        var m = Number("--m", "Links of a vector.", 16);
        var construction = Number("--ef-construction", "Candidates that an insert weighs.", 200);
        var threads = Number("--threads", "Threads that build.", Environment.ProcessorCount);
        var seed = new Option<long>("--seed") { Description = "The same seed holds the same vectors out.", DefaultValueFactory = static _ => 1 };
        var json = new Option<bool>("--json") { Description = "One JSON object instead of a table." };
        var command = new Command("vectors", "Try the kinds of vector index on your own vectors, and hear which suits them.")
        {
            file, format, dimension, metric, k, queries, recall, rows, m, construction, threads, seed, json,
        };
        command.SetAction(parsed =>
        {
            try
            {
                var options = new VectorTrialOptions((Metric)VectorWords.Metric(parsed.GetValue(metric)!), Within(queries, 1, 100_000), Within(k, 1, 10_000),
                    parsed.GetValue(recall) is > 0 and <= 1 and var wanted ? wanted : throw Wrong("--recall is above 0 and at most 1"),
                    Within(rows, 100, 100_000_000), Within(m, 2, 256), Within(construction, 1, 1 << 20), Within(threads, 1, 1024),
                    (ulong)parsed.GetValue(seed));
                return Run(terminal, parsed.GetValue(file)!, parsed.GetValue(format), parsed.GetValue(dimension), options, parsed.GetValue(json));
            }
            catch (AevumException misused) when (misused.Code == ErrorCode.InvalidArgument)
            {
                terminal.Fail(misused.Message);
                return ExitCodes.Usage;
            }

            int Within(Option<int> option, int lower, int upper) => parsed.GetValue(option) is var number && number >= lower && number <= upper ? number
                : throw Wrong(FormattableString.Invariant($"{option.Name} is from {lower} to {upper}"));
        });
        return command;
    }

    static Option<int> Number(string name, string what, int at) => new(name) { Description = what, DefaultValueFactory = _ => at };

    static AevumException Wrong(string what) => new(ErrorCode.InvalidArgument, what);

    static int Run(Terminal terminal, string path, string? format, int? dimension, VectorTrialOptions options, bool asJson)
    {
        var ending = Path.GetExtension(path).TrimStart('.').ToLowerInvariant();
        format ??= VectorFiles.Formats.Contains(ending) ? ending
            : throw Wrong($"what is {path}? say it by --format {string.Join('|', VectorFiles.Formats)}");
        using var interruption = new Interruption();
        var time = TimeProvider.System;
        VectorSet? set = null;
        VectorTrial? trial = null;
        List<TriedIndex> tried = [];
        try
        {
            using var file = new VectorFiles(Open(path), format, dimension);
            Stages.Run(terminal, time, stages =>
            {
                set = VectorSet.Read(file, options, stages, interruption.Token);
                trial = new VectorTrial(set, options, time, stages, interruption.Token);
                tried = trial.Run();
            });
        }
        catch (OperationCanceledException)
        {
            terminal.Fail("interrupted");
            return ExitCodes.Problems;
        }
        terminal.Out.Write(asJson ? VectorReport.AsJson(set!, options, trial!.BuildRate, tried) + "\n"
            : VectorReport.AsText(set!, options, trial!.BuildRate, tried));
        return VectorReport.Recommend(tried, options.Recall) is null ? ExitCodes.Problems : ExitCodes.Done;
    }

    static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            throw Wrong(wrong.Message);
        }
    }
}
