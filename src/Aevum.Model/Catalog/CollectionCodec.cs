// CollectionCodec: a collection's options as bytes: a value of fields of its own (Fields), inside the field of a keyspace's options that has them.
//
//   2 element    4 metric    6 dimension    8 m    10 ef_construction    12 ef_search    14 quantization          numbers, all always there

using Aevum.Core.Errors;

namespace Aevum.Model.Catalog;

static class CollectionCodec
{
    const byte LayoutVersion = 1;
    const uint ElementTag = 2, MetricTag = 4, DimensionTag = 6, LinksTag = 8, EfConstructionTag = 10, EfSearchTag = 12, QuantizationTag = 14;
    const string What = "a collection's options";

    public static byte[] Encode(CollectionOptions options) => new FieldWriter()
        .AddNumber(ElementTag, (ulong)options.Element).AddNumber(MetricTag, (ulong)options.Metric).AddNumber(DimensionTag, (ulong)options.Dimension)
        .AddNumber(LinksTag, (ulong)options.M).AddNumber(EfConstructionTag, (ulong)options.EfConstruction)
        .AddNumber(EfSearchTag, (ulong)options.EfSearch).AddNumber(QuantizationTag, (ulong)options.Quantization)
        .ToArray(LayoutVersion, options.Unknown);

    /// <exception cref="CorruptionException">The bytes are no options.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a later program's, with what must not be passed over.</exception>
    public static CollectionOptions Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new FieldReader(bytes, LayoutVersion, What);
        Span<int> numbers = stackalloc int[7];
        var found = 0;
        while (reader.TryRead(out var tag, out var content))
        {
            if (tag is < ElementTag or > QuantizationTag || tag % 2 != 0)
            {
                reader.Keep(tag, content);
                continue;
            }
            numbers[(int)(tag / 2) - 1] = (int)reader.NumberOf(content, int.MaxValue);
            found |= 1 << (int)(tag / 2);
        }
        reader.Require(found == 0b1111_1110, "complete list of numbers");
        if (numbers[0] > byte.MaxValue || numbers[1] > byte.MaxValue || numbers[6] > byte.MaxValue || numbers[2] is 0 or > CollectionOptions.DimensionMax)
            throw new CorruptionException($"{What} hold an impossible number");
        var options = new CollectionOptions(numbers[2])
        {
            Element = (VectorElement)numbers[0],
            Metric = (VectorMetric)numbers[1],
            M = numbers[3],
            EfConstruction = numbers[4],
            EfSearch = numbers[5],
            Quantization = (VectorQuantization)numbers[6],
            Unknown = reader.Unknown,
        };
        if (options.FindFault() is { } fault) throw new CorruptionException($"{What}: {fault}");
        return options;
    }
}
