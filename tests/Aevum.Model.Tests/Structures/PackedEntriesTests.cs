using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Structures;
using Aevum.Testing;

namespace Aevum.Model.Tests.Structures;

public sealed class PackedEntriesTests
{
    [Theory, Seeds(30)]
    public void A_buffer_does_what_a_list_does(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new List<byte[]>();
        var buffer = new PackedBuffer();
        buffer.Load(StructureKind.List, default);
        for (var i = 0; i < 300; i++)
        {
            var entry = new byte[random.OneIn(10) ? random.Next(400) : random.Next(6)];
            random.Fill(entry);
            var at = random.Next(model.Count + 1);
            if (model.Count == 0 || random.OneIn(2))
            {
                Assert.Equal(PlaceOf(model, at + 1, entry, at), buffer.Insert(PlaceOf(model, at), entry));
                model.Insert(at, entry);
            }
            else if (at < model.Count)
            {
                var end = Math.Min(model.Count, at + 1 + random.Next(3));
                if (random.OneIn(2))
                {
                    buffer.Replace(PlaceOf(model, at), PlaceOf(model, end), entry);
                    model[at] = entry;
                    model.RemoveRange(at + 1, end - at - 1);
                }
                else
                {
                    buffer.Remove(PlaceOf(model, at), PlaceOf(model, end));
                    model.RemoveRange(at, end - at);
                }
            }
            Assert.Equal((byte)StructureKind.List, buffer.Row[0]);
            Assert.Equal(model, Read(buffer.Entries));
            Assert.Equal(model.Count, PackedEntries.Count(buffer.Entries));
            Assert.Equal(model.Sum(e => PackedEntries.SizeOf(e.Length)), buffer.Length);
        }
        var again = new PackedBuffer();
        again.Load(StructureKind.List, StructureHead.Read(buffer.Row).Rest);
        Assert.Equal(buffer.Row.ToArray(), again.Row.ToArray());
    }

    static int PlaceOf(List<byte[]> entries, int index) => entries.Take(index).Sum(e => PackedEntries.SizeOf(e.Length));

    // Behind an entry that is to be put in at a place.
    static int PlaceOf(List<byte[]> entries, int _, byte[] entry, int index) => PlaceOf(entries, index) + PackedEntries.SizeOf(entry.Length);

    [Theory]
    [InlineData("01")]              // ends before its bytes
    [InlineData("80")]              // a length that does not end
    [InlineData("8000")]            // a length that is longer than it need be
    [InlineData("ffffffffff")]      // a length of more than 32 bits
    [InlineData("ffffffff0f")]      // a length of 4 GiB
    [InlineData("0161ff")]
    public void What_is_none_is_corruption(string hex) =>
        Assert.Throws<CorruptionException>(() => PackedEntries.Count(Convert.FromHexString(hex)));

    [Theory, Seeds(50)]
    public void Any_bytes_are_entries_or_corruption(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var i = 0; i < 500; i++)
        {
            var bytes = new byte[random.Next(40)];
            random.Fill(bytes);
            if (random.OneIn(2))
                foreach (ref var b in bytes.AsSpan()) b = (byte)(b % 5);
            try
            {
                var entries = Read(bytes);
                // One value, one encoding.
                var buffer = new PackedBuffer();
                buffer.Load(StructureKind.Set, default);
                foreach (var entry in entries) buffer.Append(entry);
                Assert.Equal(bytes, buffer.Entries.ToArray());
            }
            catch (CorruptionException)
            {
            }
        }
    }

    [Fact]
    public void Positions_are_of_48_bits_and_never_0()
    {
        Span<byte> own = stackalloc byte[MemberPosition.Bytes];
        for (var i = 0; i < 1000; i++)
        {
            var position = MemberPosition.Of(BitConverter.GetBytes(i));
            Assert.InRange(position, 1UL, MemberPosition.End - 1);
            MemberPosition.Write(own, position);
            Assert.Equal(position, MemberPosition.Read(own));
        }
        Assert.Equal(MemberPosition.Of("m"u8), MemberPosition.Of("m"u8));
        MemberPosition.Write(own, 1);
        Assert.Equal("000000000001", Convert.ToHexString(own));
        _ = MemberPosition.Of(default);
    }

    static List<byte[]> Read(ReadOnlySpan<byte> packed)
    {
        var entries = new List<byte[]>();
        var at = 0;
        while (PackedEntries.TryRead(packed, ref at, out var entry)) entries.Add(entry.ToArray());
        return entries;
    }
}
