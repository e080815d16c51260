// RespErrors: errors in the protocol's form, worded as clients of Redis know them where Redis has them.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

static class RespErrors
{
    const int ShownBytes = 128;

    public static byte[] CrossSlot { get; } = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"u8.ToArray();

    public static byte[] PinnedToThePast { get; } =
        "-ERR this connection reads as of a moment of the past and writes nothing: AEVUM.ASOF NOW goes back to the present\r\n"u8.ToArray();

    public static byte[] TooManyClients { get; } = "-ERR max number of clients reached\r\n"u8.ToArray();

    public static byte[] NoAuthentication { get; } = "-NOAUTH Authentication required.\r\n"u8.ToArray();

    public static byte[] OfMonitor { get; } = "-ERR Replica can't interact with the keyspace\r\n"u8.ToArray();

    public static byte[] NotInTransaction { get; } = "-ERR Command not allowed inside a transaction\r\n"u8.ToArray();

    public static byte[] NoReplicas { get; } = "-NOREPLICAS Not enough good replicas to write.\r\n"u8.ToArray();

    public static byte[] WhileListening(string command) => Line(
        $"ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");

    public static byte[] WrongCount(string command) => Line($"ERR wrong number of arguments for '{command}' command");

    public static byte[] UnknownCommand(CommandArguments args)
    {
        var text = new StringBuilder($"ERR unknown command '{Shown(args[0])}', with args beginning with: ");
        for (var i = 1; i < args.Count && text.Length < 2 * ShownBytes; i++) text.Append('\'').Append(Shown(args[i])).Append("' ");
        return Line(text.ToString());
    }

    public static byte[] UnknownSubcommand(string command, CommandArguments args) =>
        Line($"ERR unknown subcommand '{Shown(args[1])}'. Try {command.ToUpperInvariant()} HELP.");

    static string Shown(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes.Length <= ShownBytes ? bytes : bytes[..ShownBytes]);

    /// <summary>An error of the database, code first.</summary>
    public static string TextOf(AevumException failure) => TextOf(failure.Code, failure.Message);

    public static string TextOf(ErrorCode code, string? message) => code switch
    {
        ErrorCode.DiskFull => $"OOM the disk is full: {message}",
        ErrorCode.Closed => $"LOADING the database is closing: {message}",
        ErrorCode.ReadOnly => $"READONLY {message}",
        ErrorCode.OutcomeUnknown => $"UNKNOWNOUTCOME {message}",
        ErrorCode.HistoryUnavailable => $"HISTORYUNAVAILABLE {message}",
        _ => $"ERR {message}",
    };

    public static byte[] ReplyOf(AevumException failure) => Line(TextOf(failure));

    public static byte[] ReplyOf(ErrorCode code, string? message) => Line(TextOf(code, message));

    static byte[] Line(string text) => Encoding.UTF8.GetBytes($"-{text.Replace('\r', ' ').Replace('\n', ' ')}\r\n");
}
