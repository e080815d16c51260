using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>A hash: fields with values.</summary>
sealed class HashRows : MemberRows
{
    protected override StructureKind Kind => StructureKind.Hash;

    protected override bool HasValues => true;
}
