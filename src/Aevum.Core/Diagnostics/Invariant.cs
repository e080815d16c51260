using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Aevum.Core.Diagnostics;

/// <summary>Checks that stay on in release builds, for the places where going on would damage data. Elsewhere <see cref="Debug.Assert(bool)"/>.</summary>
public static class Invariant
{
    public static void Require([DoesNotReturnIf(false)] bool holds, string rule)
    {
        if (!holds) Broken(rule);
    }

    [DoesNotReturn]
    static void Broken(string rule) => throw new InvalidOperationException("invariant broken: " + rule);
}
