// ConfigKey: one thing that can be configured: its name in every place where it can be said, its form, its default, one sentence.
//
//   key       clients-max in section resp: resp.clients-max; in the file {"resp": {"clients-max": 100}}
//   flag      --clients-max (its own, or made from the key); secrets have none: everybody sees the arguments of a process
//   variable  AEVUM_RESP__CLIENTS_MAX; of secrets AEVUM_RESP__PASSWORD_FILE too, naming a file that holds it
//
// Not here: which keys there are (ConfigKeys), who wins (ConfigValues).

using Aevum.Core.Errors;

namespace Aevum.Server.Hosting.Configuration;

/// <summary>A key of the configuration, whatever its value is.</summary>
public abstract class ConfigKey
{
    /// <summary>Behind the variable of a secret: names a file that holds it.</summary>
    public const string FileSuffix = "_FILE";

    protected ConfigKey(string name, string summary) => (Name, Summary) = (name, summary);

    /// <summary>section.key, in lower case.</summary>
    public string Name { get; }

    /// <summary>One sentence.</summary>
    public string Summary { get; }

    /// <summary>How it is said on the command line, with its dashes; null: it cannot be.</summary>
    public string? Flag => IsSecret ? null : OwnFlag ?? "--" + Name.Replace('.', '-');

    /// <summary>A shorter flag than the one made from the name.</summary>
    public string? OwnFlag { get; init; }

    /// <summary>Its value is never shown.</summary>
    public bool IsSecret { get; init; }

    /// <summary>What a default that depends on the machine is, in words; null: it does not.</summary>
    public string? DefaultMeaning { get; init; }

    /// <summary>The environment variable.</summary>
    public string Variable => "AEVUM_" + Name.Replace(".", "__", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();

    /// <summary>The form of a value: SIZE, TIME, ...</summary>
    public abstract string Form { get; }

    /// <summary>Several values, apart by commas: a list in the file, a flag that may come again.</summary>
    public abstract bool IsList { get; }

    /// <summary>True or false: a flag without a value means true.</summary>
    public abstract bool IsSwitch { get; }

    /// <summary>Reads a value.</summary>
    /// <exception cref="AevumException">InvalidArgument: it has not the form.</exception>
    public abstract object Read(string text);

    /// <summary>A value as it can be read again.</summary>
    public abstract string Write(object value);

    public abstract object DefaultOn(HardwareProfile machine);

    public override string ToString() => Name;
}

/// <summary>A key whose value is a <typeparamref name="T"/>.</summary>
public sealed class ConfigKey<T> : ConfigKey where T : notnull
{
    readonly ConfigForm<T> _form;
    readonly Func<HardwareProfile, T> _default;

    /// <param name="form">How its values are written.</param>
    /// <param name="byDefault">What holds where nothing is said, as it would be written.</param>
    internal ConfigKey(string name, ConfigForm<T> form, string byDefault, string summary) : base(name, summary)
    {
        _form = form;
        var value = form.Read(byDefault);
        _default = _ => value;
    }

    internal ConfigKey(string name, ConfigForm<T> form, Func<HardwareProfile, T> byDefault, string summary) : base(name, summary) =>
        (_form, _default) = (form, byDefault);

    public override string Form => _form.Name;

    public override bool IsList => _form.IsList;

    public override bool IsSwitch => typeof(T) == typeof(bool);

    public override object Read(string text) => _form.Read(text);

    public override string Write(object value) => _form.Write((T)value);

    public override object DefaultOn(HardwareProfile machine) => _default(machine);
}
