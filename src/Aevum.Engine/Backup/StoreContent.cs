// StoreContent: what the backups of a store are good for, taken together.
//
// A backup is tables up to a position of each shard, and its piece of log takes it on to its moment; pieces before it may be needed where they hold
// what is in no table yet. Pieces of later backups that go on without a gap take it further: to any time up to the end of the last one.
//
//   tables of 2 ─────┐
//                    [  piece 1  ][  piece 2  ]·moment of 2·[  piece 3  ]·moment of 3
//                     needed back from 2           further on, up to here

using Aevum.Core.Time;
using Aevum.Storage.Checking;

namespace Aevum.Engine.Backup;

/// <summary>Pieces for one backup, in the order in which they are read.</summary>
/// <param name="Pieces">Of those needed.</param>
/// <param name="Reach">The latest time to which they take it.</param>
/// <param name="Missing">A piece that the backup itself needs and that is not there, or not readable; null: none.</param>
sealed record LogChain(IReadOnlyList<LogPieceInfo> Pieces, SystemTime Reach, ulong? Missing);

/// <param name="Backups">By number.</param>
/// <param name="Pieces">By number.</param>
/// <param name="Problems">Files that cannot be read.</param>
sealed record StoreContent(IReadOnlyList<BackupManifest> Backups, IReadOnlyList<LogPieceInfo> Pieces, IReadOnlyList<CheckProblem> Problems)
{
    readonly Dictionary<ulong, LogPieceInfo> _byNumber = Pieces.ToDictionary(p => p.Number);
    readonly Dictionary<ulong, LogPieceInfo> _following = Pieces.Where(p => p.Previous != 0).DistinctBy(p => p.Previous).ToDictionary(p => p.Previous);

    /// <summary>The piece that a new one of this timeline may go on from.</summary>
    public LogPieceInfo? NewestPiece(uint timeline) => Pieces.LastOrDefault(p => p.Timeline == timeline);

    public LogChain ChainOf(BackupManifest backup)
    {
        var pieces = new List<LogPieceInfo>();
        if (!_byNumber.TryGetValue(backup.Id, out var own)) return new(pieces, backup.Moment, backup.Id);
        var at = own;
        pieces.Add(at);
        while (!Reaches(at, backup))
        {
            if (!_byNumber.TryGetValue(at.Previous, out var before) || before.Timeline != backup.Timeline) return new(pieces, backup.Moment, at.Previous);
            pieces.Insert(0, at = before);
        }
        at = own;
        while (_following.TryGetValue(at.Number, out var next) && next.Timeline == backup.Timeline) pieces.Add(at = next);
        return new(pieces, at.Moment, null);
    }

    // Does the piece begin where the tables end, or before?
    static bool Reaches(LogPieceInfo piece, BackupManifest backup)
    {
        var first = piece.Streams.ToDictionary(s => s.Id, s => s.First);
        return backup.Shards.All(s => first.TryGetValue(s.Id, out var position) && position <= s.State.AppliedPosition + 1);
    }

    /// <summary>Numbers of the pieces that some backup can make use of.</summary>
    public HashSet<ulong> PiecesInUse() => [.. Backups.SelectMany(b => ChainOf(b).Pieces).Select(p => p.Number)];
}
