// DataBlockBuilder: appends one data block after another to an output buffer, in place: an entry's bytes are copied once.
//
// Numbers (versions, expiries, ends) wait in side arrays until the block is finished, because the width of their columns is known only
// then. Layout of the bytes: DataBlock.
//
// Not here: when a block is cut, trailers, compression (TableWriter).

using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;

namespace Aevum.Storage.Tables;

sealed unsafe class DataBlockBuilder : IDisposable
{
    /// <summary>Three varints of 32 bits.</summary>
    const int HeadBytesMax = 3 * Varint.MaxBytes32;

    readonly int _interval;
    long _start;
    int _untilRestart;

    GrowingBytes _versions, _expiries, _ends, _restarts;

    // Runs (DataBlock): where entries lie, the numbers of those at which a key starts; whether each other ends where the one before begins.
    GrowingBytes _offsets, _starts;
    int _startCount;
    long _runStart;
    bool _endsImplied;
    int _lastKeyLength;
    ulong _lastVersion;

    ulong _expiryMin, _expiryMax, _endMin, _endMax;

    // The bits in which the numbers of a column differ. Where that is not within the counters (TimeColumn), those are not stored.
    ulong _versionFirst, _versionBits, _expiryBits, _endBits;

    /// <summary>Finished blocks and the one being built.</summary>
    public GrowingBytes Output;

    public DataBlockBuilder(int restartInterval, long capacity)
    {
        _interval = restartInterval;
        Output.Reserve(capacity);
        Clear();
    }

    /// <summary>Entries in the block being built.</summary>
    public int Count { get; private set; }

    public ulong VersionMin { get; private set; }

    public ulong VersionMax { get; private set; }

    /// <summary>The greatest end; 0 if no entry has one.</summary>
    public ulong EndMax => _endMax;

    /// <summary>True if an entry has no end: a reader at any time from its version on may see it.</summary>
    public bool HasOpenEnd { get; private set; }

    /// <summary>Where the block being built starts in <see cref="Output"/>.</summary>
    public long BlockStart => _start;

    /// <summary>True if the block would have runs if it were finished now.</summary>
    public bool HasRuns => 2 * _startCount <= Count;

    /// <summary>Bytes of the entries of the key that was added last.</summary>
    public long RunBytes => Output.Length - _start - _runStart;

    void Clear()
    {
        _start = Output.Length;
        _untilRestart = 0;
        _versions.Clear();
        _expiries.Clear();
        _ends.Clear();
        _restarts.Clear();
        _offsets.Clear();
        _starts.Clear();
        _startCount = 0;
        _runStart = 0;
        _endsImplied = true;
        Count = 0;
        VersionMin = _expiryMin = _endMin = ulong.MaxValue;
        VersionMax = _expiryMax = _endMax = 0;
        HasOpenEnd = false;
        _versionBits = _expiryBits = _endBits = 0;
    }

    /// <summary>To be called after the finished blocks were taken out of <see cref="Output"/>.</summary>
    public void Restart()
    {
        Output.Clear();
        Clear();
    }

    /// <summary>Bytes that the block's contents will take at most with one more entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long BytesWith(int shared, int unshared, int valueLength, ulong version, ulong expiry, ulong end)
    {
        var head = (uint)shared < 128 && (uint)unshared < 128 && (uint)valueLength < 4096 ? 4 : HeadBytesMax;
        // A row of versions of one key: offsets of all entries instead of the restarts, and a bit each.
        var runs = 2 * (_startCount + Math.Min(unshared, 1)) <= Count + 1
            ? (Count + 1L) * (Output.Length - _start + unshared + shared + valueLength > ushort.MaxValue - HeadBytesMax ? 4 : 2) + (Count >> 3) + 1
            : 0;
        if (_untilRestart == 0) unshared += shared;
        var bits = Count == 0 ? 0 : _versionBits | (version ^ _versionFirst);
        var width = TimeColumn.Width(Math.Max(VersionMax, version) - Math.Min(VersionMin, version), TimeColumn.Shift(bits));
        if ((expiry | end | _expiryMax | _endMax) != 0) width += OptionalWidths(expiry, end);
        return Output.Length - _start + head + unshared + valueLength
            + (Count + 1L) * width + (_restarts.Length + 4) + runs + DataBlock.FooterBytes + 16;
    }

    int OptionalWidths(ulong expiry, ulong end) =>
        OptionalWidth(_expiryMin, _expiryMax, _expiryBits, expiry) + OptionalWidth(_endMin, _endMax, _endBits, end);

    // With one more number, if it is one. No number at all: no column.
    static int OptionalWidth(ulong min, ulong max, ulong bits, ulong value)
    {
        if (value != 0)
        {
            if (max != 0) bits |= value ^ max;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }
        return max == 0 ? 0 : TimeColumn.OptionalWidth(max - min, TimeColumn.Shift(bits));
    }

    /// <param name="shared">Length of the longest common prefix with the key added before in this block.</param>
    public void Add(byte* key, int keyLength, int shared, ulong version, EffectKind kind, ulong expiry, ulong end, byte* value,
        int valueLength)
    {
        var offset = (uint)(Output.Length - _start);
        _offsets.Append(offset);
        // A key that shares all of itself with the one before and is not longer than it is the same.
        if (Count == 0 || shared != keyLength || shared != _lastKeyLength)
        {
            _starts.Append((uint)Count);
            _startCount++;
            _runStart = offset;
        }
        else if (end != _lastVersion)
        {
            _endsImplied = false;
        }
        _lastKeyLength = keyLength;
        _lastVersion = version;
        if (_untilRestart == 0)
        {
            _restarts.Append(offset);
            _untilRestart = _interval;
            shared = 0;
        }
        _untilRestart--;

        var unshared = keyLength - shared;
        Output.Reserve(HeadBytesMax + unshared + (long)valueLength);
        var at = Output.Start + Output.Length;
        var tag = ((uint)valueLength << 2) | (uint)kind;
        if ((uint)(shared | unshared) < 128 && tag < 1 << 14)
        {
            at[0] = (byte)shared;
            at[1] = (byte)unshared;
            if (tag < 128)
            {
                at[2] = (byte)tag;
                at += 3;
            }
            else
            {
                at[2] = (byte)(tag | 0x80);
                at[3] = (byte)(tag >> 7);
                at += 4;
            }
        }
        else
        {
            at += Varint.Write(new Span<byte>(at, Varint.MaxBytes32), (uint)shared);
            at += Varint.Write(new Span<byte>(at, Varint.MaxBytes32), (uint)unshared);
            at += Varint.Write(new Span<byte>(at, Varint.MaxBytes32), tag);
        }
        Copy(key + shared, at, unshared);
        at += unshared;
        Unsafe.CopyBlockUnaligned(at, value, (uint)valueLength);
        Output.Length = at + valueLength - Output.Start;

        if (Count == 0) _versionFirst = version;
        _versionBits |= version ^ _versionFirst;
        if (version < VersionMin) VersionMin = version;
        if (version > VersionMax) VersionMax = version;
        _versions.Append(version);
        if ((expiry | _expiryMax) != 0) AddOptional(ref _expiries, ref _expiryMin, ref _expiryMax, ref _expiryBits, expiry);
        if ((end | _endMax) != 0) AddOptional(ref _ends, ref _endMin, ref _endMax, ref _endBits, end);
        if (end == 0) HasOpenEnd = true;
        Count++;
    }

    // Columns of optional numbers start with the first entry that has one; the entries before it get zeros.
    void AddOptional(ref GrowingBytes column, ref ulong min, ref ulong max, ref ulong bits, ulong value)
    {
        while (column.Length < Count * (long)sizeof(ulong)) column.Append(0UL);
        column.Append(value);
        if (value == 0) return;
        if (max != 0) bits |= value ^ max;
        min = Math.Min(min, value);
        max = Math.Max(max, value);
    }

    /// <summary>Copies a few bytes without a call. Reads and writes exactly the given ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, byte* target, int length)
    {
        if (length > 16)
        {
            Unsafe.CopyBlockUnaligned(target, source, (uint)length);
        }
        else if (length >= 8)
        {
            var last = Unsafe.ReadUnaligned<ulong>(source + length - 8);
            Unsafe.WriteUnaligned(target, Unsafe.ReadUnaligned<ulong>(source));
            Unsafe.WriteUnaligned(target + length - 8, last);
        }
        else if (length >= 4)
        {
            var last = Unsafe.ReadUnaligned<uint>(source + length - 4);
            Unsafe.WriteUnaligned(target, Unsafe.ReadUnaligned<uint>(source));
            Unsafe.WriteUnaligned(target + length - 4, last);
        }
        else
        {
            for (var i = 0; i < length; i++) target[i] = source[i];
        }
    }

    /// <summary>Writes columns, restarts and footer behind the entries and starts the next block.</summary>
    /// <returns>Length of the finished block's contents, which start at the former <see cref="BlockStart"/>.</returns>
    public long Finish()
    {
        var hasRuns = HasRuns;
        ref var offsets = ref hasRuns ? ref _offsets : ref _restarts;
        var restarts = (int)(offsets.Length / sizeof(uint));
        Output.Reserve(Count * 25L + restarts * 4L + DataBlock.FooterBytes + 24);
        var at = Output.Start + Output.Length;
        var wideRestarts = Output.Length - _start > ushort.MaxValue;

        var versionShift = TimeColumn.Shift(_versionBits);
        var versionWidth = TimeColumn.Width(VersionMax - VersionMin, versionShift);
        var versions = (ulong*)_versions.Start;
        // Whole words are stored; what stands over is overwritten by what comes next. The buffer's slack takes the last one.
        for (var i = 0; i < Count; i++, at += versionWidth) Unsafe.WriteUnaligned(at, (versions[i] - VersionMin) >> versionShift);
        var expiryWidth = WriteOptional(ref at, _expiries, _expiryMin, _expiryMax, _expiryBits);
        var impliesEnds = hasRuns && _endsImplied && _endMax != 0 && TryKeepEndsOfStarts();
        var endWidth = WriteOptional(ref at, _ends, _endMin, _endMax, _endBits);
        if (hasRuns) WriteStarts(ref at);
        for (var i = 0; i < restarts; i++, at += wideRestarts ? 4 : 2) Unsafe.WriteUnaligned(at, offsets.At<uint>(i));
        if (expiryWidth > 0)
        {
            Unsafe.WriteUnaligned(at, _expiryMin);
            at += 8;
        }
        if (endWidth > 0)
        {
            Unsafe.WriteUnaligned(at, _endMin);
            at += 8;
        }
        Unsafe.WriteUnaligned(at, VersionMin);
        Unsafe.WriteUnaligned(at + 8, Count);
        Unsafe.WriteUnaligned(at + 12, (ushort)(_interval | (hasRuns ? DataBlock.Runs : 0) | (impliesEnds ? DataBlock.EndsImplied : 0)));
        var widths = versionWidth | (expiryWidth << 4) | (endWidth << 8) | (wideRestarts ? DataBlock.WideRestarts : 0)
            | (versionShift > 0 ? DataBlock.VersionsShifted : 0)
            | (expiryWidth > 0 && TimeColumn.Shift(_expiryBits) > 0 ? DataBlock.ExpiriesShifted : 0)
            | (endWidth > 0 && TimeColumn.Shift(_endBits) > 0 ? DataBlock.EndsShifted : 0);
        Unsafe.WriteUnaligned(at + 14, (ushort)widths);
        Output.Length = at + DataBlock.FooterBytes - Output.Start;
        return Output.Length - _start;
    }

    // Leaves in the column of ends only those of the entries at which a key starts. False if none of them has one.
    bool TryKeepEndsOfStarts()
    {
        var any = false;
        for (var i = 0; i < _startCount && !any; i++) any = _ends.At<ulong>(_starts.At<uint>(i)) != 0;
        if (!any) return false;
        (_endMin, _endMax, _endBits) = (ulong.MaxValue, 0, 0);
        for (var i = 0; i < _startCount; i++)
        {
            var end = _ends.At<ulong>(_starts.At<uint>(i));
            _ends.At<ulong>(i) = end;
            if (end == 0) continue;
            if (_endMax != 0) _endBits |= end ^ _endMax;
            _endMin = Math.Min(_endMin, end);
            _endMax = Math.Max(_endMax, end);
        }
        _ends.Length = (long)_startCount * sizeof(ulong);
        return true;
    }

    void WriteStarts(ref byte* at)
    {
        var bytes = (Count + 7) >> 3;
        new Span<byte>(at, bytes).Clear();
        for (var i = 0; i < _startCount; i++)
        {
            var start = _starts.At<uint>(i);
            at[start >> 3] |= (byte)(1 << (int)(start & 7));
        }
        at += bytes;
    }

    static int WriteOptional(ref byte* at, in GrowingBytes column, ulong min, ulong max, ulong bits)
    {
        if (max == 0) return 0;
        var shift = TimeColumn.Shift(bits);
        var width = TimeColumn.OptionalWidth(max - min, shift);
        var count = column.Length / sizeof(ulong);
        for (var i = 0; i < count; i++, at += width)
        {
            var value = column.At<ulong>(i);
            Unsafe.WriteUnaligned(at, value == 0 ? 0 : ((value - min) >> shift) + 1);
        }
        return width;
    }

    /// <summary>Starts the next block at the end of the output, where the caller has put the trailer of the one before.</summary>
    public void StartNext() => Clear();

    public void Dispose()
    {
        Output.Dispose();
        _versions.Dispose();
        _expiries.Dispose();
        _ends.Dispose();
        _restarts.Dispose();
        _offsets.Dispose();
        _starts.Dispose();
    }
}
