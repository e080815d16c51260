using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

/// <summary>Any bytes may be given: what comes is the object whose bytes they are, or a typed refusal.</summary>
public sealed class CatalogFuzzTests
{
    static readonly SystemTime At = new(1000);

    // Decodes and encodes again: one value has one encoding.
    static (byte[] Key, byte[] Value) Again(byte[] keyBytes, byte[] value)
    {
        var key = CatalogKey.Read(keyBytes);
        return (key.ToBytes(), key.Kind switch
        {
            CatalogRowKind.Namespace => CatalogValues.Encode(CatalogValues.DecodeNamespace(key.Id, value, At)),
            CatalogRowKind.Keyspace => CatalogValues.Encode(CatalogValues.DecodeKeyspace(new KeyspaceId(key.Parent, key.Id), value, At)),
            CatalogRowKind.Principal => CatalogValues.Encode(CatalogValues.DecodePrincipal(key.Id, value, At)),
            _ => CatalogValues.EncodeNumber(CatalogValues.DecodeNumber(value, CatalogKey.IdEnd)),
        });
    }

    /// <returns>True if the bytes were read.</returns>
    static bool Try(byte[] key, byte[] value)
    {
        try
        {
            var again = Again(key, value);
            Assert.Equal(Convert.ToHexString(key), Convert.ToHexString(again.Key));
            Assert.Equal(Convert.ToHexString(value), Convert.ToHexString(again.Value));
            return true;
        }
        catch (AevumException e) when (IsTyped(e))
        {
            return false;
        }
    }

    static bool IsTyped(AevumException e) => e is CorruptionException || e.Code == ErrorCode.UnsupportedFormat;

    // A catalog with a row that was changed is read whole or refused whole.
    static bool TryWhole(IEnumerable<CatalogRow> rows)
    {
        try
        {
            SlowCatalog.Listing(CatalogSnapshot.FromRows(rows, At));
            return true;
        }
        catch (AevumException e) when (IsTyped(e))
        {
            return false;
        }
    }

    [Fact]
    public void Every_single_bit_flipped()
    {
        var rows = CatalogFormatTests.ReadFixture();
        var (read, refused) = (0, 0);
        for (var at = 0; at < rows.Count; at++)
        {
            var row = rows[at];
            Assert.True(Try(row.Key, row.Value!));
            for (var bit = 0; bit < 8 * (row.Key.Length + row.Value!.Length); bit++)
            {
                var (key, value) = ((byte[])row.Key.Clone(), (byte[])row.Value!.Clone());
                var target = bit < 8 * key.Length ? key : value;
                target[(bit / 8) - (ReferenceEquals(target, value) ? key.Length : 0)] ^= (byte)(1 << (bit % 8));
                if (Try(key, value)) read++;
                else refused++;
                TryWhole([.. rows[..at], row with { Key = key, Value = value }, .. rows[(at + 1)..]]);
            }
        }
        Assert.True(read > 100 && refused > 100, $"{read} read, {refused} refused");
    }

    [Theory, Seeds(20)]
    public void Rows_cut_grown_and_overwritten(ulong seed)
    {
        var random = new SeededRandom(seed);
        var rows = CatalogFormatTests.ReadFixture();
        for (var i = 0; i < 500; i++)
        {
            var at = random.Next(rows.Count);
            var row = rows[at];
            var changed = random.OneIn(3) ? row with { Key = Change(row.Key, random) } : row with { Value = Change(row.Value!, random) };
            Try(changed.Key, changed.Value!);
            if (i % 10 == 0) TryWhole([.. rows[..at], changed, .. rows[(at + 1)..]]);
        }
    }

    [Theory, Seeds(20)]
    public void Random_bytes_behind_a_valid_beginning(ulong seed)
    {
        var random = new SeededRandom(seed);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 3000; i++)
        {
            // Small numbers make tags and lengths that fit; a valid key makes the value matter.
            var value = new byte[random.Next(24)];
            random.Fill(value);
            for (var b = 0; b < value.Length; b++) value[b] = random.OneIn(4) ? value[b] : (byte)(value[b] % 9);
            if (value.Length > 0) value[0] = random.OneIn(8) ? value[0] : CatalogValues.LayoutVersion;
            var key = random.OneIn(4) ? KeyLayout.Make(SystemKeyspaces.Catalog, value) : CatalogKeyTests.Draw(random).ToBytes();
            if (Try(key, value)) read++;
            else refused++;
        }
        Assert.True(refused > 100, $"{read} read, {refused} refused");
    }

    static byte[] Change(byte[] bytes, SeededRandom random)
    {
        var at = random.Next(bytes.Length + 1);
        var some = new byte[1 + random.Next(4)];
        random.Fill(some);
        return random.Next(4) switch
        {
            0 => bytes[..at],
            1 => [.. bytes[..at], .. some, .. bytes[at..]],
            2 => [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + some.Length)..]],
            _ => [.. bytes[..at], .. some, .. bytes[Math.Min(bytes.Length, at + some.Length)..]],
        };
    }
}
