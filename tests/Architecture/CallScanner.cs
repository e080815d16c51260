// CallScanner: every use of a foreign member in the method bodies of one compiled assembly. It reads instructions, not text: comments,
// aliases, `using static`, lambdas, iterators and async methods make no difference.
//
//   assembly -> each method body -> each instruction whose operand is a token -> member of which type
//
// Not here: what is allowed (BannedCall). Calls by reflection or `dynamic` are not seen.

using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Aevum.Architecture.Tests;

/// <param name="Space">Namespace of the calling type.</param>
/// <param name="Caller">Type and method, nested types with a plus.</param>
/// <param name="Type">Full name of the type that is used.</param>
/// <param name="Member">Its member.</param>
sealed record Call(string Assembly, string Space, string Caller, string Type, string Member);

sealed class CallScanner
{
    static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value & 0xFFFF, o => o.OperandType);

    readonly MetadataReader _metadata;
    readonly PEReader _file;
    readonly string _assembly;

    CallScanner(PEReader file)
    {
        _file = file;
        _metadata = file.GetMetadataReader();
        _assembly = _metadata.GetString(_metadata.GetAssemblyDefinition().Name);
    }

    public static IReadOnlyList<Call> Scan(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        return [.. new CallScanner(file).Calls()];
    }

    /// <summary>What breaks a rule, told so that the reader knows what to write instead.</summary>
    public static IEnumerable<string> Violations(IEnumerable<Call> calls) =>
        from call in calls
        from rule in BannedCall.Rules
        where rule.Matches(call.Type, call.Member) && !rule.IsAtHome(call.Assembly, call.Space)
        select $"{call.Caller} uses {call.Type}.{call.Member}\n    instead: {rule.Instead}\n    its home: {string.Join(", ", rule.Homes)}";

    IEnumerable<Call> Calls()
    {
        foreach (var handle in _metadata.MethodDefinitions)
        {
            var method = _metadata.GetMethodDefinition(handle);
            var space = OutermostNamespace(method.GetDeclaringType());
            var caller = $"{FullName(method.GetDeclaringType())}.{_metadata.GetString(method.Name)}";
            if ((method.Attributes & MethodAttributes.PinvokeImpl) != 0)
                yield return new(_assembly, space, caller, BannedCall.NativeImport, _metadata.GetString(method.GetImport().Name));
            if (method.RelativeVirtualAddress == 0) continue;
            var body = _file.GetMethodBody(method.RelativeVirtualAddress).GetILContent();
            foreach (var token in Tokens(body))
                if (Target(token) is { } target) yield return new(_assembly, space, caller, target.Type, target.Member);
        }
    }

    static IEnumerable<EntityHandle> Tokens(ImmutableArray<byte> body)
    {
        for (var at = 0; at < body.Length;)
        {
            int code = body[at++];
            if (code == 0xFE) code = 0xFE00 | body[at++];
            var operand = Operands[code];
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok)
                yield return MetadataTokens.EntityHandle(BitConverter.ToInt32(body.AsSpan(at, 4)));
            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(body.AsSpan(at, 4))),
                _ => 4,
            };
        }
    }

    // Members of this very assembly are no calls to the outside.
    (string Type, string Member)? Target(EntityHandle token)
    {
        if (token.Kind == HandleKind.MethodSpecification) token = _metadata.GetMethodSpecification((MethodSpecificationHandle)token).Method;
        if (token.Kind != HandleKind.MemberReference) return null;
        var member = _metadata.GetMemberReference((MemberReferenceHandle)token);
        var type = TypeOf(member.Parent);
        return type is null ? null : (type, _metadata.GetString(member.Name));
    }

    string? TypeOf(EntityHandle handle) => handle.Kind switch
    {
        HandleKind.TypeReference => FullName((TypeReferenceHandle)handle),
        HandleKind.TypeSpecification => GenericType((TypeSpecificationHandle)handle),
        _ => null,
    };

    // A generic instance reads: 0x15, class or value type, coded index of the generic type, its arguments (ECMA-335, II.23.2.12).
    string? GenericType(TypeSpecificationHandle handle)
    {
        var blob = _metadata.GetBlobReader(_metadata.GetTypeSpecification(handle).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return null;
        blob.ReadByte();
        return TypeOf(blob.ReadTypeHandle());
    }

    string FullName(TypeReferenceHandle handle)
    {
        var type = _metadata.GetTypeReference(handle);
        var name = _metadata.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{FullName((TypeReferenceHandle)type.ResolutionScope)}+{name}"
            : Join(_metadata.GetString(type.Namespace), name);
    }

    string FullName(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        var name = _metadata.GetString(type.Name);
        return type.IsNested ? $"{FullName(type.GetDeclaringType())}+{name}" : Join(_metadata.GetString(type.Namespace), name);
    }

    string OutermostNamespace(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        return type.IsNested ? OutermostNamespace(type.GetDeclaringType()) : _metadata.GetString(type.Namespace);
    }

    static string Join(string space, string name) => space.Length == 0 ? name : $"{space}.{name}";
}
