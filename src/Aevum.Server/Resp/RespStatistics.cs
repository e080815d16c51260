namespace Aevum.Server.Resp;

/// <summary>What INFO and metrics tell of the door.</summary>
sealed class RespStatistics
{
    long _commands;

    public long Commands => Volatile.Read(ref _commands);

    /// <param name="command">Null: there was no such command.</param>
    public void CountCommand(KnownCommand? command)
    {
        _commands++;   // of several loops some may be lost: it is told, not relied on
        if (command is not null) command.Calls++;
    }
}
