namespace Aevum.Storage.Tables;

/// <summary>What a finished table is: its file's length and its properties.</summary>
sealed record TableInfo(long FileBytes, TableProperties Properties)
{
    public ulong TableId => Properties.TableId;

    public long Entries => (long)Properties.Entries;

    public byte[] SmallestKey => Properties.SmallestKey;

    public byte[] LargestKey => Properties.LargestKey;

    /// <summary>True if <see cref="LargestKey"/> is the exclusive end of a range delete.</summary>
    public bool LargestIsExclusive => Properties.LargestIsRangeDelete;

    public ulong VersionMin => Properties.VersionMin;

    public ulong VersionMax => Properties.VersionMax;

    /// <summary>History tables: no entry answers a read at or above this time; 0 if some entry has no end.</summary>
    public ulong ClosedEnd => Properties.Ended == Properties.Entries ? Properties.EndMax : 0;
}
