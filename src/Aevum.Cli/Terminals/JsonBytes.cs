using System.Text.Json;
using System.Text.Unicode;

namespace Aevum.Cli.Terminals;

/// <summary>Keys and values in JSON: as text where they are UTF-8, else as base64 under the name with 64 behind.</summary>
static class JsonBytes
{
    public static void WriteBytes(this Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes)) json.WriteString(name, bytes);
        else json.WriteBase64String(name + "64", bytes);
    }
}
