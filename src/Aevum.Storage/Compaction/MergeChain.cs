// MergeChain: the versions of one key from its newest merge down, held in memory while the sieve decides about them.
//
//   link i      one version, newest first; its value lies in one shared buffer
//   base        what a merge folds into: the next older link that is no merge, or nothing (deleted, expired, never there)
//   BaseKnown   the base is in sight: a put or delete among the links, a range delete between, or the bottom of the tree
//   BaseAbsent  a range delete (or the bottom) lies directly below this link: it folds into nothing
//   GapBelow    (history) the next older link ended before this one began: it is no base of this one

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Compaction;

struct ChainLink
{
    public EffectKind Kind;
    public ulong Version;
    public ulong Expiry;
    public ulong End;
    public int ValueOffset;
    public int ValueLength;
    public bool BaseKnown;
    public bool BaseAbsent;
    public bool GapBelow;
}

sealed class MergeChain
{
    readonly List<ChainLink> _links = [];
    readonly ArrayBufferWriter<byte> _values = new();
    readonly ArrayBufferWriter<byte>[] _folded = [new(), new()];

    public int Count => _links.Count;

    public ref ChainLink this[int index] => ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_links)[index];

    public void Clear()
    {
        _links.Clear();
        _values.ResetWrittenCount();
    }

    public void Add(EffectKind kind, ulong version, ulong expiry, ulong end, ReadOnlySpan<byte> value)
    {
        _links.Add(new ChainLink
        {
            Kind = kind,
            Version = version,
            Expiry = expiry,
            End = end,
            ValueOffset = _values.WrittenCount,
            ValueLength = value.Length,
        });
        _values.Write(value);
    }

    public ReadOnlySpan<byte> ValueOf(ChainLink link) => _values.WrittenSpan.Slice(link.ValueOffset, link.ValueLength);

    /// <summary>Makes one link of several effects of one batch: outside of memtables there is one entry per key and time.</summary>
    public void FoldEqualVersions(ReadOnlySpan<byte> key, IMergeOperator merge)
    {
        for (var i = _links.Count - 2; i >= 0; i--)
        {
            var newer = _links[i];
            var older = _links[i + 1];
            if (newer.Version != older.Version) continue;
            if (newer.Kind == EffectKind.Merge)
            {
                var result = _folded[0];
                result.ResetWrittenCount();
                var expired = older.Expiry != 0 && older.Expiry <= newer.Version;
                if (older.Kind == EffectKind.Merge) merge.Combine(key, ValueOf(older), ValueOf(newer), result);
                else if (older.Kind == EffectKind.Put && !expired) merge.Merge(key, true, ValueOf(older), ValueOf(newer), result);
                else merge.Merge(key, false, default, ValueOf(newer), result);
                newer.Kind = older.Kind == EffectKind.Merge ? EffectKind.Merge : EffectKind.Put;
                newer.Expiry = older.Kind == EffectKind.Put && !expired ? older.Expiry : 0;
                newer.ValueOffset = _values.WrittenCount;
                newer.ValueLength = result.WrittenCount;
                _values.Write(result.WrittenSpan);
                _links[i] = newer;
            }
            _links.RemoveAt(i + 1);
        }
    }

    public void FindBases(RangeDeleteFragment? fragment, bool historyInput, bool atBottom)
    {
        var known = atBottom;
        var absent = atBottom;
        for (var i = _links.Count - 1; i >= 0; i--)
        {
            ref var link = ref this[i];
            var below = i + 1 < _links.Count ? _links[i + 1].Version : 0;
            // A range delete at the time of the upper link is older than that link, so it cuts; one at the time of the lower link does not.
            if (fragment is not null && fragment.HasBetween(below, link.Version)) known = absent = true;
            // Among history tables a gap says nothing: a delete may lie in it, or a base that is still in the main tables.
            link.GapBelow = historyInput && i + 1 < _links.Count && _links[i + 1].End < link.Version;
            if (link.GapBelow) known = false;
            link.BaseKnown = link.Kind != EffectKind.Merge || known;
            link.BaseAbsent = absent;
            if (link.Kind != EffectKind.Merge) known = true;
            absent = false;
        }
    }

    /// <summary>The value that link <paramref name="index"/>, a merge with a known base, makes of what lies below it.</summary>
    /// <returns>Valid until the next fold.</returns>
    public ReadOnlySpan<byte> Fold(int index, ReadOnlySpan<byte> key, IMergeOperator merge, out ulong expiry)
    {
        var lowest = index;
        while (!_links[lowest].BaseAbsent && lowest + 1 < _links.Count && _links[lowest + 1].Kind == EffectKind.Merge) lowest++;

        var exists = false;
        ReadOnlySpan<byte> value = default;
        expiry = 0;
        if (!_links[lowest].BaseAbsent && lowest + 1 < _links.Count && _links[lowest + 1].Kind == EffectKind.Put)
        {
            exists = true;
            value = ValueOf(_links[lowest + 1]);
            expiry = _links[lowest + 1].Expiry;
        }
        for (var i = lowest; i >= index; i--)
        {
            if (expiry != 0 && expiry <= _links[i].Version)
            {
                exists = false;
                value = default;
                expiry = 0;
            }
            var result = _folded[i & 1];
            result.ResetWrittenCount();
            merge.Merge(key, exists, value, ValueOf(_links[i]), result);
            value = result.WrittenSpan;
            exists = true;
        }
        return value;
    }
}
