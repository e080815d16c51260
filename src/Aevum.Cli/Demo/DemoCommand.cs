using System.CommandLine;
using System.Globalization;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Demo;

/// <summary><c>aevum demo DIR</c>: a new database with a part of WordNet in it.</summary>
static class DemoCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The directory to make; must not exist, or be empty." };
        var data = new Option<string?>("--data") { Description = "Where the demo data lies.", Hidden = true };
        var command = new Command("demo", "Make a database and fill it with demo data: a part of WordNet (all of it from $AEVUM_DATASETS/wordnet).")
        {
            directory,
            data,
        };
        command.SetAction(parsed => Run(terminal, parsed.GetValue(directory)!, parsed.GetValue(data)));
        return command;
    }

    static int Run(Terminal terminal, string directory, string? dataDirectory)
    {
        if (Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Any() : File.Exists(directory))
        {
            terminal.Fail($"{directory} exists and is not empty; the demo data goes into a new database only");
            return ExitCodes.CouldNotRun;
        }
        var data = DemoData.Find(dataDirectory, AppContext.BaseDirectory, Environment.GetEnvironmentVariable("AEVUM_DATASETS"));
        // The index of the collection is built by whoever opens the database next, in the background.
        using var opened = OpenedDatabase.Open(directory, create: true, options: OpenedDatabase.Options with { VectorTailRows = long.MaxValue });
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var loader = new DemoLoader(opened.Session);
        try
        {
            Stages.Run(terminal, time, stages => loader.Load(data, stages));
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new CorruptionException($"the demo data in {data.Directory} is damaged: {e.Message}", e);
        }
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{directory}: {loader.Keys:N0} keys from {data.Directory} in {seconds:F1} s; "
                + $"'aevum serve --data {directory}' serves it, 'aevum shell {directory}' opens it"));
        return ExitCodes.Done;
    }
}
