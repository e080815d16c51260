// SortedSetAlgebra: unions, intersections and differences of sorted sets, and of sets, whose members count as scored 1. Put together in memory, then
// told or stored. Scores are multiplied by weights and put together by a rule; what is no number then (inf - inf, 0 * inf) is 0.

using Aevum.Core.Bytes;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

enum SetOperation
{
    Union,
    Intersection,
    Difference,

    /// <summary>An intersection of which only the size matters.</summary>
    Count,
}

sealed class SortedSetAlgebra
{
    enum Aggregate
    {
        Sum,
        Min,
        Max,
    }

    sealed record Source(MemberRows Rows, bool HasScores)
    {
        public double Weight { get; set; } = 1;

        public double Weighted(double score) => double.IsNaN(Weight * score) ? 0 : Weight * score;

        public bool TryGet(ReadOnlySpan<byte> member, out double score)
        {
            score = 1;
            if (!Rows.TryGet(member, out var bytes)) return false;
            if (HasScores) score = SortedSetRows.ScoreOf(bytes);
            return true;
        }

        public List<Scored> ToList()
        {
            var all = new List<Scored>();
            Rows.ForEach((member, bytes) =>
            {
                all.Add(new Scored(member.ToArray(), HasScores ? SortedSetRows.ScoreOf(bytes) : 1));
                return true;
            });
            return all;
        }
    }

    readonly List<Source> _sources = [];
    readonly SetOperation _operation;
    Aggregate _aggregate;
    long _limit;

    SortedSetAlgebra(SetOperation operation) => _operation = operation;

    public bool WithScores { get; private set; }

    /// <summary>Reads a number of keys, the keys, and options.</summary>
    /// <param name="at">Where the number stands.</param>
    /// <returns>Null: the reply says what is wrong.</returns>
    public static SortedSetAlgebra? Read(DataCall call, CommandArguments args, int at, SetOperation operation, bool isStore)
    {
        if (!call.TryInteger(args[at], out var count)) return null;
        if (count < 1)
        {
            var name = System.Text.Encoding.ASCII.GetString(args[0]).ToLowerInvariant();
            call.Reply.Error($"ERR at least 1 input key is needed for '{name}' command");
            return null;
        }
        if (count > args.Count - at - 1)
        {
            call.SyntaxError();
            return null;
        }
        var algebra = new SortedSetAlgebra(operation);
        var behind = at + 1 + (int)count;
        for (var i = at + 1; i < behind; i++)
            if (!algebra.TryOpen(call, args[i])) return null;
        return algebra.TryReadOptions(call, args, behind, isStore) ? algebra : null;
    }

    bool TryOpen(DataCall call, ReadOnlySpan<byte> key)
    {
        var isSet = call.TryReadHead(key, out var head, out _) && head.Kind == StructureKind.Set;
        MemberRows? rows = isSet ? call.Sets.Open(key) : call.SortedSets.Open(key);
        if (rows is null) return false;
        _sources.Add(new Source(rows, !isSet));
        return true;
    }

    bool TryReadOptions(DataCall call, CommandArguments args, int from, bool isStore)
    {
        var isWeighted = _operation is SetOperation.Union or SetOperation.Intersection;
        for (var i = from; i < args.Count; i++)
        {
            if (isWeighted && i + _sources.Count < args.Count && args.Is(i, "weights"u8))
            {
                foreach (var source in _sources)
                {
                    if (!Numbers.TryDouble(args[++i], out var weight))
                    {
                        call.Reply.Error("ERR weight value is not a float"u8);
                        return false;
                    }
                    source.Weight = weight;
                }
                continue;
            }
            if (isWeighted && i + 1 < args.Count && args.Is(i, "aggregate"u8))
            {
                if (TryReadAggregate(args, ++i)) continue;
            }
            else if (!isStore && _operation != SetOperation.Count && args.Is(i, "withscores"u8))
            {
                WithScores = true;
                continue;
            }
            else if (_operation == SetOperation.Count && i + 1 < args.Count && args.Is(i, "limit"u8))
            {
                if (Numbers.TryInteger(args[++i], out _limit) && _limit >= 0) continue;
                call.Reply.Error("ERR LIMIT can't be negative"u8);
                return false;
            }
            call.SyntaxError();
            return false;
        }
        return true;
    }

    bool TryReadAggregate(CommandArguments args, int at)
    {
        if (args.Is(at, "sum"u8)) _aggregate = Aggregate.Sum;
        else if (args.Is(at, "min"u8)) _aggregate = Aggregate.Min;
        else if (args.Is(at, "max"u8)) _aggregate = Aggregate.Max;
        else return false;
        return true;
    }

    /// <summary>What comes of it, in order.</summary>
    public List<Scored> Result()
    {
        var result = _operation switch
        {
            SetOperation.Union => Union(),
            SetOperation.Difference => Difference(),
            _ => Intersection(),
        };
        if (_operation != SetOperation.Count) result.Sort(InOrder);
        return result;
    }

    static int InOrder(Scored a, Scored b)
    {
        var order = a.Score.CompareTo(b.Score);
        return order != 0 ? order : a.Member.AsSpan().SequenceCompareTo(b.Member);
    }

    List<Scored> Union()
    {
        var scores = new Dictionary<byte[], double>(KeyComparer.Instance);
        foreach (var source in _sources)
        {
            foreach (var (member, score) in source.ToList())
            {
                var weighted = source.Weighted(score);
                scores[member] = scores.TryGetValue(member, out var other) ? Together(other, weighted) : weighted;
            }
        }
        return [.. scores.Select(s => new Scored(s.Key, s.Value))];
    }

    List<Scored> Intersection()
    {
        var result = new List<Scored>();
        _sources.Sort((a, b) => a.Rows.Count.CompareTo(b.Rows.Count));
        foreach (var (member, score) in _sources[0].ToList())
        {
            var together = _sources[0].Weighted(score);
            var isInAll = true;
            for (var i = 1; i < _sources.Count && isInAll; i++)
            {
                isInAll = _sources[i].TryGet(member, out var other);
                together = Together(together, _sources[i].Weighted(other));
            }
            if (!isInAll) continue;
            result.Add(new Scored(member, together));
            if (result.Count == _limit) break;
        }
        return result;
    }

    List<Scored> Difference()
    {
        var result = _sources[0].ToList();
        result.RemoveAll(element => _sources.Skip(1).Any(source => source.TryGet(element.Member, out _)));
        return result;
    }

    double Together(double a, double b) => _aggregate switch
    {
        Aggregate.Min => Math.Min(a, b),
        Aggregate.Max => Math.Max(a, b),
        _ => double.IsNaN(a + b) ? 0 : a + b,
    };

    /// <summary>What a request writes that stores what comes of it.</summary>
    public static WriteForecast Forecast(DataCall call, CommandArguments args, SetOperation operation)
    {
        var keys = new List<int>();
        if (!CountedKeys.Find(args, 2, keys)) return default;
        return operation switch
        {
            SetOperation.Union => WriteForecast.OfAll(call, args, keys, args[1]),
            SetOperation.Intersection => WriteForecast.OfFewest(call, args, keys, args[1]),
            _ => WriteForecast.OfMembers(call, args[keys[0]], args[1]),
        };
    }

    /// <summary>Puts elements in the place of what a key holds, and replies with their count.</summary>
    public static void Store(DataCall call, ReadOnlySpan<byte> key, List<Scored> elements, string what)
    {
        var set = call.SortedSets.Replace(key);
        foreach (var element in elements) set.Change(element.Member, element.Score + 0.0, exists: false, 0);
        set.Save();
        if (elements.Count > 0) call.Signal(key, what, NotificationClass.SortedSet, isReady: true);
        else if (set.Exists) call.Signal(key, "del", NotificationClass.Generic);
        call.Reply.Integer(elements.Count);
    }

    /// <summary>True if one of the keys of a request that only reads is large.</summary>
    public static bool IsSlow(DataCall call, CommandArguments args)
    {
        var keys = new List<int>();
        return CountedKeys.Find(args, 1, keys) && IsAnySlow(call, args, keys);
    }

    static bool IsAnySlow(DataCall call, CommandArguments args, List<int> keys)
    {
        foreach (var key in keys)
            if (StructureRows.IsSlowToWalk(call, args[key])) return true;
        return false;
    }
}
