// Random requests about strings, against a dictionary and loops that anybody can check by eye.

using System.Globalization;
using System.Numerics;
using System.Text;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Server.Tests.Resp;

public sealed class StringModelTests
{
    readonly Dictionary<string, byte[]> _model = [];

    [Theory, Seeds(8)]
    public void Commands_do_what_the_model_does(ulong seed)
    {
        using var world = new RespWorld();
        var random = new SeededRandom(seed);
        for (var i = 0; i < 800; i++)
        {
            var (request, expected) = Next(random);
            var reply = world.Ask(request);
            Assert.True(expected == reply, $"{i}: {string.Join(' ', request)}\nexpected {expected}\nbut was  {reply}");
            if (i % 100 != 0) continue;
            foreach (var (key, value) in _model) Assert.Equal(Text(value), world.Ask("GET", key));
            Assert.Equal($"{_model.Count}", world.Ask("DBSIZE"));
        }
    }

    static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    byte[] Of(string key) => _model.TryGetValue(key, out var value) ? value : [];

    (string[] Request, string Reply) Next(SeededRandom random)
    {
        var key = $"k{random.Next(6)}";
        var other = $"k{random.Next(6)}";
        var text = random.OneIn(3) ? $"{random.Next(2000) - 1000}" : new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(256))]);
        var old = Of(key);
        var isThere = _model.ContainsKey(key);
        var was = isThere ? Text(old) : "(nil)";
        switch (random.Next(16))
        {
            case 0:
                _model[key] = Bytes(text);
                return (["SET", key, text], "OK");
            case 1:
                var onlyIfThere = random.OneIn(2);
                if (onlyIfThere == isThere) _model[key] = Bytes(text);
                return (["SET", key, text, onlyIfThere ? "XX" : "NX", "GET"], was);
            case 2:
                _model[key] = Bytes(text);
                return (["GETSET", key, text], was);
            case 3:
                if (!random.OneIn(4)) return (["GET", key], was);
                _model.Remove(key);
                return (["GETDEL", key], was);
            case 4:
                _model[key] = [.. old, .. Bytes(text)];
                return (["APPEND", key, text], $"{old.Length + text.Length}");
            case 5:
                var offset = random.Next(60);
                if (text.Length > 0) _model[key] = Overlaid(old, offset, Bytes(text));
                return (["SETRANGE", key, $"{offset}", text], $"{Of(key).Length}");
            case 6:
                var (start, end) = (random.Next(80) - 40, random.Next(80) - 40);
                var (low, high) = Resolved(old.Length, start, end, isReversedEmpty: true);
                return (["GETRANGE", key, $"{start}", $"{end}"], Text(old[low..high]));
            case 7:
                return (["STRLEN", key], $"{old.Length}");
            case 8:
                var delta = random.Next(200) - 100;
                if (isThere && (!long.TryParse(Text(old), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                    || number.ToString(CultureInfo.InvariantCulture) != Text(old)))
                    return (["INCRBY", key, $"{delta}"], "(error) ERR value is not an integer or out of range");
                number = isThere ? long.Parse(Text(old), CultureInfo.InvariantCulture) : 0;
                _model[key] = Bytes($"{number + delta}");
                return (["INCRBY", key, $"{delta}"], $"{number + delta}");
            case 9:
                var pairs = Enumerable.Range(0, 1 + random.Next(4)).Select(i => (Key: $"k{random.Next(8)}", Value: $"{text}{i}")).ToArray();
                var isRefused = random.OneIn(2);
                string[] words = [isRefused ? "MSETNX" : "MSET", .. pairs.SelectMany(p => new[] { p.Key, p.Value })];
                if (isRefused && pairs.Any(p => _model.ContainsKey(p.Key))) return (words, "0");
                foreach (var pair in pairs) _model[pair.Key] = Bytes(pair.Value);
                return (words, isRefused ? "1" : "OK");
            case 10:
                return (["MGET", key, other], $"[{was}, {(_model.TryGetValue(other, out var value) ? Text(value) : "(nil)")}]");
            case 11:
                var place = random.Next(400);
                var bits = BitsOf(Padded(old, (place / 8) + 1));
                var before = bits[place];
                var bit = random.OneIn(2);
                if (random.OneIn(3)) return (["GETBIT", key, $"{place}"], before ? "1" : "0");
                bits[place] = bit;
                _model[key] = BytesOf(bits);
                return (["SETBIT", key, $"{place}", bit ? "1" : "0"], before ? "1" : "0");
            case 12:
                return Counted(random, key, old, isThere);
            case 13:
                return Combined(random, key, other);
            default:
                return Field(random, key, old);
        }
    }

    static (string[], string) Counted(SeededRandom random, string key, byte[] old, bool isThere)
    {
        var (start, end) = (random.Next(600) - 300, random.Next(600) - 300);
        var isBits = random.OneIn(2);
        if (!isBits) (start, end) = (start / 8, end / 8);
        var unit = isBits ? 1 : 8;
        var bits = BitsOf(old);
        if (random.OneIn(2))
        {
            var (low, high) = Resolved(bits.Length / unit, start, end, isReversedEmpty: true);
            return (["BITCOUNT", key, $"{start}", $"{end}", isBits ? "BIT" : "BYTE"], $"{bits[(low * unit)..(high * unit)].Count(b => b)}");
        }
        var wanted = random.OneIn(2);
        string[] words = ["BITPOS", key, wanted ? "1" : "0"];
        if (random.OneIn(3))
        {
            var found = Array.IndexOf(bits, wanted);
            if (!isThere) found = wanted ? -1 : 0;
            else if (found < 0 && !wanted && bits.Length > 0) found = bits.Length;
            return (words, $"{found}");
        }
        var (from, to) = Resolved(bits.Length / unit, start, end, isReversedEmpty: false);
        var place = Array.IndexOf(bits[(from * unit)..(to * unit)], wanted);
        var reply = !isThere ? wanted ? -1 : 0 : place < 0 ? -1 : place + (from * unit);
        return ([.. words, $"{start}", $"{end}", isBits ? "BIT" : "BYTE"], $"{reply}");
    }

    (string[], string) Combined(SeededRandom random, string key, string other)
    {
        var third = $"k{random.Next(6)}";
        var operation = ((string[])["AND", "OR", "XOR", "NOT"])[random.Next(4)];
        string[] sources = operation == "NOT" ? [other] : [other, third];
        var length = sources.Max(s => Of(s).Length);
        var values = sources.Select(s => Padded(Of(s), length)).ToArray();
        var result = values[0].ToArray();
        for (var i = 0; i < length; i++)
            result[i] = operation switch
            {
                "AND" => (byte)(values[0][i] & values[1][i]),
                "OR" => (byte)(values[0][i] | values[1][i]),
                "XOR" => (byte)(values[0][i] ^ values[1][i]),
                _ => (byte)~values[0][i],
            };
        if (length == 0) _model.Remove(key);
        else _model[key] = result;
        return (["BITOP", operation, key, .. sources], $"{length}");
    }

    (string[], string) Field(SeededRandom random, string key, byte[] old)
    {
        var isSigned = random.OneIn(2);
        var width = 1 + random.Next(isSigned ? 64 : 63);
        var offset = random.Next(300);
        var overflow = ((string[])["WRAP", "SAT", "FAIL"])[random.Next(3)];
        var isAdd = random.OneIn(2);
        var given = (long)(random.NextUInt64() >> random.Next(64));
        var bits = BitsOf(Padded(old, (offset + width + 7) / 8));
        var unsigned = bits[offset..(offset + width)].Aggregate(BigInteger.Zero, (sum, b) => (2 * sum) + (b ? 1 : 0));
        var before = isSigned && bits[offset] ? unsigned - (BigInteger.One << width) : unsigned;
        var (min, max) = isSigned ? (-(BigInteger.One << (width - 1)), (BigInteger.One << (width - 1)) - 1) : (0, (BigInteger.One << width) - 1);
        var after = isAdd ? before + given : isSigned ? given : (BigInteger)(ulong)given;
        var fits = after >= min && after <= max;
        var span = BigInteger.One << width;
        if (!fits && overflow == "WRAP")
        {
            after = ((after % span) + span) % span;
            if (after > max) after -= span;
        }
        if (!fits && overflow == "SAT") after = BigInteger.Clamp(after, min, max);
        var isDone = fits || overflow != "FAIL";
        if (isDone)
            for (var i = 0; i < width; i++) bits[offset + width - 1 - i] = (((after + span) % span) >> i & 1) == 1;
        _model[key] = BytesOf(bits);
        return (["BITFIELD", key, "OVERFLOW", overflow, isAdd ? "INCRBY" : "SET", $"{(isSigned ? 'i' : 'u')}{width}", $"{offset}", $"{given}"],
            isDone ? $"[{(isAdd ? after : before)}]" : "[(nil)]");
    }

    static (int Low, int High) Resolved(int length, int start, int end, bool isReversedEmpty)
    {
        if (isReversedEmpty && start < 0 && end < 0 && start > end) return (0, 0);
        var low = Math.Max(start < 0 ? start + length : start, 0);
        var high = Math.Min(Math.Max(end < 0 ? end + length : end, 0), length - 1);
        return low > high ? (0, 0) : (low, high + 1);
    }

    static byte[] Overlaid(byte[] old, int offset, byte[] part)
    {
        var result = Padded(old, offset + part.Length);
        part.CopyTo(result, offset);
        return result;
    }

    static byte[] Padded(byte[] bytes, int length)
    {
        var result = new byte[Math.Max(bytes.Length, length)];
        bytes.CopyTo(result, 0);
        return result;
    }

    static bool[] BitsOf(byte[] bytes) => [.. bytes.SelectMany(b => Enumerable.Range(0, 8).Select(i => (b >> (7 - i) & 1) == 1))];

    static byte[] BytesOf(bool[] bits) => [.. bits.Chunk(8).Select(c => (byte)c.Aggregate(0, (sum, b) => (2 * sum) + (b ? 1 : 0)))];
}
