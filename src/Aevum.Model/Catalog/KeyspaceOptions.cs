using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

/// <summary>How blocks of a keyspace are stored. Stored.</summary>
public enum KeyspaceCompression : byte
{
    None = 0,

    /// <summary>The LZ4 block format.</summary>
    Lz4 = 1,

    /// <summary>Brotli: smaller and slower. For cold data.</summary>
    Brotli = 2,
}

/// <summary>What a keyspace was told. Equal if every option is.</summary>
/// <remarks>Take what is there and change it (<c>with</c>): options of a later program that this one does not know stay with the object,
/// and
/// <see cref="CatalogChange.AlterKeyspace"/> keeps them in any case.</remarks>
public sealed record KeyspaceOptions
{
    /// <summary>No history, no compression, no merge operator, no time to live.</summary>
    public static KeyspaceOptions Default { get; } = new();

    public HistoryPolicy History { get; init; }

    /// <exception cref="AevumException">InvalidArgument: no such compression.</exception>
    public KeyspaceCompression Compression
    {
        get;
        init
        {
            if (value > KeyspaceCompression.Brotli) Throw.Invalid($"there is no compression {(byte)value}");
            field = value;
        }
    }

    /// <summary>Who folds operands into values: "append", "add" or the name of an operator that the user registers; null: none, and merges
    /// are refused. Whether an operator of that name exists is not known here.</summary>
    /// <exception cref="AevumException">InvalidArgument, LimitExceeded: it is no name.</exception>
    public string? MergeOperator
    {
        get;
        init
        {
            if (value is not null) CatalogName.Require(value, "the merge operator's name");
            field = value;
        }
    }

    /// <summary>Puts without an expiry of their own get one this much after they were written; null: they never expire.</summary>
    /// <remarks>Above zero, at most 2^53 - 1 microseconds; rounded up to whole ones.</remarks>
    /// <exception cref="AevumException">InvalidArgument.</exception>
    public TimeSpan? DefaultTimeToLive
    {
        get;
        init => field = value is { } given ? Durations.Normalize(given, "the default time to live") : null;
    }

    /// <summary>Of a vector collection, and only there: what its vectors are.</summary>
    public CollectionOptions? Collection { get; init; }

    internal UnknownFields Unknown { get; init; } = UnknownFields.None;
}
