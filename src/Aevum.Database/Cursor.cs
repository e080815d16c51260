// Cursor: walks the keys of a scan without copying them: one shard's cursor after the other.
//
// Over several shards of the present it holds one moment, so that it sees all of them alike.

using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;

namespace Aevum;

/// <summary>Walks keys in order. Sees the database as it was when it was opened; to be disposed. One thread.</summary>
public sealed class Cursor : IDisposable
{
    readonly IReadOnlyList<(IShard Shard, byte[] Start, byte[]? End)> _parts;
    readonly IHeldMoment? _held;
    readonly ReadView _view;
    readonly bool _descending;
    IShardCursor? _current;
    int _part = -1;
    bool _isDone;

    internal Cursor(IShardRouter router, byte[] start, byte[]? end, ReadView view, bool descending)
    {
        var parts = router.ShardsOf(start, end).ToList();
        if (descending) parts.Reverse();
        _parts = parts;
        _descending = descending;
        _held = view.IsPresent && parts.Count > 1 ? router.HoldNow() : null;
        _view = _held is null ? view : ReadView.AsOf(_held.At);
        try
        {
            // The first one now: what is refused is refused at once, and the moment is this one.
            if (parts.Count > 0) _current = Open(0);
        }
        catch
        {
            _held?.Dispose();
            throw;
        }
    }

    IShardCursor Open(int part) => _parts[part].Shard.OpenCursor(_parts[part].Start, _parts[part].End, _view);

    /// <summary>The key as the user gave it. Valid until the next move, as <see cref="Value"/>.</summary>
    public ReadOnlySpan<byte> Key => KeyLayout.UserKeyOf(_current!.Key);

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value => _current!.Value;

    /// <summary>When it was written.</summary>
    public SystemTime Version => _current!.Version;

    /// <summary>From this time on it counts as absent; None if it never expires.</summary>
    public SystemTime Expiry => _current!.Expiry;

    /// <summary>To the first key, and then on from key to key.</summary>
    /// <returns>False behind the last.</returns>
    public bool MoveNext()
    {
        if (_isDone || _current is null) return false;
        if (_part < 0)
        {
            _part = 0;
            Begin();
        }
        else
        {
            if (_descending) _current.Prev();
            else _current.Next();
        }
        while (!_current.Valid)
        {
            _current.Dispose();
            _current = null;
            if (++_part == _parts.Count)
            {
                _isDone = true;
                return false;
            }
            _current = Open(_part);
            Begin();
        }
        return true;
    }

    void Begin()
    {
        if (_descending) _current!.SeekToLast();
        else _current!.SeekToFirst();
    }

    /// <summary>Lets go of what it holds.</summary>
    public void Dispose()
    {
        _isDone = true;
        _current?.Dispose();
        _current = null;
        _held?.Dispose();
    }
}
