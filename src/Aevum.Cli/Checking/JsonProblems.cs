using System.Text.Json;
using Aevum.Storage.Checking;

namespace Aevum.Cli.Checking;

/// <summary>What a check found, in JSON: the same from every command that checks.</summary>
static class JsonProblems
{
    public static void WriteProblems(this Utf8JsonWriter json, IReadOnlyList<CheckProblem> problems)
    {
        json.WriteStartArray("problems");
        foreach (var problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("file", problem.Path);
            if (problem.Offset is { } offset) json.WriteNumber("offset", offset);
            else json.WriteNull("offset");
            json.WriteString("problem", problem.Text);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
