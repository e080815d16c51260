// Sort: SORT and SORT_RO: the elements of a list, a set or a sorted set in an order of their own, or in that of values kept elsewhere (BY), and in their
// place other values kept elsewhere (GET). A pattern names another value for each element: its first star stands for the element, and "->field"
// behind it means a field of the hash that the name before holds (SortPattern).
//
// As Redis has it: elements of equal weight are in the order of their bytes, but not under ALPHA BY; texts are compared byte by byte; a BY without a star
// sorts nothing. Under ALPHA BY, what compares equal stays as it came, of which Redis promises nothing.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Beside;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class Sort(bool mayStore) : DataCommand
{
    struct Options
    {
        public bool IsDescending, IsText;
        public long Skip, Take;
        public int StoreAt, ByAt;
        public List<SortPattern> Gets;
    }

    sealed record Element(byte[] Name)
    {
        public double Weight { get; set; }

        /// <summary>Null: there is none.</summary>
        public byte[]? Text { get; set; }
    }

    public override CommandInfo Info { get; } = new(mayStore ? "sort" : "sort_ro", CommandGroup.Generic)
    {
        Arity = -2,
        Flags = (mayStore ? CommandFlags.Write | CommandFlags.DenyOom : CommandFlags.ReadOnly) | CommandFlags.MovableKeys,
        Keys = KeyPlaces.One,
        Categories = ["set", "sortedset", "list", "dangerous"],
        Since = mayStore ? "1.0.0" : "7.0.0",
        Summary = "Answers the elements of a list, a set or a sorted set in another order; SORT may keep them as a list.",
        Complexity = "O(N + M log M) with N the elements and M those returned",
    };

    public override bool FindKeys(CommandArguments args, List<int> found)
    {
        base.FindKeys(args, found);
        if (mayStore && StoreAt(args) is > 0 and var at) found.Add(at);
        return true;
    }

    public override bool Writes(CommandArguments args) => mayStore && StoreAt(args) > 0;

    // Where the key to store under stands, the last one counts; 0: there is none.
    static int StoreAt(CommandArguments args)
    {
        var at = 0;
        for (var i = 2; i < args.Count; i++)
        {
            if (args.Is(i, "limit"u8)) i += 2;
            else if (args.Is(i, "by"u8) || args.Is(i, "get"u8)) i++;
            else if (i + 1 < args.Count && args.Is(i, "store"u8)) at = ++i;
        }
        return at;
    }

    public override bool MayTakeSeveralCommits => mayStore;

    public override WriteForecast Forecast(DataCall call, CommandArguments args)
    {
        var all = WriteForecast.OfMembers(call, args[1], args[StoreAt(args)]);
        // What is stored instead of the elements may be anything.
        for (var i = 2; i < args.Count; i++)
            if (args.Is(i, "get"u8)) return WriteForecast.Unknown(all.Elements);
        return all;
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryOptions(call, args, out var options)) return;
        var exists = call.TryReadHead(args[1], out var head, out _);
        if (exists && head.Kind is not (StructureKind.List or StructureKind.Set or StructureKind.SortedSet))
        {
            call.WrongType();
            return;
        }
        var sortsNothing = options.ByAt > 0 && !args[options.ByAt].Contains((byte)'*');
        if (sortsNothing && exists && head.Kind == StructureKind.Set && options.StoreAt > 0)
        {
            // What is kept is the same each time.
            (sortsNothing, options.IsText, options.ByAt) = (false, true, 0);
        }
        var elements = exists ? Elements(call, args[1], head.Kind, isBackward: sortsNothing && options.IsDescending) : [];
        var values = new SortValues(call);
        if (!sortsNothing && !TrySort(elements, values, args, options))
        {
            call.Reply.Error("ERR One or more scores can't be converted into double"u8);
            return;
        }
        var skip = Math.Clamp(options.Skip, 0, elements.Count);
        var take = options.Take < 0 ? elements.Count - skip : Math.Min(options.Take, elements.Count - skip);
        var picked = elements.GetRange((int)skip, (int)take);
        if (options.StoreAt > 0) Store(call, args[options.StoreAt], picked, values, options.Gets);
        else Tell(call.Reply, picked, values, options.Gets);
    }

    static bool TryOptions(DataCall call, CommandArguments args, out Options options, bool mayStore)
    {
        options = new Options { Take = -1, Gets = [] };
        for (var i = 2; i < args.Count; i++)
        {
            var behind = args.Count - i - 1;
            if (args.Is(i, "asc"u8)) options.IsDescending = false;
            else if (args.Is(i, "desc"u8)) options.IsDescending = true;
            else if (args.Is(i, "alpha"u8)) options.IsText = true;
            else if (behind >= 2 && args.Is(i, "limit"u8))
            {
                if (!call.TryInteger(args[i + 1], out options.Skip) || !call.TryInteger(args[i + 2], out options.Take)) return false;
                i += 2;
            }
            else if (mayStore && behind >= 1 && args.Is(i, "store"u8)) options.StoreAt = ++i;
            else if (behind >= 1 && args.Is(i, "by"u8)) options.ByAt = ++i;
            else if (behind >= 1 && args.Is(i, "get"u8)) options.Gets.Add(new SortPattern(args[++i]));
            else
            {
                call.SyntaxError();
                return false;
            }
        }
        return true;
    }

    bool TryOptions(DataCall call, CommandArguments args, out Options options) => TryOptions(call, args, out options, mayStore);

    static List<Element> Elements(DataCall call, ReadOnlySpan<byte> key, StructureKind kind, bool isBackward)
    {
        var elements = new List<Element>();
        switch (kind)
        {
            case StructureKind.List:
                var list = call.Lists.Open(key)!;
                list.Walk(isBackward ? list.Count - 1 : 0, isBackward, (_, value) =>
                {
                    elements.Add(new Element(value.ToArray()));
                    return true;
                });
                break;
            case StructureKind.Set:
                call.Sets.Open(key)!.ForEach((member, _) =>
                {
                    elements.Add(new Element(member.ToArray()));
                    return true;
                });
                break;
            default:
                var sorted = call.SortedSets.Open(key)!;
                sorted.WalkRanks(0, sorted.Count - 1, isBackward, (member, _) =>
                {
                    elements.Add(new Element(member.ToArray()));
                    return true;
                });
                break;
        }
        return elements;
    }

    // False: a weight is no number.
    static bool TrySort(List<Element> elements, SortValues values, CommandArguments args, in Options options)
    {
        var by = options.ByAt > 0 ? new SortPattern(args[options.ByAt]) : null;
        var isText = options.IsText;
        foreach (var element in elements)
        {
            element.Text = by is null ? element.Name : values.Find(by, element.Name);
            if (isText || element.Text is null) continue;
            if (!TryWeight(element.Text, out var weight)) return false;
            element.Weight = weight;
        }
        var sign = options.IsDescending ? -1 : 1;
        var sorted = elements.Order(Comparer<Element>.Create((a, b) => sign * (isText ? CompareTexts(a.Text, b.Text) : CompareWeights(a, b)))).ToArray();
        elements.Clear();
        elements.AddRange(sorted);
        return true;
    }

    static int CompareWeights(Element a, Element b) =>
        a.Weight > b.Weight ? 1 : a.Weight < b.Weight ? -1 : a.Name.AsSpan().SequenceCompareTo(b.Name);

    static int CompareTexts(byte[]? a, byte[]? b) =>
        a is null || b is null ? (a is null ? 0 : 1) - (b is null ? 0 : 1) : a.AsSpan().SequenceCompareTo(b);

    // As C's strtod: blanks before it are passed over, a zero byte ends it, nothing at all is 0, and 0x begins digits of 16.
    static bool TryWeight(ReadOnlySpan<byte> text, out double weight)
    {
        weight = 0;
        var end = text.IndexOf((byte)0);
        if (end >= 0) text = text[..end];
        if (text.IsEmpty) return true;
        while (!text.IsEmpty && text[0] is (byte)' ' or >= 9 and <= 13) text = text[1..];
        return Numbers.TryDouble(text, out weight);
    }

    static void Tell(ReplyWriter reply, List<Element> picked, SortValues values, List<SortPattern> gets)
    {
        reply.Array((long)picked.Count * Math.Max(1, gets.Count));
        foreach (var element in picked)
        {
            if (gets.Count == 0) reply.Bulk(element.Name);
            foreach (var get in gets)
            {
                if (values.Find(get, element.Name) is { } value) reply.Bulk(value);
                else reply.Null();
            }
        }
    }

    static void Store(DataCall call, ReadOnlySpan<byte> key, List<Element> picked, SortValues values, List<SortPattern> gets)
    {
        // All is looked up before the target goes: it may be what is sorted, or looked up.
        var stored = new List<byte[]>();
        foreach (var element in picked)
        {
            if (gets.Count == 0) stored.Add(element.Name);
            foreach (var get in gets) stored.Add(values.Find(get, element.Name) ?? []);
        }
        call.Reply.Integer(stored.Count);
        if (stored.Count == 0)
        {
            if (Delete.TryDelete(call, key)) call.Signal(key, "del", NotificationClass.Generic);
            return;
        }
        var list = call.Lists.Replace(key);
        foreach (var value in stored) list.Push(isLeft: false, value);
        list.Save();
        call.Signal(key, "sortstore", NotificationClass.List, isReady: true);
    }
}
