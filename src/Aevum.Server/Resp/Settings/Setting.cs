// Setting: one parameter of CONFIG: its name, what it stands at, what it may be set to, and what it means here. Errors are in Redis' words; texts are
// bytes told as Latin-1, so that what was set is what is told.

using System.Globalization;
using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp.Settings;

enum SettingEffect
{
    /// <summary>Does what it says.</summary>
    Works,

    /// <summary>Is kept and told back, and nothing here depends on it: there is no such thing in this server.</summary>
    Kept,

    /// <summary>Tells how this server is; it stays so.</summary>
    Tells,
}

/// <param name="meaning">One sentence: what it does here.</param>
abstract class Setting(string name, SettingEffect effect, string meaning)
{
    public string Name => name;

    /// <summary>What it was called before, and still is; null: it has one name.</summary>
    public string? Alias { get; init; }

    public SettingEffect Effect => effect;

    public string Meaning => meaning;

    /// <summary>Cannot be set while the server runs.</summary>
    public bool IsFixed { get; init; }

    /// <summary>Of one that cannot be set while the server runs, but in Redis can: setting it to what it is, is no error.</summary>
    public bool MayStay { get; init; }

    /// <summary>What is said to who tries, in Redis' words or beginning with them.</summary>
    public string WhyFixed { get; init; } = "can't set immutable config";

    /// <summary>Cannot be set by clients, as they could read and write files by it.</summary>
    public bool IsProtected { get; init; }

    /// <summary>Told only to who asks for it by its whole name.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Called when it was set.</summary>
    public Action? Changed { get; set; }

    public abstract string Text { get; }

    /// <summary>Says what is wrong with a text; null: it may be set.</summary>
    public abstract string? Check(string text);

    /// <summary>Sets what was checked.</summary>
    public void Set(string text)
    {
        Put(text);
        Changed?.Invoke();
    }

    protected abstract void Put(string text);
}

/// <summary>A whole number, of bytes if it says so: those may have a unit.</summary>
sealed class NumberSetting(string name, long value, long min, long max, SettingEffect effect, string meaning, bool isBytes = false)
    : Setting(name, effect, meaning)
{
    readonly long _default = value;
    long _value = value;

    public long Value => Volatile.Read(ref _value);

    /// <summary>True if it was set above what it stands at by itself.</summary>
    public bool IsRaised => Value > _default;

    public override string Text => Value.ToString(CultureInfo.InvariantCulture);

    public override string? Check(string text)
    {
        if (!TryRead(text, out var number)) return isBytes ? "argument must be a memory value" : "argument couldn't be parsed into an integer";
        return number < min || number > max ? $"argument must be between {min} and {max} inclusive" : null;
    }

    protected override void Put(string text)
    {
        TryRead(text, out var number);
        Volatile.Write(ref _value, number);
    }

    bool TryRead(string text, out long number) => isBytes
        ? ByteSizes.TryRead(text, out number)
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}

/// <summary>Bytes, or a part of another setting in percent. 0: no limit, as with a part of nothing.</summary>
sealed class ShareSetting(string name, NumberSetting whole, SettingEffect effect, string meaning) : Setting(name, effect, meaning)
{
    long _value;   // negative: percent

    /// <summary>Bytes.</summary>
    public long Value => Volatile.Read(ref _value) is var value && value < 0 ? (long)(whole.Value * (-value / 100.0)) : value;

    public override string Text => Volatile.Read(ref _value) is var value && value < 0
        ? string.Create(CultureInfo.InvariantCulture, $"{-value}%") : value.ToString(CultureInfo.InvariantCulture);

    public override string? Check(string text) => !TryRead(text, out var value) ? "argument must be a memory or percent value"
        : value < -100 ? "percentage argument must be less or equal to 100" : null;

    protected override void Put(string text)
    {
        TryRead(text, out var value);
        Volatile.Write(ref _value, value);
    }

    static bool TryRead(string text, out long value)
    {
        if (!text.EndsWith('%')) return ByteSizes.TryRead(text, out value) && value >= 0;
        if (!long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out value)) return false;
        value = -value;
        return true;
    }
}

sealed class YesNoSetting(string name, bool value, SettingEffect effect, string meaning) : Setting(name, effect, meaning)
{
    volatile bool _value = value;

    public bool Value => _value;

    /// <summary>Why it cannot be set to the other; null: it can.</summary>
    public string? WhyNotOther { get; init; }

    public override string Text => _value ? "yes" : "no";

    public override string? Check(string text)
    {
        var isYes = text.Equals("yes", StringComparison.OrdinalIgnoreCase);
        if (!isYes && !text.Equals("no", StringComparison.OrdinalIgnoreCase)) return "argument must be 'yes' or 'no'";
        return isYes != _value ? WhyNotOther : null;
    }

    protected override void Put(string text) => _value = text.Equals("yes", StringComparison.OrdinalIgnoreCase);
}

/// <summary>One of a few words.</summary>
sealed class ChoiceSetting(string name, string value, string[] choices, SettingEffect effect, string meaning) : Setting(name, effect, meaning)
{
    volatile string _value = value;

    public string Value => _value;

    public override string Text => _value;

    public override string? Check(string text) => Array.Exists(choices, c => c.Equals(text, StringComparison.OrdinalIgnoreCase))
        ? null
        : "argument(s) must be one of the following: " + string.Join(", ", choices);

    protected override void Put(string text) => _value = Array.Find(choices, c => c.Equals(text, StringComparison.OrdinalIgnoreCase))!;
}

/// <summary>Any text, or one with a form of its own.</summary>
/// <param name="check">What is wrong with a text; null: any will do.</param>
/// <param name="normal">The form in which it is kept.</param>
sealed class TextSetting(
    string name, string value, SettingEffect effect, string meaning, Func<string, string?>? check = null, Func<string, string>? normal = null)
    : Setting(name, effect, meaning)
{
    volatile string _value = value;

    public override string Text => _value;

    public override string? Check(string text) => check?.Invoke(text);

    protected override void Put(string text) => _value = normal is null ? text : normal(text);

    /// <summary>Sets it without being asked by a client.</summary>
    public void Replace(string text) => _value = text;
}

/// <summary>Sizes as they are written in settings: 100, 5k, 5kb, 1mb, 1gb: k, m and g are powers of 1000, those with b of 1024.</summary>
static class ByteSizes
{
    public static bool TryRead(string text, out long bytes)
    {
        bytes = 0;
        var digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || (digits == 0 && text[0] == '-'))) digits++;
        if (!long.TryParse(text.AsSpan(0, digits), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return false;
        long unit = text[digits..].ToLowerInvariant() switch
        {
            "" or "b" => 1,
            "k" => 1000,
            "kb" => 1024,
            "m" => 1000 * 1000,
            "mb" => 1024 * 1024,
            "g" => 1000L * 1000 * 1000,
            "gb" => 1024L * 1024 * 1024,
            _ => 0,
        };
        if (unit == 0 || number > long.MaxValue / unit || number < long.MinValue / unit) return false;
        bytes = number * unit;
        return true;
    }
}
