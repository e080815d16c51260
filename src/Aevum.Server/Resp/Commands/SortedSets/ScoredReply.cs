using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>Elements as a reply: members, or members with scores, which the third version of the protocol has in pairs.</summary>
static class ScoredReply
{
    /// <param name="inPairs">True: pairs in the second version too.</param>
    public static void Write(ReplyWriter reply, List<Scored> elements, bool withScores, bool inPairs = false)
    {
        inPairs |= withScores && reply.Version >= 3;
        reply.Array(withScores && !inPairs ? 2L * elements.Count : elements.Count);
        foreach (var element in elements)
        {
            if (inPairs) reply.Array(2);
            reply.Bulk(element.Member);
            if (withScores) reply.Double(element.Score);
        }
    }
}
