// ElementRange: a range of a sorted set as ZRANGE and its kin name it: between two ranks, of scores, or of members; from either end; some of them.

using Aevum.Server.Resp.Commands.Lists;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

enum RangeKind
{
    Rank,
    Score,
    Member,
}

sealed class ElementRange
{
    RangeKind _kind;
    bool _descending;
    long _start, _stop;              // ranks
    ScoreRange _scores;
    LexRange? _members;
    long _offset, _limit = -1;       // negative: all

    public bool WithScores { get; private set; }

    /// <summary>Reads two ends and the options behind them.</summary>
    /// <param name="at">Where the first end stands.</param>
    /// <param name="kind">Null: an option says.</param>
    /// <param name="descending">Null: an option says.</param>
    /// <param name="isStore">True: there are no scores to be asked for.</param>
    /// <returns>Null: the reply says what is wrong.</returns>
    public static ElementRange? Read(DataCall call, CommandArguments args, int at, RangeKind? kind, bool? descending, bool isStore)
    {
        var range = new ElementRange();
        var hasLimit = false;
        for (var i = at + 2; i < args.Count; i++)
        {
            if (!isStore && args.Is(i, "withscores"u8)) range.WithScores = true;
            else if (i + 2 < args.Count && args.Is(i, "limit"u8))
            {
                if (!call.TryInteger(args[i + 1], out range._offset) || !call.TryInteger(args[i + 2], out range._limit)) return null;
                hasLimit = true;
                i += 2;
            }
            else if (descending is null && args.Is(i, "rev"u8)) range._descending = true;
            else if (kind is null && args.Is(i, "bylex"u8)) range._kind = RangeKind.Member;
            else if (kind is null && args.Is(i, "byscore"u8)) range._kind = RangeKind.Score;
            else
            {
                call.SyntaxError();
                return null;
            }
        }
        range._kind = kind ?? range._kind;
        range._descending = descending ?? range._descending;
        if (hasLimit && range._limit != -1 && range._kind == RangeKind.Rank)
        {
            call.Reply.Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"u8);
            return null;
        }
        if (range.WithScores && range._kind == RangeKind.Member)
        {
            call.Reply.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX"u8);
            return null;
        }
        return range.TryReadEnds(call, args[at], args[at + 1]) ? range : null;
    }

    bool TryReadEnds(DataCall call, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        // From the end down the upper end comes first; ranks are counted from where one begins.
        var low = _descending ? second : first;
        var high = _descending ? first : second;
        switch (_kind)
        {
            case RangeKind.Rank:
                return call.TryInteger(first, out _start) && call.TryInteger(second, out _stop);
            case RangeKind.Score:
                return ScoreRange.TryRead(call, low, high, out _scores);
            default:
                _members = LexRange.Read(call, low, high);
                return _members is not null;
        }
    }

    /// <summary>True: how many elements it has is known by how many there are.</summary>
    public bool IsOfRanks => _kind == RangeKind.Rank;

    /// <summary>How many elements it has at most, of a set of so many.</summary>
    public long CountMax(long count)
    {
        if (_kind != RangeKind.Rank) return _limit < 0 ? count : Math.Min(_limit, count);
        var (start, stop) = (_start, _stop);
        return ListPlaces.TryClamp(ref start, ref stop, count) ? stop - start + 1 : 0;
    }

    /// <summary>The elements of the range, in its order.</summary>
    /// <param name="most">Of a range that is not one of ranks no more than one above this.</param>
    public List<Scored> Collect(SortedSetRows set, long most = long.MaxValue)
    {
        var found = new List<Scored>();
        if (set.Count == 0) return found;
        if (_kind == RangeKind.Rank)
        {
            var (start, stop) = (_start, _stop);
            if (!ListPlaces.TryClamp(ref start, ref stop, set.Count)) return found;
            set.WalkRanks(start, stop, _descending, (member, score) =>
            {
                found.Add(new Scored(member.ToArray(), score));
                return true;
            });
            return found;
        }
        if (_offset < 0 || _limit == 0) return found;
        var skip = _offset;
        bool Take(ReadOnlySpan<byte> member, double score)
        {
            if (skip-- > 0) return true;
            found.Add(new Scored(member.ToArray(), score));
            return found.Count != _limit && found.Count <= most;
        }
        if (_kind == RangeKind.Score) set.WalkScores(_scores, _descending, Take);
        else set.WalkMembers(_members!, _descending, Take);
        return found;
    }

    /// <summary>Answers a request whose first argument is the key.</summary>
    public static void Answer(DataCall call, CommandArguments args, RangeKind? kind, bool? descending)
    {
        if (Read(call, args, 2, kind, descending, isStore: false) is not { } range) return;
        if (call.SortedSets.Open(args[1]) is { } set) ScoredReply.Write(call.Reply, range.Collect(set), range.WithScores);
    }

    /// <summary>True if such a request may walk over many elements.</summary>
    public static bool IsSlow(DataCall call, CommandArguments args, RangeKind? kind, bool? descending)
    {
        if (!StructureRows.IsSlowToWalk(call, args[1])) return false;
        var before = call.Reply.Length;
        var range = Read(call, args, 2, kind, descending, isStore: false);
        call.Reply.Truncate(before);
        if (range is null) return false;
        if (range._kind != RangeKind.Rank) return range._limit < 0 || range._limit > SlowPart || range._offset > SlowPart;
        call.TryReadHead(args[1], out var head, out _);
        var (start, stop) = (range._start, range._stop);
        if (!ListPlaces.TryClamp(ref start, ref stop, head.Count) || Math.Min(stop, head.Count - start) <= SlowPart) return false;
        return stop - start > SlowPart || SortedSetRows.IsSlowToRank(call, args[1]);
    }

    const long SlowPart = StructureRows.SlowElements / 2;
}
