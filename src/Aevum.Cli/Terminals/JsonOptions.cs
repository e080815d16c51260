using System.Text.Encodings.Web;
using System.Text.Json;

namespace Aevum.Cli.Terminals;

/// <summary>How the commands write JSON: indented, and readable where it is text. Times and other 64-bit numbers go as strings.</summary>
static class JsonOptions
{
    /// <summary>For rows: one object a line.</summary>
    public static JsonWriterOptions Lines { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonWriterOptions Writing { get; } = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
