namespace Aevum.Server.Resp.Commands;

/// <summary>Objects that a command has opened, kept for the next command.</summary>
sealed class RowsPool<T>(DataCall call)
    where T : StructureRows, new()
{
    readonly List<T> _all = [];
    int _used;

    /// <summary>All may be used again.</summary>
    public void Reset()
    {
        // A command over very many keys leaves no more behind than most need.
        if (_all.Count > 16) _all.RemoveRange(16, _all.Count - 16);
        _used = 0;
    }

    /// <summary>Opens what a key holds.</summary>
    /// <returns>Null: it holds another kind; the reply says so.</returns>
    public T? Open(ReadOnlySpan<byte> userKey)
    {
        var rows = Next();
        return rows.TryOpen(call, userKey) ? rows : null;
    }

    /// <summary>Opens a new object in the place of whatever a key holds.</summary>
    public T Replace(ReadOnlySpan<byte> userKey)
    {
        var rows = Next();
        rows.Replace(call, userKey);
        return rows;
    }

    T Next()
    {
        if (_used == _all.Count) _all.Add(new T());
        return _all[_used++];
    }
}
