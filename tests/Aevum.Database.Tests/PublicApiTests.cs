using System.Reflection;
using System.Text;
using Aevum.Testing;

namespace Aevum.Tests;

/// <summary>What programs may rely on. A change of the list is a change for somebody: testdata/public-api.txt is rewritten by ./dev goldens, and its
/// diff is what gets reviewed.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_api_is_the_one_that_was_agreed_on()
    {
        var text = new StringBuilder();
        foreach (var type in typeof(Database).Assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal)) Describe(type, text);
        var path = Path.Combine(TestFolders.Project, "testdata", "public-api.txt");
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text.ToString());
        }
        Assert.Equal(File.ReadAllText(path), text.ToString());
    }

    static void Describe(Type type, StringBuilder text)
    {
        text.Append(Name(type)).Append(type.IsEnum ? " enum" : type.IsValueType ? " struct" : " class").Append('\n');
        if (type.IsEnum)
        {
            foreach (var name in type.GetEnumNames()) text.Append($"  {name} = {Convert.ToInt64(Enum.Parse(type, name), null)}\n");
            return;
        }
        const BindingFlags own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var line in type.GetMembers(own).Select(Line).OfType<string>().Order(StringComparer.Ordinal)) text.Append($"  {line}\n");
    }

    static string? Line(MemberInfo member) => member switch
    {
        // What the compiler writes for records says nothing of its own.
        MethodBase { Name: var name } when name.StartsWith('<') || name is "Equals" or "GetHashCode" or "ToString" or "PrintMembers" or "Deconstruct"
            or "op_Equality" or "op_Inequality" => null,
        MethodBase { IsSpecialName: true } method when method is not ConstructorInfo => null,
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        MethodInfo method => $"{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        PropertyInfo { Name: "EqualityContract" } => null,
        PropertyInfo property => $"{Name(property.PropertyType)} {property.Name}{(property.SetMethod?.IsPublic == true ? " { set }" : "")}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        _ => null,
    };

    static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)}{(p.IsOut ? " out" : "")} {p.Name}{(p.HasDefaultValue ? "?" : "")}"));

    static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (!type.IsGenericType) return type.Name;
        var name = type.Name.Contains('`', StringComparison.Ordinal) ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)] : type.Name;
        return $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
