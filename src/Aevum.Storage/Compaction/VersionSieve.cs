// VersionSieve: decides, version by version, what a flush or compaction keeps and where. Pure: a cursor in, calls to a target out.
//
// For each key the versions come newest first. A version lives from its own time until its END: the time of the next newer version, or of
// the oldest range delete after it, whichever is first. The newest one of the job is LIVE: it has no end.
//
//   live       put      main table; once expired at or below the floor a stub without its value, and nothing at the bottom
//              delete   main table while anything older may lie below; at the bottom only history still wants to know of it
//              merge    folded into a put if its base is in the job (or nothing lies below), else main table with its whole chain
//   ended      end <= floor  dropped: no question that may still be asked sees it
//              end >  floor  history table, with its end; a merge whose base is about to be dropped is folded first; what had expired at
//                            or below the floor leaves a stub, or an older version out of the job's sight would seem to live on
//
// History tables go through the same sieve: there every version brings its end along and none is live.
//
// A merge needs what it folds into, its base. Three rules keep it whole: merges of one chain and the base they were found with always
// travel in the same table; a dropped base is folded into the oldest kept merge; where the base is out of sight, the chain is kept and
// lives as long as its newest kept member. An expired base counts as absent for merges from its expiry on; a merge keeps the expiry of
// what it folds into. In a keyspace with a merge operator an expired put leaves its stub even at the bottom: a merge from before the expiry
// may lie above, and must not come to life by losing its base.

using Aevum.Core.Batches;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Compaction;

/// <summary>What the sieve must be told of the place it works in.</summary>
interface ISieveRules
{
    /// <summary>The history floor of the key's keyspace, fixed for the job.</summary>
    ulong FloorOf(ReadOnlySpan<byte> key);

    /// <summary>True if nothing older than the job's input can exist for the key in the main tables. Asked in key order.</summary>
    bool IsBottom(ReadOnlySpan<byte> key);

    IMergeOperator? MergeOperatorOf(ReadOnlySpan<byte> key);
}

/// <summary>Where the sieve puts what it keeps. Keys arrive in order, versions of a key newest first.</summary>
interface ISieveTarget
{
    /// <summary>Called before the versions of each key: the only places where an output may be cut.</summary>
    void StartKey(ReadOnlySpan<byte> key);

    void AddMain(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ReadOnlySpan<byte> value);

    void AddHistory(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ReadOnlySpan<byte> value);
}

sealed unsafe class VersionSieve
{
    const ulong Never = ulong.MaxValue;

    readonly VersionCursor _input;
    readonly RangeDeletes _ranges;
    readonly bool _historyInput;
    readonly ISieveRules _rules;
    readonly ISieveTarget _target;
    readonly MergeChain _chain = new();
    byte[] _key = new byte[256];

    /// <param name="input">Positioned by the caller; read to its end or to the caller's limit.</param>
    /// <param name="ranges">Range deletes of the job's main input.</param>
    /// <param name="historyInput">True if the input is history tables: versions bring their ends.</param>
    public VersionSieve(VersionCursor input, RangeDeletes ranges, bool historyInput, ISieveRules rules, ISieveTarget target)
    {
        _input = input;
        _ranges = ranges;
        _historyInput = historyInput;
        _rules = rules;
        _target = target;
    }

    /// <summary>Versions read so far.</summary>
    public long Read { get; private set; }

    /// <summary>Versions looked at and dropped so far; those passed over are not counted.</summary>
    public long Dropped { get; private set; }

    /// <summary>Handles all versions of the key the input stands on, and moves to the next key.</summary>
    public void ProcessKey()
    {
        var length = _input.KeyLength;
        if (_key.Length < length) _key = new byte[Math.Max(length, 2 * _key.Length)];
        _input.Key.CopyTo(_key);
        var key = _key.AsSpan(0, length);

        _target.StartKey(key);
        var floor = _rules.FloorOf(key);
        var fragment = _ranges.IsEmpty ? null : _ranges.FragmentOver(key);
        var successor = Never;
        do
        {
            if (_input.Kind == EffectKind.Merge)
            {
                ProcessChain(key, floor, fragment, successor);
                return;
            }
            Read++;
            var version = _input.Version;
            var end = EndOf(version, successor, fragment);
            if (end == Never) AddLive(key, floor);
            else if (IsKept(version, end, floor)) AddHistory(key, version, _input.Kind, _input.Expiry, end, floor, _input.Value);
            else Dropped++;
            // All older ones ended at or before this one began: at or below the floor, so none of them is kept, nor need be looked at. Where keys
            // are overwritten again and again, that is most of what is here.
            if (version <= floor && !_historyInput)
            {
                _input.NextKey();
                return;
            }
            successor = version;
            _input.Next();
        }
        while (_input.Valid && _input.Key.SequenceEqual(key));
    }

    ulong EndOf(ulong version, ulong successor, RangeDeleteFragment? fragment)
    {
        if (_historyInput) return _input.End;
        return Math.Min(successor, OldestAfter(fragment, version));
    }

    // At equal times a range delete is older than the effect on the key, so only greater ones end a version.
    static ulong OldestAfter(RangeDeleteFragment? fragment, ulong version)
    {
        var oldest = fragment?.OldestAfter(version) ?? 0;
        return oldest == 0 ? Never : oldest;
    }

    // In history tables a delete that nothing followed ends when it begins: no read needs it, the listing of versions does.
    bool IsKept(ulong version, ulong end, ulong floor) => end > floor && (end > version || _historyInput);

    // What has expired leaves a stub: without one, an older version that lies out of sight would seem to live until this one's end.
    void AddHistory(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ulong floor, ReadOnlySpan<byte> value) =>
        _target.AddHistory(key, version, kind, expiry, end, expiry != 0 && expiry <= floor ? default : value);

    void AddLive(ReadOnlySpan<byte> key, ulong floor)
    {
        var version = _input.Version;
        var expiry = _input.Expiry;
        if (_input.Kind == EffectKind.Put)
        {
            var expired = expiry != 0 && expiry <= floor;
            if (!expired) _target.AddMain(key, version, EffectKind.Put, expiry, _input.Value);
            else if (_rules.MergeOperatorOf(key) is not null || !_rules.IsBottom(key)) _target.AddMain(key, version, EffectKind.Put, expiry, default);
            else Dropped++;
            return;
        }
        if (!_rules.IsBottom(key)) _target.AddMain(key, version, EffectKind.Delete, 0, default);
        else if (version > floor) _target.AddHistory(key, version, EffectKind.Delete, 0, version, default);
        else Dropped++;
    }

    // From the first merge on, the rest of the key's versions are taken into memory: what happens to one depends on those below it.
    void ProcessChain(ReadOnlySpan<byte> key, ulong floor, RangeDeleteFragment? fragment, ulong successor)
    {
        var merge = _rules.MergeOperatorOf(key) ??
            throw new InvalidOperationException("a merge operand stands in a keyspace whose policy names no merge operator");
        _chain.Clear();
        do
        {
            Read++;
            var end = EndOf(_input.Version, successor, fragment);
            _chain.Add(_input.Kind, _input.Version, _input.Expiry, end, _input.Value);
            successor = _input.Version;
            _input.Next();
        }
        while (_input.Valid && _input.Key.SequenceEqual(key));

        _chain.FoldEqualVersions(key, merge);
        _chain.FindBases(fragment, _historyInput, atBottom: !_historyInput && _rules.IsBottom(key));
        EmitChain(key, floor, merge);
    }

    void EmitChain(ReadOnlySpan<byte> key, ulong floor, IMergeOperator merge)
    {
        for (var i = 0; i < _chain.Count; i++)
        {
            ref var link = ref _chain[i];
            if (link.End == Never)
            {
                if (link.Kind != EffectKind.Merge)
                {
                    // A put or delete that FoldEqualVersions made of a batch's effects on one key.
                    _target.AddMain(key, link.Version, link.Kind, link.Expiry, _chain.ValueOf(link));
                }
                else if (link.BaseKnown)
                {
                    var value = _chain.Fold(i, key, merge, out var expiry);
                    _target.AddMain(key, link.Version, EffectKind.Put, expiry, value);
                }
                else
                {
                    for (; i < _chain.Count; i++) _target.AddMain(key, _chain[i].Version, EffectKind.Merge, 0, _chain.ValueOf(_chain[i]));
                    return;
                }
                continue;
            }

            if (!IsKept(link.Version, link.End, floor))
            {
                Dropped++;
                continue;
            }
            if (link.Kind != EffectKind.Merge)
            {
                AddHistory(key, link.Version, link.Kind, link.Expiry, link.End, floor, _chain.ValueOf(link));
            }
            else if (!link.BaseKnown)
            {
                // The base lies out of sight: everything down to it lives as long as this one.
                var end = link.End;
                while (true)
                {
                    end = Math.Max(end, _chain[i].End);
                    _target.AddHistory(key, _chain[i].Version, EffectKind.Merge, 0, end, _chain.ValueOf(_chain[i]));
                    if (_chain[i].GapBelow || i + 1 == _chain.Count) break;
                    i++;
                }
            }
            else if (!link.BaseAbsent && i + 1 < _chain.Count && IsKept(_chain[i + 1].Version, _chain[i + 1].End, floor))
            {
                _target.AddHistory(key, link.Version, EffectKind.Merge, 0, link.End, _chain.ValueOf(link));
            }
            else
            {
                var value = _chain.Fold(i, key, merge, out var expiry);
                AddHistory(key, link.Version, EffectKind.Put, expiry, link.End, floor, value);
            }
        }
    }
}
