// KeyspaceOptionsCodec: options as bytes: a value of fields of its own (Fields), inside the field of a keyspace's row that has them.
//
//   2 history               00 none | 01 forever | 02 and microseconds varint        always there
//   4 compression           number                                                   always there
//   6 merge operator        its name                                                 only if it has one
//   8 default time to live  microseconds                                             only if it has one
//  10 collection            a value of fields of its own (CollectionCodec)           only of a vector collection
//
// History and compression are written also where they are the default: a later program may have another default, and then old keyspaces
// must not change under their users.

using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

static class KeyspaceOptionsCodec
{
    public const byte LayoutVersion = 1;
    const uint HistoryTag = 2, CompressionTag = 4, MergeOperatorTag = 6, TimeToLiveTag = 8, CollectionTag = 10;
    const string What = "a keyspace's options";

    public static byte[] Encode(KeyspaceOptions options)
    {
        var fields = new FieldWriter()
            .Add(HistoryTag, EncodeHistory(options.History))
            .AddNumber(CompressionTag, (ulong)options.Compression);
        if (options.MergeOperator is { } merge) fields.AddText(MergeOperatorTag, merge);
        if (options.DefaultTimeToLive is { } span) fields.AddNumber(TimeToLiveTag, Durations.ToMicroseconds(span));
        if (options.Collection is { } collection) fields.Add(CollectionTag, CollectionCodec.Encode(collection));
        return fields.ToArray(LayoutVersion, options.Unknown);
    }

    /// <exception cref="CorruptionException">The bytes are no options.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a later program's, with what must not be passed over.</exception>
    public static KeyspaceOptions Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new FieldReader(bytes, LayoutVersion, What);
        HistoryPolicy? history = null;
        KeyspaceCompression? compression = null;
        string? merge = null;
        TimeSpan? timeToLive = null;
        CollectionOptions? collection = null;
        while (reader.TryRead(out var tag, out var content))
        {
            switch (tag)
            {
                case HistoryTag: history = DecodeHistory(content); break;
                case CompressionTag: compression = DecodeCompression(reader.NumberOf(content)); break;
                case MergeOperatorTag: merge = CatalogName.Read(content); break;
                case TimeToLiveTag: timeToLive = DecodeDuration(content); break;
                case CollectionTag: collection = CollectionCodec.Decode(content); break;
                default: reader.Keep(tag, content); break;
            }
        }
        reader.Require(history is not null, "history policy");
        reader.Require(compression is not null, "compression");
        return new KeyspaceOptions
        {
            History = history!.Value,
            Compression = compression!.Value,
            MergeOperator = merge,
            DefaultTimeToLive = timeToLive,
            Collection = collection,
            Unknown = reader.Unknown,
        };
    }

    static byte[] EncodeHistory(HistoryPolicy history) => history.Kind == HistoryKind.Duration
        ? [(byte)history.Kind, .. FieldWriter.Number(Durations.ToMicroseconds(history.Duration))]
        : [(byte)history.Kind];

    static HistoryPolicy DecodeHistory(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty) throw new CorruptionException($"{What}: the history policy is empty");
        var kind = (HistoryKind)content[0];
        if (kind > HistoryKind.Duration) Throw.UnsupportedFormat(What, $"with history policy {content[0]}", "policies 0 to 2");
        if (kind == HistoryKind.Duration) return HistoryPolicy.For(DecodeDuration(content[1..]));
        if (content.Length != 1) throw new CorruptionException($"{What}: the history policy goes on behind its end");
        return kind == HistoryKind.Forever ? HistoryPolicy.Forever : HistoryPolicy.None;
    }

    static TimeSpan DecodeDuration(ReadOnlySpan<byte> content)
    {
        if (!FieldReader.TryReadVarint(content, out var microseconds, out var used) || used != content.Length
            || microseconds is 0 or > Durations.MicrosecondsMax)
            throw new CorruptionException($"{What}: a duration is malformed or impossible");
        return Durations.FromMicroseconds(microseconds);
    }

    static KeyspaceCompression DecodeCompression(ulong number)
    {
        if (number > (ulong)KeyspaceCompression.Brotli) Throw.UnsupportedFormat(What, $"with compression {number}", "0 to 2");
        return (KeyspaceCompression)number;
    }
}
