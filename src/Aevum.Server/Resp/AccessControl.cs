using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp;

/// <summary>Who may do what. Nobody is asked yet: every client may do everything.</summary>
sealed class AccessControl
{
    /// <summary>Answers every client that was not let in.</summary>
    public byte[]? RefuseAll { get; set; }

    /// <summary>Why a client may not do something, as a whole reply; null: it may.</summary>
    public byte[]? Refusal(RespClient client, KnownCommand command, CommandArguments args) => RefuseAll;
}
