// ExportCommand: aevum export DIR [FILE]: a keyspace, or all of them, as NDJSON.
//
// A file is written under another name and renamed when it is whole; one that is there already is left alone unless --yes. Exit code 0: written;
// 2: it could not be.

using System.CommandLine;
using System.Globalization;
using System.Text;
using Aevum.Cli.Databases;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Transfer;

static class ExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The database's directory." };
        var file = new Argument<string>("FILE") { Description = "What to write; - for the output.", DefaultValueFactory = _ => "-" };
        var keyspace = new Option<string?>("--keyspace") { Description = "The keyspace; the default one unless given." };
        var tenant = new Option<string?>("--namespace") { Description = "The keyspace's namespace." };
        var all = new Option<bool>("--all") { Description = "Every keyspace of every namespace." };
        var asOf = new Option<string?>("--as-of") { Description = "As of a time: 2026-03-01T12:00:00Z, the same with +counter, or its 64 bits." };
        var history = new Option<bool>("--history") { Description = "Every version of every key, deleted ones too." };
        var prefix = new Option<string?>("--prefix") { Description = "Only keys that begin with this; escapes as in the shell, within double quotes." };
        var yes = new Option<bool>("--yes") { Description = "Overwrite FILE if it is there." };
        var command = new Command("export", "Write a keyspace, or all, as NDJSON: its keys, or all their versions.")
        {
            directory, file, keyspace, tenant, all, asOf, history, prefix, yes,
        };
        command.SetAction(parsed =>
        {
            using var opened = OpenedDatabase.Open(parsed.GetValue(directory)!, create: false, parsed.GetValue(tenant), readOnly: true);
            var moment = parsed.GetValue(asOf) is { } time ? SystemTimeText.Parse(time) : (SystemTime?)null;
            var begins = parsed.GetValue(prefix) is { } text ? OneWord(text) : null;
            var isHistory = parsed.GetValue(history);
            if (parsed.GetValue(all) && (parsed.GetValue(keyspace) ?? parsed.GetValue(tenant)) is not null)
                Throw.Invalid("--all writes every keyspace of every namespace: it goes with neither --keyspace nor --namespace");
            var from = parsed.GetValue(all) ? KeyspacesOf(opened.Database, moment) : [OneOf(opened.Session, moment, parsed.GetValue(keyspace))];
            Write(terminal, parsed.GetValue(file)!, parsed.GetValue(yes), (target, stages) =>
            {
                stages.Begin(isHistory ? "versions" : "keys", 0);
                using var exporter = new Exporter(target, stages.Advance);
                foreach (var (session, name) in from) exporter.Write(session, name, isHistory, begins);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    static (Session, Keyspace) OneOf(Session session, SystemTime? moment, string? name)
    {
        if (moment is { } at) session = session.AsOf(at);
        return (session, name is null ? session.Default : session.RowsOf(name));
    }

    static IEnumerable<(Session, Keyspace)> KeyspacesOf(Database database, SystemTime? moment)
    {
        foreach (var space in database.Catalog.Namespaces.Where(n => n.Id != NamespaceEntry.SystemId))
        {
            using var session = database.OpenSession(space.Name);
            foreach (var name in (moment is { } at ? session.AsOf(at) : session).ListKeyspaces()) yield return OneOf(session, moment, name);
        }
    }

    static byte[] OneWord(string text) => text.StartsWith('"') && ByteText.SplitWords(text) is [var word] ? word : Encoding.UTF8.GetBytes(text);

    static void Write(Terminal terminal, string file, bool overwrite, Action<Stream, Stages> write)
    {
        if (file == "-")
        {
            // Rows are text, and the terminal's own writer keeps them in order with whatever else goes there.
            using var rows = Exporter.Buffer(new WriterStream(terminal.Out));
            Stages.Run(terminal, TimeProvider.System, stages => write(rows, stages));
            return;
        }
        if (File.Exists(file) && !overwrite) throw new AevumException(ErrorCode.AlreadyExists, $"{file} is there already; --yes overwrites it");
        var partial = file + ".partial";
        try
        {
            using (var rows = File.Create(partial)) Stages.Run(terminal, TimeProvider.System, stages => write(Exporter.Buffer(rows), stages));
            File.Move(partial, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AevumException(ErrorCode.InputOutput, e.Message, e);
        }
        finally
        {
            File.Delete(partial);
        }
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: {new FileInfo(file).Length:N0} bytes"));
    }

    // UTF-8 into a writer of text; a character may come in two parts.
    sealed class WriterStream(TextWriter writer) : Stream
    {
        readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            var chars = new char[_decoder.GetCharCount(buffer, offset, count)];
            writer.Write(chars, 0, _decoder.GetChars(buffer, offset, count, chars, 0));
        }
    }
}
