using System.Text;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.RETENTION: how long the selected database keeps what was overwritten.</summary>
sealed class Retention : SessionCommand
{
    public override CommandInfo Info { get; } = new("aevum.retention", CommandGroup.History)
    {
        Arity = -1,
        Flags = CommandFlags.Write | CommandFlags.Admin,
        Since = "aevum",
        Summary = "How long the history of the selected database is kept: none, forever, or a duration. With an argument: from now on so.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var databases = client.Engine.Databases;
        if (args.Count == 1)
        {
            reply.Bulk(databases.OptionsOf(client.Database).History.ToText());
            return;
        }
        if (args.Count != 2 || !HistoryPolicy.TryParse(Encoding.Latin1.GetString(args[1]), out var policy))
        {
            reply.Error($"ERR a history policy is none, forever, or a duration: {DurationText.Forms}");
            return;
        }
        var database = client.Database;
        client.Engine.Flush();   // what was written before it is kept as before
        client.Engine.AnswerBeside(client, Info.Name, answer =>
        {
            databases.Alter(database, databases.OptionsOf(database) with { History = policy });
            answer.Ok();
        });
    }
}
