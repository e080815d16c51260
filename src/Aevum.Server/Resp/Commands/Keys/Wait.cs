using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>WAIT: there are no replicas of this protocol, so none ever acknowledges: who asks for one waits for the whole time, as with Redis alone.</summary>
sealed class Wait : SessionCommand
{
    public override CommandInfo Info { get; } = new("wait", CommandGroup.Generic)
    {
        Arity = 3,
        Flags = CommandFlags.NoScript,
        Categories = ["connection"],
        Since = "3.0.0",
        Summary = "Waits until replicas have acknowledged what the connection wrote; answers how many did.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (!Numbers.TryInteger(args[1], out var replicas))
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        if (!Numbers.TryInteger(args[2], out var timeout))
        {
            reply.Error("ERR timeout is not an integer or out of range"u8);
            return;
        }
        if (timeout < 0)
        {
            reply.Error("ERR timeout is negative"u8);
            return;
        }
        if (replicas <= 0 || client.Engine.IsExecuting)
        {
            reply.Integer(0);
            return;
        }
        client.Suspend();
        if (timeout == 0 || timeout > TimeSpan.FromDays(36500).TotalMilliseconds) return;   // for ever, as it says
        client.Engine.Loop.After(TimeSpan.FromMilliseconds(timeout), () =>
        {
            client.Send(":0\r\n"u8);
            client.Resume();
        });
    }
}
