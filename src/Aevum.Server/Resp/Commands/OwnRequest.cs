using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

/// <summary>A request that the server makes of itself.</summary>
sealed class OwnRequest
{
    readonly byte[] _bytes;
    readonly ArgumentRange[] _ranges;

    public OwnRequest(params byte[][] words)
    {
        _bytes = new byte[words.Sum(w => w.Length)];
        _ranges = new ArgumentRange[words.Length];
        var at = 0;
        for (var i = 0; i < words.Length; i++)
        {
            words[i].CopyTo(_bytes, at);
            _ranges[i] = new ArgumentRange(at, words[i].Length);
            at += words[i].Length;
        }
    }

    public CommandArguments Arguments => new(_bytes, _ranges);
}
