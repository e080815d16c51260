// KeyComponent: one kind of key component as tests see it: values to draw, how they compare by meaning, how they are written and read.

using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;

namespace Aevum.Core.Tests.Bytes;

sealed class KeyComponent(
    string name, Func<SeededRandom, object?> draw, Comparison<object?> compare, KeyComponent.Writer write, KeyComponent.Reader read)
{
    public delegate void Writer(OrderedKeyWriter writer, object? value, KeyOrder order);

    public delegate bool Reader(ref OrderedKeyReader reader, KeyOrder order, out object? value);

    public string Name => name;

    public object? Draw(SeededRandom random) => draw(random);

    public void Write(OrderedKeyWriter writer, object? value, KeyOrder order) => write(writer, value, order);

    public bool TryRead(ref OrderedKeyReader reader, KeyOrder order, out object? value) => read(ref reader, order, out value);

    public static KeyComponent[] All { get; } =
    [
        Of<byte>("byte", r => (byte)Bits(r), (w, v, o) => w.AddByte(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out byte v) => r.TryReadByte(out v, o)),
        Of<ushort>("ushort", r => (ushort)Bits(r), (w, v, o) => w.AddUInt16(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out ushort v) => r.TryReadUInt16(out v, o)),
        Of<uint>("uint", r => (uint)Bits(r), (w, v, o) => w.AddUInt32(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out uint v) => r.TryReadUInt32(out v, o)),
        Of<ulong>("ulong", Bits, (w, v, o) => w.AddUInt64(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out ulong v) => r.TryReadUInt64(out v, o)),
        Of<sbyte>("sbyte", r => (sbyte)Bits(r), (w, v, o) => w.AddSByte(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out sbyte v) => r.TryReadSByte(out v, o)),
        Of<short>("short", r => (short)Bits(r), (w, v, o) => w.AddInt16(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out short v) => r.TryReadInt16(out v, o)),
        Of<int>("int", r => (int)Bits(r), (w, v, o) => w.AddInt32(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out int v) => r.TryReadInt32(out v, o)),
        Of<long>("long", r => (long)Bits(r), (w, v, o) => w.AddInt64(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out long v) => r.TryReadInt64(out v, o)),
        Of<float>("float", DrawSingle, (w, v, o) => w.AddSingle(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out float v) => r.TryReadSingle(out v, o), (a, b) => CompareDouble(a, b)),
        Of<double>("double", DrawDouble, (w, v, o) => w.AddDouble(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out double v) => r.TryReadDouble(out v, o), CompareDouble),
        Of<bool>("bool", r => r.OneIn(2), (w, v, o) => w.AddBoolean(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out bool v) => r.TryReadBoolean(out v, o)),
        Of<Guid>("guid", DrawGuid, (w, v, o) => w.AddGuid(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out Guid v) => r.TryReadGuid(out v, o)),
        Of<byte[]>("bytes", DrawBytes, (w, v, o) => w.AddBytes(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out byte[] v) => r.TryReadBytes(out v, o), (a, b) => a.AsSpan().SequenceCompareTo(b)),
        Of<string>("text", DrawText, (w, v, o) => w.AddText(v, o),
            (ref OrderedKeyReader r, KeyOrder o, out string v) => r.TryReadText(out v, o), CompareCodePoints),
        Of<string>("utf8", DrawText, (w, v, o) => w.AddUtf8(Encoding.UTF8.GetBytes(v), o),
            (ref OrderedKeyReader r, KeyOrder o, out string v) => r.TryReadText(out v, o), CompareCodePoints),
        // The newest first, whatever order is asked for: there is no other.
        new("version", r => new SystemTime(Bits(r) >> 1), (a, b) => ((SystemTime)b!).CompareTo((SystemTime)a!),
            (w, v, _) => w.AddVersion((SystemTime)v!),
            (ref OrderedKeyReader r, KeyOrder _, out object? v) => Box(r.TryReadVersion(out var time), time, out v)),
        Nullable("nullable, nulls first", last: false),
        Nullable("nullable, nulls last", last: true),
    ];

    /// <summary>How two values of this kind order in a key. Versions and nulls have an order that no direction turns.</summary>
    public int CompareInKey(object? left, object? right, KeyOrder order) =>
        order == KeyOrder.Ascending || left is null or SystemTime || right is null ? compare(left, right) : compare(right, left);

    delegate bool Reader<T>(ref OrderedKeyReader reader, KeyOrder order, out T value);

    static KeyComponent Of<T>(string name, Func<SeededRandom, T> draw, Action<OrderedKeyWriter, T, KeyOrder> write, Reader<T> read,
        Comparison<T>? compare = null) => new(
            name, r => draw(r), (a, b) => compare is null ? Comparer<T>.Default.Compare((T)a!, (T)b!) : compare((T)a!, (T)b!),
            (w, v, o) => write(w, (T)v!, o),
            (ref OrderedKeyReader r, KeyOrder o, out object? v) => Box(read(ref r, o, out var value), value, out v));

    static KeyComponent Nullable(string name, bool last) => new(
        name, r => r.OneIn(3) ? null : (object)(int)Bits(r),
        (a, b) => a is null || b is null ? ((a is null).CompareTo(b is null) * (last ? 1 : -1)) : ((int)a).CompareTo((int)b),
        (w, v, o) =>
        {
            if (v is null) w.AddNull(last);
            else w.AddPresent().AddInt32((int)v, o);
        },
        (ref OrderedKeyReader r, KeyOrder o, out object? v) =>
        {
            v = null;
            if (!r.TryReadNullTag(out var isNull)) return false;
            return isNull || Box(r.TryReadInt32(out var value, o), value, out v);
        });

    static bool Box<T>(bool done, T value, out object? boxed)
    {
        boxed = value;
        return done;
    }

    // Numbers near each other, near the limits of each width, and any.
    static ulong Bits(SeededRandom random) => random.Next(4) switch
    {
        0 => (ulong)random.Next(-3, 4),
        1 => (1UL << random.Next(64)) + (ulong)random.Next(-2, 3),
        2 => random.NextUInt64() >> random.Next(64),
        _ => random.NextUInt64(),
    };

    static readonly double[] SpecialDoubles =
    [
        0, -0.0, 1, -1, double.Epsilon, -double.Epsilon, double.MaxValue, double.MinValue, double.PositiveInfinity, double.NegativeInfinity,
        double.NaN, BitConverter.UInt64BitsToDouble(0x7FF8000000000001), BitConverter.UInt64BitsToDouble(0xFFF8000000000000),
        2.2250738585072014e-308,
    ];

    static double DrawDouble(SeededRandom random) => random.Next(3) switch
    {
        0 => SpecialDoubles[random.Next(SpecialDoubles.Length)],
        1 => (random.NextDouble() - 0.5) * 10,
        _ => BitConverter.UInt64BitsToDouble(random.NextUInt64()),
    };

    static float DrawSingle(SeededRandom random) =>
        random.OneIn(2) ? (float)DrawDouble(random) : BitConverter.UInt32BitsToSingle((uint)Bits(random));

    // IEEE's order, -0 equal to 0, and NaN, equal to itself, above all.
    static int CompareDouble(double a, double b)
    {
        if (double.IsNaN(a) || double.IsNaN(b)) return double.IsNaN(a).CompareTo(double.IsNaN(b));
        return a < b ? -1 : a > b ? 1 : 0;
    }

    static Guid DrawGuid(SeededRandom random)
    {
        var bytes = new byte[16];
        if (random.OneIn(2)) random.Fill(bytes);
        bytes[random.Next(16)] = (byte)random.Next(256);
        return new Guid(bytes);
    }

    static byte[] DrawBytes(SeededRandom random)
    {
        var bytes = new byte[random.OneIn(8) ? random.Next(100) : random.Next(5)];
        byte[] letters = [0x00, 0x00, 0x01, 0x02, 0x61, 0xFE, 0xFF, 0xFF];
        foreach (ref var b in bytes.AsSpan()) b = letters[random.Next(letters.Length)];
        return bytes;
    }

    static string DrawText(SeededRandom random)
    {
        string[] letters =
        [
            "\0", "\u0001", "a", "b", "\u007F", "\u00E9", "\u07FF", "\u2603", "\uD7FF", "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF",
        ];
        var text = new StringBuilder();
        for (var n = random.Next(6); n > 0; n--) text.Append(letters[random.Next(letters.Length)]);
        return text.ToString();
    }

    static int CompareCodePoints(string a, string b)
    {
        var (left, right) = (a.EnumerateRunes().ToArray(), b.EnumerateRunes().ToArray());
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
            if (left[i] != right[i]) return left[i].Value.CompareTo(right[i].Value);
        return left.Length.CompareTo(right.Length);
    }
}
