using System.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>The reply to options that a subcommand of XGROUP or XINFO does not have.</summary>
static class StreamSyntax
{
    const int ShownBytes = 128;

    public static void Error(DataCall call, CommandArguments args)
    {
        var word = args[1].Length <= ShownBytes ? args[1] : args[1][..ShownBytes];
        var name = Encoding.UTF8.GetString(args[0]).ToUpperInvariant();
        call.Reply.Error($"ERR unknown subcommand or wrong number of arguments for '{Encoding.UTF8.GetString(word)}'. Try {name} HELP.");
    }
}
