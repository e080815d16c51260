using System.Text;

namespace Aevum.Server.Hosting.Configuration;

/// <summary>The keys as a page of documentation shows them.</summary>
public static class ConfigPage
{
    /// <summary>A table a section, in Markdown.</summary>
    public static string Tables()
    {
        var text = new StringBuilder();
        foreach (var section in ConfigKeys.All.GroupBy(k => k.Name.Split('.')[0]))
        {
            text.Append($"### {section.Key}\n\n| key | flag | variable | form | default | |\n| --- | --- | --- | --- | --- | --- |\n");
            foreach (var key in section)
            {
                var flag = key.Flag is { } name ? $"`{name}`" : "";
                var variable = key.IsSecret ? $"`{key.Variable}`, `{key.Variable}{ConfigKey.FileSuffix}`" : $"`{key.Variable}`";
                var form = key.Form.Replace("|", "\\|", StringComparison.Ordinal);
                text.Append($"| `{key.Name}` | {flag} | {variable} | {form} | {key.DefaultMeaning ?? Default(key)} | {key.Summary} |\n");
            }
            text.Append('\n');
        }
        return text.ToString();
    }

    static string Default(ConfigKey key) => $"`{key.Write(key.DefaultOn(HardwareProfile.Smallest))}`";
}
