using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Sets;

/// <summary>A set: members.</summary>
sealed class SetRows : MemberRows
{
    protected override StructureKind Kind => StructureKind.Set;

    protected override bool HasValues => false;
}
